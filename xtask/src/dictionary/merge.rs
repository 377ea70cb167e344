//! Merges what the sources say of fields and components into one definition for each position and version.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::{Definition, Definitions, Key, UNBOUNDED};
use super::facts::{Facts, Row};
use super::names::{canonical, upper_snake};
use super::versions::{NEWEST, VERSIONS};

/// Positions of one kind, the further names they have had, and how many disagreements were settled how.
#[derive(Default)]
pub(crate) struct Merged {
    pub(crate) definitions: Definitions,
    /// Names of a position that no definition has, in lower snake_case.
    pub(crate) further_names: BTreeSet<(String, u8, String)>,
    pub(crate) settled: BTreeMap<&'static str, usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Fields,
    Components,
}

/// Segments that hl7apy or v2ig list as placeholders for any segment.
const NO_SEGMENTS: [&str; 2] = ["ANYHL7SEGMENT", "Hxx"];
/// Segments of 2.9.1 that 2.9 does not have.
const NEW_IN_2_9_1: [&str; 3] = ["GSP", "GSR", "GSC"];

const V2_7: usize = 8;
const V2_7_1: usize = 9;
const V2_8_2: usize = 12;
const V2_9: usize = 13;

pub(crate) fn merge(facts: &Facts, kind: Kind) -> Merged {
    let mut merged = Merged::default();
    let newest: BTreeMap<Key, Row> = newest_rows(facts, kind);
    for (version, label) in VERSIONS.iter().enumerate().take(V2_8_2 + 1) {
        merged.merge_version(facts, kind, version, label, &newest);
    }
    merged.complete_2_7_1();
    merged.add_newest(&newest);
    merged.fill_withdrawn();
    merged.name_the_nameless();
    merged
}

fn newest_rows(facts: &Facts, kind: Kind) -> BTreeMap<Key, Row> {
    let section = if kind == Kind::Fields { "segments" } else { "datatypes" };
    let mut rows = BTreeMap::new();
    for (parent, list) in facts.v2ig(section) {
        if !NO_SEGMENTS.contains(&parent.as_str()) {
            rows.extend(list.into_iter().zip(1..).map(|(row, number)| ((parent.clone(), number), row)));
        }
    }
    rows
}

impl Merged {
    fn merge_version(
        &mut self,
        facts: &Facts,
        kind: Kind,
        version: usize,
        label: &str,
        newest: &BTreeMap<Key, Row>,
    ) {
        let mut sources: BTreeMap<Key, (Option<Row>, Option<Row>)> = BTreeMap::new();
        let section = if kind == Kind::Fields { "segments" } else { "datatypes" };
        for (parent, rows) in facts.hl7apy(label, section) {
            if NO_SEGMENTS.contains(&parent.as_str()) {
                continue;
            }
            // The list of 2.6 lacks its first component: what it starts with is component 2.
            let first =
                if (kind, label, parent.as_str()) == (Kind::Components, "2.6", "XTN") { 2 } else { 1 };
            for (row, number) in rows.into_iter().zip(first..) {
                sources.entry((parent.clone(), number)).or_default().0 = row;
            }
        }
        let glion =
            if kind == Kind::Fields { facts.glion_fields(label) } else { facts.glion_components(label) };
        for (parent, rows) in glion {
            for (number, row) in rows {
                if let Ok(number) = u8::try_from(number) {
                    sources.entry((parent.clone(), number)).or_default().1 = Some(row);
                }
            }
        }
        for (key, (hl7apy, glion)) in sources {
            for row in [&hl7apy, &glion].into_iter().flatten() {
                self.remember_names(&key, &row.name);
            }
            let definition = self.settle(hl7apy, glion, newest.get(&key), version);
            self.definitions.entry(key).or_default()[version] = Some(definition);
        }
    }

    /// One definition out of two sources; where they disagree, 2.9.1 decides if it says what one of them says.
    fn settle(
        &mut self,
        hl7apy: Option<Row>,
        glion: Option<Row>,
        newest: Option<&Row>,
        version: usize,
    ) -> Definition {
        let from_hl7apy = hl7apy.is_some();
        let has_glion = glion.is_some();
        let is_withdrawn = match (&hl7apy, &glion) {
            (Some(row), _) => row.datatype.is_none(),
            // hl7apy has the segment but not the field.
            (None, Some(_)) => version != V2_7_1 && version > 6,
            (None, None) => true,
        };
        let first = hl7apy.unwrap_or_default();
        let second = glion.unwrap_or_default();
        if is_withdrawn && !from_hl7apy {
            *self.settled.entry("withdrawn, absent from hl7apy, taken from glion").or_default() += 1;
        }
        let name = if first.name.is_empty() { upper_snake(&second.name) } else { upper_snake(&first.name) };
        let datatype = first.datatype.clone().or(second.datatype.clone()).unwrap_or_default();
        let optionality = match () {
            () if is_withdrawn => 'W',
            () if second.optionality == Some('B') => 'B',
            () if first.min.max(if from_hl7apy { 0 } else { second.min }) > 0 => 'R',
            () => 'O',
        };
        let both = from_hl7apy && has_glion && version > 6 && !is_withdrawn;
        let mut max = if from_hl7apy { first.max } else { second.max };
        if both && (first.max > 1) != (second.max > 1) {
            let side = newest.filter(|row| row.datatype.is_some()).map(|row| row.max > 1);
            let how = match side {
                Some(repeats) if repeats == (first.max > 1) => "repeats: 2.9.1 sides with hl7apy",
                Some(_) => "repeats: 2.9.1 sides with glion",
                None => "repeats: 2.9.1 has no say, glion",
            };
            *self.settled.entry(how).or_default() += 1;
            if side != Some(first.max > 1) {
                max = second.max;
            }
        }
        let table = match (first.table, second.table) {
            (Some(one), Some(other)) if one != other => {
                let says = newest.and_then(|row| row.table);
                let how = match says {
                    Some(table) if table == one => "table: 2.9.1 sides with hl7apy",
                    Some(table) if table == other => "table: 2.9.1 sides with glion",
                    _ => "table: 2.9.1 has no say, glion",
                };
                *self.settled.entry(how).or_default() += 1;
                if says == Some(one) { one } else { other }
            }
            (one, other) => one.or(other).unwrap_or(0),
        };
        Definition {
            name,
            datatype: spelled(&datatype),
            optionality,
            min: if is_withdrawn {
                0
            } else if from_hl7apy {
                first.min
            } else {
                second.min
            },
            max: if is_withdrawn { 0 } else { max },
            length: second.length,
            table,
        }
    }

    /// 2.7.1 comes from glion alone, which leaves out what is withdrawn: that is as in 2.7.
    fn complete_2_7_1(&mut self) {
        let mut count = 0;
        for versions in self.definitions.values_mut() {
            if versions[V2_7_1].is_none() && versions[V2_7].is_some() && versions[V2_7_1 + 1].is_some() {
                versions[V2_7_1] = versions[V2_7].clone();
                count += 1;
            }
        }
        self.settled.insert("2.7.1: absent from glion, as in 2.7", count);
    }

    fn add_newest(&mut self, newest: &BTreeMap<Key, Row>) {
        for (key, row) in newest {
            let name = if is_placeholder(&row.name, key) { String::new() } else { row.name.clone() };
            self.remember_names(key, &name);
            let is_withdrawn = row.datatype.is_none();
            let definition = Definition {
                name: upper_snake(&name),
                datatype: row.datatype.as_deref().map(spelled).unwrap_or_default(),
                optionality: if is_withdrawn { 'W' } else { row.optionality.unwrap_or('O') },
                min: if is_withdrawn { 0 } else { row.min },
                max: if is_withdrawn { 0 } else { row.max },
                length: row.length,
                table: row.table.unwrap_or(0),
            };
            let versions = self.definitions.entry(key.clone()).or_default();
            if !NEW_IN_2_9_1.contains(&key.0.as_str()) {
                versions[V2_9] = Some(definition.clone());
            }
            versions[NEWEST] = Some(definition);
        }
    }

    /// A withdrawn position keeps the datatype it had last.
    fn fill_withdrawn(&mut self) {
        for versions in self.definitions.values_mut() {
            let mut last = String::new();
            for definition in versions.iter_mut().flatten() {
                if definition.datatype.is_empty() {
                    definition.datatype.clone_from(&last);
                } else {
                    last.clone_from(&definition.datatype);
                }
            }
        }
    }

    /// A version that gives no name says nothing of it: the name of the nearest version that has one holds.
    fn name_the_nameless(&mut self) {
        let mut count = 0;
        for versions in self.definitions.values_mut() {
            let mut last = String::new();
            for definition in versions.iter_mut().flatten() {
                if definition.name.is_empty() {
                    definition.name.clone_from(&last);
                    count += 1;
                } else {
                    last.clone_from(&definition.name);
                }
            }
            for definition in versions.iter_mut().rev().flatten() {
                if definition.name.is_empty() {
                    definition.name.clone_from(&last);
                } else {
                    last.clone_from(&definition.name);
                }
            }
        }
        self.settled.insert("nameless in a version, named as before", count);
    }

    fn remember_names(&mut self, key: &Key, name: &str) {
        for snake in [canonical(name), upper_snake(name).to_ascii_lowercase()] {
            if !snake.is_empty() {
                self.further_names.insert((key.0.clone(), key.1, snake));
            }
        }
    }

    /// Drops from the further names what some definition of the position has.
    pub(crate) fn drop_known_names(&mut self) {
        let definitions = &self.definitions;
        self.further_names.retain(|(parent, number, name)| {
            let versions = &definitions[&(parent.clone(), *number)];
            !versions.iter().flatten().any(|definition| definition.name.eq_ignore_ascii_case(name))
        });
    }
}

/// `PID-5` instead of a name.
fn is_placeholder(name: &str, key: &Key) -> bool {
    name.strip_prefix(key.0.as_str())
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|rest| rest.parse::<u8>().is_ok())
}

/// The spelling the dictionary uses for a datatype code.
fn spelled(code: &str) -> String {
    match code {
        "Varies" | "var" | "*" | "VARIES" => "varies".to_owned(),
        other => other.to_owned(),
    }
}

/// The greatest `max` is what "repeats without limit" is written as.
const _: () = assert!(UNBOUNDED == u16::MAX);
