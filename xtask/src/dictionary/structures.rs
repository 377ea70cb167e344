//! Message structures: read from the facts, merged where 2.9.1 has variants, written as one line each.
//!
//! `MSH SFT* .PATIENT_RESULT+(PID? |(A B))`: `?` 0…1, `*` 0…n, `+` 1…n, `{2,5}` otherwise, nothing 1…1;
//! `.NAME` stands for a group named after the structure (`ORU_R01_NAME`), `|` for a choice.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::definition::UNBOUNDED;
use super::facts::{Facts, list, object, small};
use super::names::upper_snake;
use super::tsv::{self, Table, number};
use super::versions::{NEWEST, PerVersion, VERSIONS, parse_range, runs, show_range};

/// A segment, a group or a choice with how often it may stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Segment ID, full name of the group, or `|`.
    pub(crate) name: String,
    pub(crate) min: u16,
    pub(crate) max: u16,
    /// `None` for a segment.
    pub(crate) parts: Option<Vec<Self>>,
}

/// By name of the structure.
pub(crate) type Structures = BTreeMap<String, PerVersion<Vec<Part>>>;

const COLUMNS: [&str; 3] = ["structure", "versions", "parts"];
/// Parts that stand for any segment: whatever a structure does not list is let stand where it is anyway.
const ANY_SEGMENT: [&str; 4] = ["ANYHL7SEGMENT", "Hxx", "segment", "group"];
const NEW_IN_2_9_1: [&str; 3] = ["GSP", "GSR", "GSC"];

pub(crate) fn merge(facts: &Facts) -> Structures {
    let mut structures = Structures::new();
    for (version, label) in VERSIONS.iter().enumerate() {
        for (name, parts) in object(&facts.hl7apy[*label]["messages"]) {
            structures.entry(name.clone()).or_default()[version] = Some(read_parts(parts, None));
        }
    }
    for (variant, parts) in object(&facts.v2ig["messages"]) {
        let name = base_name(variant);
        let parts = read_parts(parts, Some(name));
        let newest = &mut structures.entry(name.to_owned()).or_default()[NEWEST];
        *newest = Some(match newest.take() {
            Some(before) => union(before, parts),
            None => parts,
        });
    }
    for versions in structures.values_mut() {
        versions[NEWEST - 1] = versions[NEWEST].clone().map(|parts| without(parts, &NEW_IN_2_9_1));
        let kept = versions.each_mut().map(|parts| parts.take().map(|parts| without(parts, &ANY_SEGMENT)));
        *versions = kept.map(|parts| parts.filter(|parts| !parts.is_empty()));
    }
    structures.retain(|_, versions| versions.iter().any(Option::is_some));
    structures
}

/// `ADT_A01` for its variant `ADT_A01-C`.
pub(crate) fn base_name(variant: &str) -> &str {
    variant.split_once('-').map_or(variant, |(name, _)| name)
}

/// Reads parts; groups of 2.9.1 are named within their structure and get its name in front.
fn read_parts(parts: &Value, structure: Option<&str>) -> Vec<Part> {
    list(parts)
        .iter()
        .filter_map(|part| {
            let name = part[0].as_str()?;
            let inner = part.get(3).map(|parts| read_parts(parts, structure));
            if inner.is_some() && is_choice(name, part) {
                return Some(Part {
                    name: "|".to_owned(),
                    min: small(&part[1]),
                    max: small(&part[2]),
                    parts: inner,
                });
            }
            let name = match structure {
                Some(structure) if inner.is_some() && name != "|" && !name.starts_with(structure) => {
                    format!("{structure}_{}", upper_snake(name))
                }
                _ => name.to_owned(),
            };
            Some(Part { name, min: small(&part[1]), max: small(&part[2]), parts: inner })
        })
        .collect()
}

/// Whether one of the parts stands there, not all. hl7apy calls some groups so in which all of them do.
fn is_choice(name: &str, part: &Value) -> bool {
    let is_named_so = ["CHOICE", "SUPPGRP", "_OBJECT"].iter().any(|word| name.contains(word));
    name == "CHOICE" || part.get(4).is_some() && (is_named_so || name == "ORR_O02_ORDER_DETAIL")
}

/// One list in which both fit: what both have stands once, what one has is optional.
fn union(left: Vec<Part>, right: Vec<Part>) -> Vec<Part> {
    let matches = longest_common(&left, &right);
    let mut left: Vec<Option<Part>> = left.into_iter().map(Some).collect();
    let mut right: Vec<Option<Part>> = right.into_iter().map(Some).collect();
    let mut merged = Vec::new();
    let (mut from_left, mut from_right) = (0, 0);
    for (at_left, at_right) in matches {
        take_optional(&mut left[from_left..at_left], &mut merged);
        take_optional(&mut right[from_right..at_right], &mut merged);
        (from_left, from_right) = (at_left + 1, at_right + 1);
        if let (Some(one), Some(other)) = (left[at_left].take(), right[at_right].take()) {
            let parts = match (one.parts, other.parts) {
                (Some(one), Some(other)) => Some(union(one, other)),
                (one, other) => one.or(other),
            };
            merged.push(Part {
                name: one.name,
                min: one.min.min(other.min),
                max: one.max.max(other.max),
                parts,
            });
        }
    }
    take_optional(&mut left[from_left..], &mut merged);
    take_optional(&mut right[from_right..], &mut merged);
    merged
}

fn take_optional(parts: &mut [Option<Part>], merged: &mut Vec<Part>) {
    merged.extend(parts.iter_mut().filter_map(Option::take).map(|part| Part { min: 0, ..part }));
}

/// Index pairs of a longest common subsequence by name.
fn longest_common(left: &[Part], right: &[Part]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            lengths[i][j] = if left[i].name == right[j].name {
                lengths[i + 1][j + 1] + 1
            } else {
                lengths[i + 1][j].max(lengths[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < left.len() && j < right.len() {
        if left[i].name == right[j].name {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// The parts but for some segments and the groups that are empty without them.
fn without(parts: Vec<Part>, segments: &[&str]) -> Vec<Part> {
    parts
        .into_iter()
        .filter(|part| !segments.contains(&part.name.as_str()))
        .map(|part| Part { parts: part.parts.map(|inner| without(inner, segments)), ..part })
        .filter(|part| part.parts.as_ref().is_none_or(|inner| !inner.is_empty()))
        .map(|part| match part {
            // What could stand there instead was one of the segments left out.
            Part { name, parts: Some(mut only), .. } if name == "|" && only.len() == 1 => {
                Part { min: 0, ..only.remove(0) }
            }
            part => part,
        })
        .collect()
}

pub(crate) fn write(folder: &Path, structures: &Structures) -> Result<(), String> {
    let mut rows = Vec::new();
    for (name, versions) in structures {
        for (range, parts) in runs(versions) {
            rows.push(vec![name.clone(), show_range(range), show_parts(parts, name)]);
        }
    }
    tsv::write(folder, "structures.tsv", &COLUMNS, &rows)
}

fn show_parts(parts: &[Part], structure: &str) -> String {
    parts.iter().map(|part| show_part(part, structure)).collect::<Vec<_>>().join(" ")
}

fn show_part(part: &Part, structure: &str) -> String {
    let times = match (part.min, part.max) {
        (1, 1) => String::new(),
        (0, 1) => "?".to_owned(),
        (0, UNBOUNDED) => "*".to_owned(),
        (1, UNBOUNDED) => "+".to_owned(),
        (min, max) => format!("{{{min},{max}}}"),
    };
    match &part.parts {
        None => format!("{}{times}", part.name),
        Some(inner) => {
            let own = part.name.strip_prefix(structure).and_then(|rest| rest.strip_prefix('_'));
            let name = own.map_or(part.name.clone(), |own| format!(".{own}"));
            format!("{name}{times}({})", show_parts(inner, structure))
        }
    }
}

pub(crate) fn read(folder: &Path) -> Result<Structures, String> {
    let mut structures = Structures::new();
    let rows = Table::read(folder, "structures.tsv", &COLUMNS)?.parse(|row| {
        let mut reader = Reader { structure: &row[0], rest: &row[2] };
        let parts = reader.parts()?;
        if !reader.rest.is_empty() {
            return Err(format!("left over: {:?}", reader.rest));
        }
        Ok((row[0].clone(), parse_range(&row[1])?, parts))
    })?;
    for (name, (first, last), parts) in rows {
        let versions = structures.entry(name).or_default();
        versions[first..=last].fill(Some(parts));
    }
    Ok(structures)
}

struct Reader<'a> {
    structure: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn parts(&mut self) -> Result<Vec<Part>, String> {
        let mut parts = Vec::new();
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.is_empty() || self.rest.starts_with(')') {
                return Ok(parts);
            }
            parts.push(self.part()?);
        }
    }

    fn part(&mut self) -> Result<Part, String> {
        let end = self.rest.find([' ', '?', '*', '+', '{', '(', ')']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let name = name.strip_prefix('.').map_or(name.to_owned(), |own| format!("{}_{own}", self.structure));
        self.rest = rest;
        let (min, max) = self.times()?;
        let mut parts = None;
        if let Some(inner) = self.rest.strip_prefix('(') {
            self.rest = inner;
            parts = Some(self.parts()?);
            self.rest = self.rest.strip_prefix(')').ok_or("a group is not closed")?;
        }
        Ok(Part { name, min, max, parts })
    }

    fn times(&mut self) -> Result<(u16, u16), String> {
        let times = match self.rest.bytes().next() {
            Some(b'?') => (0, 1),
            Some(b'*') => (0, UNBOUNDED),
            Some(b'+') => (1, UNBOUNDED),
            Some(b'{') => {
                let (inside, rest) = self.rest[1..].split_once('}').ok_or("{ without }")?;
                let (min, max) = inside.split_once(',').ok_or("{ without a comma")?;
                self.rest = rest;
                return Ok((number(min)?, number(max)?));
            }
            _ => return Ok((1, 1)),
        };
        self.rest = &self.rest[1..];
        Ok(times)
    }
}
