//! `DESCRIBE`: the columns of a table with types that a person can read, however much is inside of them.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::sql::parser::Statement as ParsedStatement;
use datafusion::sql::sqlparser::ast::Statement;

use crate::Result;

/// Names of parts that are shown before the rest is counted.
const SHOWN: usize = 4;

/// The schema and the table that a statement asks to be described.
pub(crate) fn described(statement: &ParsedStatement) -> Option<(Option<String>, String)> {
    let ParsedStatement::Statement(statement) = statement else { return None };
    let Statement::ExplainTable { table_name, .. } = statement.as_ref() else { return None };
    let names: Option<Vec<String>> =
        table_name.0.iter().map(|part| Some(part.as_ident()?.value.to_ascii_lowercase())).collect();
    match &names?[..] {
        [table] => Some((None, table.clone())),
        [schema, table] => Some((Some(schema.clone()), table.clone())),
        _ => None,
    }
}

/// One row for each column.
pub(crate) fn columns(schema: &Schema) -> Result<RecordBatch> {
    let names = StringArray::from_iter_values(schema.fields().iter().map(|field| field.name()));
    let types = StringArray::from_iter_values(schema.fields().iter().map(|field| words(field.data_type())));
    let columns: [(&str, ArrayRef); 2] = [("column_name", Arc::new(names)), ("data_type", Arc::new(types))];
    Ok(RecordBatch::try_from_iter(columns)?)
}

/// A type as a person says it.
pub(crate) fn words(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".into(),
        DataType::Timestamp(..) => "timestamp".into(),
        DataType::Int32 => "int".into(),
        DataType::Int64 => "bigint".into(),
        DataType::Boolean => "boolean".into(),
        DataType::List(element) => format!("list of {}", words(element.data_type())),
        DataType::Struct(fields) => {
            let shown: Vec<&str> = fields.iter().take(SHOWN).map(|field| field.name().as_str()).collect();
            let more = fields.len().saturating_sub(SHOWN);
            let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!("struct of {}{rest}", shown.join(", "))
        }
        other => other.to_string().to_ascii_lowercase(),
    }
}
