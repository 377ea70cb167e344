//! A number for all values of some rows in their order, whichever files they lie in.
//!
//! What is null adds nothing, so a column that a file lacks is as good as one of nulls; all else does: each value with its
//! address, where a struct is there and where not, how long each list is.

use std::hash::{DefaultHasher, Hash, Hasher};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use sha2::{Digest as _, Sha256};

use crate::{Error, Result};

/// Grows with the rows that are added.
#[derive(Default)]
pub(super) struct Digest {
    hasher: Sha256,
    rows: u64,
}

impl Digest {
    pub(super) fn add(&mut self, rows: &RecordBatch) -> Result<()> {
        for number in numbers(rows)? {
            self.hasher.update(number.to_be_bytes());
        }
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    /// The hash, and how many rows there were.
    pub(super) fn finish(self) -> ([u8; 32], u64) {
        (self.hasher.finalize().into(), self.rows)
    }
}

/// For each value of an array the row it is in and its address, or nothing if what it is part of is null.
type Places = Vec<Option<(usize, u64)>>;

fn numbers(rows: &RecordBatch) -> Result<Vec<u64>> {
    let mut sums = vec![0; rows.num_rows()];
    for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        let address = number_of(field.name());
        let places = (0..rows.num_rows()).map(|row| Some((row, address))).collect();
        add(column, places, &mut sums)?;
    }
    Ok(sums)
}

fn add(array: &ArrayRef, mut places: Places, sums: &mut [u64]) -> Result<()> {
    for (value, place) in places.iter_mut().enumerate() {
        if array.is_null(value) {
            *place = None;
        }
    }
    let mut tell = |value: usize, content: &dyn Fn(&mut DefaultHasher)| {
        if let Some((row, address)) = places[value] {
            let mut hasher = DefaultHasher::new();
            address.hash(&mut hasher);
            content(&mut hasher);
            let sum: &mut u64 = &mut sums[row];
            *sum = sum.wrapping_add(hasher.finish());
        }
    };
    let values = 0..array.len();
    match array.data_type() {
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            values.for_each(|value| tell(value, &|hasher| texts.value(value).hash(hasher)));
        }
        DataType::Int32 => {
            let numbers = array.as_primitive::<Int32Type>();
            values.for_each(|value| tell(value, &|hasher| numbers.value(value).hash(hasher)));
        }
        DataType::Int64 => {
            let numbers = array.as_primitive::<Int64Type>();
            values.for_each(|value| tell(value, &|hasher| numbers.value(value).hash(hasher)));
        }
        DataType::Boolean => {
            let booleans = array.as_boolean();
            values.for_each(|value| tell(value, &|hasher| booleans.value(value).hash(hasher)));
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = array.as_primitive::<TimestampMicrosecondType>();
            values.for_each(|value| tell(value, &|hasher| times.value(value).hash(hasher)));
        }
        DataType::Struct(fields) => {
            values.for_each(|value| tell(value, &|_| {}));
            for (field, child) in fields.iter().zip(array.as_struct().columns()) {
                let name = number_of(field.name());
                let below = places.iter().map(|place| place.map(|(row, at)| (row, number_of((at, name)))));
                add(child, below.collect(), sums)?;
            }
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            values.for_each(|value| tell(value, &|hasher| lists.value_length(value).hash(hasher)));
            let mut below: Places = vec![None; lists.values().len()];
            for (value, place) in places.iter().enumerate() {
                let Some((row, address)) = place else { continue };
                let offsets = lists.value_offsets();
                let elements = offsets[value] as usize..offsets[value + 1] as usize;
                for (number, element) in elements.enumerate() {
                    below[element] = Some((*row, number_of((*address, number))));
                }
            }
            add(lists.values(), below, sums)?;
        }
        other => return Err(Error::Internal(format!("no digest of values of the type {other}"))),
    }
    Ok(())
}

fn number_of(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use arrow::json::ReaderBuilder;
    use arrow_schema::{Field, Fields, Schema};
    use std::sync::Arc;

    use super::*;

    fn digest(columns: &[&str], parts: &[&str]) -> ([u8; 32], u64) {
        let text = |name: &&str| Field::new(*name, DataType::Utf8, true);
        let fields: Fields = columns.iter().map(text).collect();
        let element = Field::new("element", DataType::Struct(fields.clone()), true);
        let schema = Schema::new(vec![
            Field::new("a", DataType::Struct(fields), true),
            Field::new("b", DataType::List(Arc::new(element)), true),
            Field::new("n", DataType::Int64, true),
        ]);
        let mut digest = Digest::default();
        for part in parts {
            let rows = ReaderBuilder::new(Arc::new(schema.clone())).build(part.as_bytes()).unwrap();
            rows.for_each(|rows| digest.add(&rows.unwrap()).unwrap());
        }
        digest.finish()
    }

    #[test]
    fn it_is_that_of_the_values_whatever_the_files_are() {
        let (one, other) = (r#"{"a":{"x":"1"},"b":[{"x":"2"},null,{}]}"#, r#"{"b":[],"n":3}"#);
        let whole = digest(&["x"], &[&format!("{one}\n{other}")]);
        assert_eq!(whole.1, 2);
        assert_eq!(whole, digest(&["x"], &[one, other]), "in two parts");
        assert_eq!(whole, digest(&["x", "y"], &[one, other]), "with a column of nulls");
        assert_ne!(whole, digest(&["x"], &[other, one]), "in another order");
    }

    #[test]
    fn every_change_shows() {
        let texts = [
            r#"{"a":{"x":"1","y":"2"},"b":[{"x":"2"}]}"#,
            r#"{"a":{"x":"2","y":"1"},"b":[{"x":"2"}]}"#,
            r#"{"a":{"x":"1"},"b":[{"x":"2"}]}"#,
            r#"{"a":{"x":"1","y":""},"b":[{"x":"2"}]}"#,
            r#"{"a":{"x":"1","y":"2"},"b":[{"y":"2"}]}"#,
            r#"{"a":{"x":"1","y":"2"},"b":[{"x":"2"},null]}"#,
            r#"{"a":{"x":"1","y":"2"},"b":[null,{"x":"2"}]}"#,
            r#"{"a":{"x":"1","y":"2"},"b":[{"x":"2"},{}]}"#,
            r#"{"a":{"x":"1","y":"2"},"b":[]}"#,
            r#"{"a":{"x":"1","y":"2"}}"#,
            r#"{"a":{}}"#,
            r#"{"n":1}"#,
            r#"{"n":0}"#,
            r"{}",
        ];
        for (number, one) in texts.iter().enumerate() {
            for other in &texts[number + 1..] {
                assert_ne!(digest(&["x", "y"], &[one]), digest(&["x", "y"], &[other]), "{one} {other}");
            }
        }
    }
}
