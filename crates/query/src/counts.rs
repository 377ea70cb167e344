//! Counting the values of every leaf of a table, through structs and lists.

use std::collections::HashMap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StructArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};

/// What is known of one leaf.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filled {
    /// All occurrences and repetitions counted.
    pub(crate) values: usize,
    /// Rows that have at least one.
    pub(crate) rows: usize,
    /// When the first row with one was received, in microseconds since 1970.
    pub(crate) since: Option<i64>,
}

impl Filled {
    fn add(&mut self, other: Self) {
        self.values += other.values;
        self.rows += other.rows;
        self.since = earlier(self.since, other.since);
    }
}

fn earlier(left: Option<i64>, right: Option<i64>) -> Option<i64> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    }
}

/// The leaves of a table with what is known of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Rows of the table.
    pub(crate) rows: usize,
    filled: HashMap<String, Filled>,
}

/// The rows of a batch, as far as counting needs them.
pub(crate) struct Rows<'b> {
    /// For each value, the row it is in; in the order of the rows.
    pub(crate) of_values: Vec<u32>,
    /// When each row was received, if the table tells.
    pub(crate) received: Option<&'b ArrayRef>,
}

impl Rows<'_> {
    /// A batch whose values are its rows.
    pub(crate) fn all(count: usize, received: Option<&ArrayRef>) -> Rows<'_> {
        Rows { of_values: (0..u32::try_from(count).unwrap_or(u32::MAX)).collect(), received }
    }
}

impl Counts {
    pub(crate) fn of(&self, name: &str) -> Filled {
        self.filled.get(name).copied().unwrap_or_default()
    }

    /// Brings in what was counted elsewhere.
    pub(crate) fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        for (name, filled) in other.filled {
            self.filled.entry(name).or_default().add(filled);
        }
    }

    /// Counts a column, or what is below it.
    pub(crate) fn add(&mut self, name: &str, array: &ArrayRef, outer: Option<&NullBuffer>, rows: &Rows<'_>) {
        if let Some(structs) = array.as_struct_opt() {
            let nulls = NullBuffer::union(structs.nulls(), outer);
            self.add_struct(name, structs, nulls.as_ref(), rows);
        } else if let Some(lists) = array.as_list_opt::<i32>().filter(|lists| lists.value_type().is_nested())
        {
            let offsets = lists.offsets();
            let (first, last) = (offsets[0] as usize, offsets[lists.len()] as usize);
            let of_elements = (0..lists.len()).flat_map(|value| {
                std::iter::repeat_n(rows.of_values[value], (offsets[value + 1] - offsets[value]) as usize)
            });
            let below = Rows { of_values: of_elements.collect(), received: rows.received };
            self.add(name, &lists.values().slice(first, last - first), None, &below);
        } else {
            let nulls = NullBuffer::union(array.nulls(), outer);
            self.add_leaf(name, array.len(), nulls.as_ref(), rows);
        }
    }

    pub(crate) fn add_struct(
        &mut self,
        name: &str,
        structs: &StructArray,
        nulls: Option<&NullBuffer>,
        rows: &Rows<'_>,
    ) {
        for (field, column) in structs.fields().iter().zip(structs.columns()) {
            let name =
                if name.is_empty() { field.name().clone() } else { format!("{name}.{}", field.name()) };
            self.add(&name, column, nulls, rows);
        }
    }

    fn add_leaf(&mut self, name: &str, length: usize, nulls: Option<&NullBuffer>, rows: &Rows<'_>) {
        let mut found = Filled::default();
        let mut last = None;
        let received = rows.received.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        let mut see = |value: usize| {
            found.values += 1;
            let row = rows.of_values[value];
            if last != Some(row) {
                found.rows += 1;
                last = Some(row);
                let time = received.filter(|times| times.is_valid(row as usize));
                found.since = earlier(found.since, time.map(|times| times.value(row as usize)));
            }
        };
        match nulls {
            Some(nulls) if nulls.null_count() == length => {}
            Some(nulls) => nulls.valid_indices().for_each(&mut see),
            None => (0..length).for_each(&mut see),
        }
        match self.filled.get_mut(name) {
            Some(filled) => filled.add(found),
            None => {
                self.filled.insert(name.to_owned(), found);
            }
        }
    }
}

/// The names of the leaves below a column, with the type of each, in order.
pub(crate) fn leaves(name: &str, data_type: &DataType, found: &mut Vec<(String, DataType)>) {
    match data_type {
        DataType::Struct(fields) => {
            for field in fields {
                leaves(&format!("{name}.{}", field.name()), field.data_type(), found);
            }
        }
        DataType::List(element) if element.data_type().is_nested() => {
            leaves(name, element.data_type(), found);
        }
        leaf => found.push((name.to_owned(), leaf.clone())),
    }
}
