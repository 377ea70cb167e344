//! Which leaf columns of a batch are worth a dictionary, and which are worth compressing.
//!
//! A batch has several hundred leaves and most of them hold next to nothing: setting up a compressor costs more there
//! than it saves, and again for everyone who reads it. A dictionary of values that hardly come again costs time and size at once.

use std::collections::HashMap;
use std::hash::Hash;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use parquet::basic::Compression;
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::schema::types::ColumnPath;

/// Bytes, encoded, below which a leaf is written as it is: compressed it would hardly be smaller.
pub(super) const SMALL: usize = 1024;

/// Values that are looked at to tell whether those of a leaf recur.
const SAMPLE: usize = 512;

/// Adds the settings for each column of text or small numbers of a batch, those inside structs and lists too.
pub(super) fn fitted(mut builder: WriterPropertiesBuilder, batch: &RecordBatch) -> WriterPropertiesBuilder {
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        builder = fit(builder, &mut vec![field.name().clone()], column, 0);
    }
    builder
}

/// `levels` is how many bytes it takes to tell where what this is a part of is null or begins anew.
fn fit(
    mut builder: WriterPropertiesBuilder,
    path: &mut Vec<String>,
    column: &ArrayRef,
    levels: usize,
) -> WriterPropertiesBuilder {
    let held = column.len() - column.null_count();
    let levels = levels + levels_of(column);
    let at = |path: &[String]| ColumnPath::new(path.to_vec());
    match column.data_type() {
        DataType::Struct(fields) => {
            for (field, child) in fields.iter().zip(column.as_struct().columns()) {
                path.push(field.name().clone());
                builder = fit(builder, path, child, levels);
                path.pop();
            }
            builder
        }
        DataType::List(element) => {
            path.extend(["list".to_owned(), element.name().clone()]);
            builder = fit(builder, path, column.as_list::<i32>().values(), levels);
            path.truncate(path.len() - 2);
            builder
        }
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            // Each has its length before it.
            let plain = texts.value_data().len() + 4 * held;
            let sampled = Sampled::of(texts.iter().flatten(), held, plain);
            set(builder, at(path), &sampled, levels)
        }
        DataType::Int32 => {
            let numbers = column.as_primitive::<Int32Type>().iter().flatten();
            set(builder, at(path), &Sampled::of(numbers, held, 4 * held), levels)
        }
        _ => builder,
    }
}

fn set(
    builder: WriterPropertiesBuilder,
    path: ColumnPath,
    sampled: &Sampled,
    levels: usize,
) -> WriterPropertiesBuilder {
    let builder = match sampled.bytes + levels < SMALL {
        true => builder.set_column_compression(path.clone(), Compression::UNCOMPRESSED),
        false => builder,
    };
    match sampled.hardly_recurs {
        true => builder.set_column_dictionary_enabled(path, false),
        false => builder,
    }
}

/// Bytes that it takes to tell which values of an array are null, and which lists are how long: by runs, or bit by bit.
fn levels_of(array: &ArrayRef) -> usize {
    let runs = array.nulls().map_or(0, |nulls| 2 * nulls.valid_slices().count());
    let nulls = (array.len() / 8).min(3 * runs);
    let lists = array.as_list_opt::<i32>().map_or(0, |lists| {
        let holds_one_at_most = lists.offsets().lengths().all(|length| length <= 1);
        if holds_one_at_most { 0 } else { (lists.len() + lists.values().len()) / 8 }
    });
    nulls + lists
}

/// What a sample tells of the values of a leaf.
struct Sampled {
    /// Whether nine of ten are different: then most of all values come only once or twice.
    hardly_recurs: bool,
    /// How large the leaf is about, encoded.
    bytes: usize,
}

impl Sampled {
    /// Of so many values, which are of so many bytes one behind the other.
    fn of<T: Hash + Eq>(values: impl Iterator<Item = T>, held: usize, plain: usize) -> Self {
        let step = held.div_ceil(SAMPLE).max(1);
        let mut times: HashMap<T, usize> = HashMap::with_capacity(SAMPLE);
        for value in values.step_by(step) {
            *times.entry(value).or_default() += 1;
        }
        let sampled: usize = times.values().sum();
        let hardly_recurs = times.len() * 10 > sampled * 9;
        // What is there once stands for what was passed over.
        let once = times.values().filter(|times| **times == 1).count();
        let different = times.len() - once + once * step;
        let dictionary = plain * different / held.max(1);
        let bits = (usize::BITS - different.saturating_sub(1).leading_zeros()) as usize;
        let bytes = if hardly_recurs { plain } else { plain.min(dictionary + held * bits / 8) };
        Self { hardly_recurs, bytes }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    use super::*;

    /// So many values, in no order.
    fn sampled(different: u64) -> Sampled {
        let hash = BuildHasherDefault::<DefaultHasher>::default();
        Sampled::of((0..20_000).map(|row| hash.hash_one(row) % different), 20_000, 200_000)
    }

    #[test]
    fn values_recur_or_not() {
        assert!(sampled(20_000).hardly_recurs);
        assert!(!sampled(1_000).hardly_recurs);
        assert!(!sampled(1).hardly_recurs);
    }

    #[test]
    fn the_size_is_that_of_the_dictionary_and_of_the_places_in_it() {
        assert_eq!(sampled(1).bytes, 10, "there is nothing to tell apart");
        assert_eq!(sampled(8).bytes, 8 * 10 + 20_000 * 3 / 8);
        assert_eq!(sampled(20_000).bytes, 200_000, "without a dictionary");
        assert_eq!(Sampled::of(std::iter::empty::<i32>(), 0, 0).bytes, 0);
    }
}
