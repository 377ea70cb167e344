//! Brings what a file holds into the shape a scan asks for, at any depth and by names alone.
//!
//! A file holds only its own leaves, a query asks only for its own: they may have a column in common and nothing
//! in it. DataFusion's adapter refuses to cast between structs without a common field; here what a file lacks
//! is NULL.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, ListArray, RecordBatch, StructArray, new_null_array,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};

/// Makes the adapter of each file.
#[derive(Debug)]
pub(crate) struct ShapeFactory;

impl PhysicalExprAdapterFactory for ShapeFactory {
    fn create(&self, wanted: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        Ok(Arc::new(ShapeAdapter { wanted, file }))
    }
}

#[derive(Debug)]
struct ShapeAdapter {
    wanted: SchemaRef,
    file: SchemaRef,
}

impl PhysicalExprAdapter for ShapeAdapter {
    fn rewrite(&self, expression: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        expression
            .transform_up(|node| match node.downcast_ref::<Column>() {
                Some(column) => Ok(Transformed::yes(self.column(column)?)),
                None => Ok(Transformed::no(node)),
            })
            .data()
    }
}

impl ShapeAdapter {
    fn column(&self, column: &Column) -> Result<Arc<dyn PhysicalExpr>> {
        let wanted = self.wanted.field_with_name(column.name())?.data_type();
        let null = || ScalarValue::try_from(wanted).map(|null| Arc::new(Literal::new(null)) as _);
        let Some((position, held)) = self.file.column_with_name(column.name()) else { return null() };
        let held = held.data_type();
        let value: Arc<dyn PhysicalExpr> = Arc::new(Column::new(column.name(), position));
        if held == wanted {
            return Ok(value);
        }
        // The scan reads the leaves that this cast keeps.
        let Some(common) = common(held, wanted) else { return null() };
        let value = if common == *held { value } else { Arc::new(CastExpr::new(value, common, None)) };
        Ok(Arc::new(Shaped { value, data_type: wanted.clone() }))
    }
}

/// What both types have, in the order of the first; `None` if that is nothing.
fn common(held: &DataType, wanted: &DataType) -> Option<DataType> {
    match (held, wanted) {
        (DataType::Struct(held), DataType::Struct(wanted)) => {
            let fields: Vec<FieldRef> = held
                .iter()
                .filter_map(|held| {
                    let wanted = wanted.iter().find(|wanted| wanted.name() == held.name())?;
                    Some(with_type(held, common(held.data_type(), wanted.data_type())?))
                })
                .collect();
            (!fields.is_empty()).then(|| DataType::Struct(fields.into()))
        }
        (DataType::List(held), DataType::List(wanted)) => {
            Some(DataType::List(with_type(held, common(held.data_type(), wanted.data_type())?)))
        }
        _ => Some(wanted.clone()),
    }
}

fn with_type(field: &Field, data_type: DataType) -> FieldRef {
    Arc::new(field.clone().with_data_type(data_type))
}

/// A value in the shape of a type that has more in it.
#[derive(Debug, Eq)]
struct Shaped {
    value: Arc<dyn PhysicalExpr>,
    data_type: DataType,
}

impl PartialEq for Shaped {
    fn eq(&self, other: &Self) -> bool {
        self.value.eq(&other.value) && self.data_type == other.data_type
    }
}

impl Hash for Shaped {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
        self.data_type.hash(state);
    }
}

impl fmt::Display for Shaped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "shaped({})", self.value)
    }
}

impl PhysicalExpr for Shaped {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(self.data_type.clone())
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let value = self.value.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(shaped(&value, &self.data_type)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.value]
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let value = children.pop().unwrap_or_else(|| self.value.clone());
        Ok(Arc::new(Self { value, data_type: self.data_type.clone() }))
    }

    fn fmt_sql(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt_sql(formatter)
    }
}

fn shaped(value: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    if value.data_type() == data_type {
        return Ok(value.clone());
    }
    match (value.data_type(), data_type) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let held = value.as_struct();
            let children = fields.iter().map(|field| match held.column_by_name(field.name()) {
                Some(child) => shaped(child, field.data_type()),
                None => Ok(new_null_array(field.data_type(), held.len())),
            });
            let children = children.collect::<Result<Vec<_>>>()?;
            Ok(Arc::new(StructArray::try_new_with_length(
                fields.clone(),
                children,
                held.nulls().cloned(),
                held.len(),
            )?))
        }
        (DataType::List(_), DataType::List(element)) => {
            let held = value.as_list::<i32>();
            let values = shaped(held.values(), element.data_type())?;
            Ok(Arc::new(ListArray::try_new(
                element.clone(),
                held.offsets().clone(),
                values,
                held.nulls().cloned(),
            )?))
        }
        _ => Ok(cast(value, data_type)?),
    }
}
