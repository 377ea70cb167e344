//! A number for all values of some rows in their order, whichever files they lie in.
//!
//! What is null adds nothing, so a column that a file lacks is as good as one of nulls; all else does: each value with its
//! address, where a struct is there and where not, how long each list is.

use std::hash::{BuildHasher, Hash};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use foldhash::quality::FixedState;
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

/// Where a value of an array belongs: most are null, and what they are part of is not looked at again.
struct Place {
    value: usize,
    row: usize,
    /// Of what it is part of, down from the column.
    address: u64,
}

fn numbers(rows: &RecordBatch) -> Result<Vec<u64>> {
    let mut sums = vec![0; rows.num_rows()];
    let places: Vec<Place> = (0..rows.num_rows()).map(|row| Place { value: row, row, address: 0 }).collect();
    for (field, column) in rows.schema_ref().fields().iter().zip(rows.columns()) {
        add(column, number_of(field.name()), &places, &mut sums)?;
    }
    Ok(sums)
}

/// Adds the values of an array that are at these places, by the name that they have there.
fn add(array: &ArrayRef, name: u64, places: &[Place], sums: &mut [u64]) -> Result<()> {
    if array.null_count() == array.len() {
        return Ok(());
    }
    let places: Vec<Place> = places
        .iter()
        .filter(|place| array.is_valid(place.value))
        .map(|place| Place { address: number_of((place.address, name)), ..*place })
        .collect();
    match array.data_type() {
        DataType::Utf8 => {
            let texts = array.as_string::<i32>();
            tell(&places, sums, |value| texts.value(value));
        }
        DataType::Int32 => {
            let numbers = array.as_primitive::<Int32Type>();
            tell(&places, sums, |value| numbers.value(value));
        }
        DataType::Int64 => {
            let numbers = array.as_primitive::<Int64Type>();
            tell(&places, sums, |value| numbers.value(value));
        }
        DataType::Boolean => {
            let booleans = array.as_boolean();
            tell(&places, sums, |value| booleans.value(value));
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = array.as_primitive::<TimestampMicrosecondType>();
            tell(&places, sums, |value| times.value(value));
        }
        DataType::Struct(fields) => {
            tell(&places, sums, |_| ());
            for (field, child) in fields.iter().zip(array.as_struct().columns()) {
                add(child, number_of(field.name()), &places, sums)?;
            }
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>();
            tell(&places, sums, |value| lists.value_length(value));
            let offsets = lists.value_offsets();
            let elements = places.iter().flat_map(|place| {
                let values = offsets[place.value] as usize..offsets[place.value + 1] as usize;
                values.map(move |value| (place, value))
            });
            let below: Vec<Place> = elements
                .map(|(place, value)| {
                    let number = value - offsets[place.value] as usize;
                    Place { value, row: place.row, address: number_of((place.address, number)) }
                })
                .collect();
            add(lists.values(), 0, &below, sums)?;
        }
        other => return Err(Error::Internal(format!("no digest of values of the type {other}"))),
    }
    Ok(())
}

/// Adds to each row what its values are, and where.
fn tell<T: Hash>(places: &[Place], sums: &mut [u64], content: impl Fn(usize) -> T) {
    for Place { value, row, address } in places {
        let sum = &mut sums[*row];
        *sum = sum.wrapping_add(number_of((address, content(*value))));
    }
}

fn number_of(parts: impl Hash) -> u64 {
    FixedState::default().hash_one(parts)
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
