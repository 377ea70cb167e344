//! Which leaf columns of a batch are worth a dictionary, and which are worth compressing.
//!
//! A batch has several hundred leaves and most of them hold next to nothing: setting up a compressor costs more there
//! than it saves. A dictionary of values that hardly come again costs time and size at once.

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::DataType;
use parquet::basic::Compression;
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::schema::types::ColumnPath;

/// Bytes of text below which a leaf is written as it is.
pub(super) const SMALL: usize = 1024;

/// Values that are looked at to tell whether those of a leaf recur.
const SAMPLE: usize = 512;

/// Adds the settings for each text column of a batch, those inside structs and lists too.
pub(super) fn fitted(mut builder: WriterPropertiesBuilder, batch: &RecordBatch) -> WriterPropertiesBuilder {
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        builder = fit(builder, &mut vec![field.name().clone()], column);
    }
    builder
}

fn fit(
    mut builder: WriterPropertiesBuilder,
    path: &mut Vec<String>,
    column: &ArrayRef,
) -> WriterPropertiesBuilder {
    match column.data_type() {
        DataType::Struct(fields) => {
            for (field, child) in fields.iter().zip(column.as_struct().columns()) {
                path.push(field.name().clone());
                builder = fit(builder, path, child);
                path.pop();
            }
        }
        DataType::List(element) => {
            path.extend(["list".to_owned(), element.name().clone()]);
            builder = fit(builder, path, column.as_list::<i32>().values());
            path.truncate(path.len() - 2);
        }
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            let at = || ColumnPath::new(path.clone());
            if texts.value_data().len() < SMALL {
                builder = builder.set_column_compression(at(), Compression::UNCOMPRESSED);
            }
            if hardly_recurs(texts) {
                builder = builder.set_column_dictionary_enabled(at(), false);
            }
        }
        _ => {}
    }
    builder
}

/// Whether nine of ten values of a sample are different: then most of all values come only once or twice.
fn hardly_recurs(texts: &StringArray) -> bool {
    let step = (texts.len() - texts.null_count()).div_ceil(SAMPLE).max(1);
    let mut sampled = 0;
    let mut different = HashSet::with_capacity(SAMPLE);
    for text in texts.iter().flatten().step_by(step) {
        sampled += 1;
        different.insert(text);
    }
    different.len() * 10 > sampled * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_recur_or_not() {
        let texts = |different: usize| (0..20_000).map(|row| Some((row % different).to_string())).collect();
        assert!(hardly_recurs(&texts(20_000)));
        assert!(!hardly_recurs(&texts(1_000)));
        assert!(!hardly_recurs(&texts(1)));
    }
}
