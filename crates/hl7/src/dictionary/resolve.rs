//! From any name that any version has given a position to the position.

use std::borrow::Cow;

use super::definitions::{datatype_in, further_names, history};
use super::shape::{Datatype, Segment, Slot};
use super::version::Version;

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Resolved {
    /// This position.
    Slot(&'static Slot),
    /// Several positions of the parent have had the name, and it is the canonical name of none.
    Ambiguous(Vec<&'static Slot>),
    /// No position of the parent ever had it.
    Unknown {
        /// Canonical names of positions with a name that is spelled much like it, nearest first.
        nearest: Vec<&'static str>,
    },
}

/// Finds a field by its canonical name, by any name of any version, or by number (`pid_3`), in either case.
pub fn resolve_field(segment: &Segment, name: &str) -> Resolved {
    let name = &*single_underscores(name);
    if let Some(slot) = positional(segment.key(), name).and_then(|number| segment.field(number)) {
        return Resolved::Slot(slot);
    }
    let fields = segment.fields();
    if let Some(slot) = canonical(fields, name) {
        return Resolved::Slot(slot);
    }
    settle(fields.iter().filter(|slot| has_had(slot, name)).collect(), fields, name)
}

/// Finds a component of a field, or a subcomponent of a component, by its canonical name, by any name that a
/// component has had in any datatype the position had in any version, or by number (`cx_4`, `component_4`).
///
/// What a retired datatype called component 1 of a position that is primitive now resolves to a slot of that
/// retired datatype, number 1.
pub fn resolve_component(slot: &Slot, name: &str) -> Resolved {
    let name = &*single_underscores(name);
    let datatype = slot.datatype();
    let components = datatype.components();
    let number = positional(datatype.key(), name).or_else(|| positional("component", name));
    if let Some(component) = number.and_then(|number| datatype.component(number)) {
        return Resolved::Slot(component);
    }
    if let Some(component) = canonical(components, name) {
        return Resolved::Slot(component);
    }
    let mut found: Vec<&'static Slot> =
        components.iter().filter(|component| has_had(component, name)).collect();
    for older in older_datatypes(slot) {
        for component in older.components().iter().filter(|component| component.is_called(name)) {
            let target = moved(slot, older, component);
            if let Some(target) =
                target.filter(|target| !found.iter().any(|known| core::ptr::eq(*known, *target)))
            {
                found.push(target);
            }
        }
    }
    settle(found, components, name)
}

impl Slot {
    fn is_called(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name) || has_had(self, name)
    }
}

/// The datatypes a position has had besides its canonical one.
fn older_datatypes(slot: &Slot) -> Vec<&'static Datatype> {
    let mut datatypes: Vec<&'static Datatype> = Vec::new();
    for (datatype, _) in history(slot) {
        let is_known = datatypes.iter().any(|known| known.index() == datatype.index());
        if !is_known && datatype.index() != slot.datatype().index() {
            datatypes.push(datatype);
        }
    }
    datatypes
}

/// The canonical component that a component of an older datatype of the position is now.
fn moved(slot: &Slot, older: &Datatype, component: &'static Slot) -> Option<&'static Slot> {
    if slot.datatype().is_primitive() {
        return (component.number() == 1).then_some(component);
    }
    // The same datatype has been ruled apart for versions in which it had other components.
    let mut versions = Version::ALL.into_iter().filter(|version| {
        datatype_in(slot, *version).is_some_and(|datatype| datatype.index() == older.index())
            && datatype_in(component, *version).is_some()
    });
    versions.find_map(|version| {
        let moves = slot.remap(version).unwrap_or_default();
        let step = moves.iter().find(|step| usize::from(step.from_component) == component.number());
        // No component has the number 0, to which go those that have no place.
        slot.datatype().component(step.map_or(component.number(), |step| step.to_component.into()))
    })
}

/// Some name every mark of a title by an underscore (`SET_ID___SPM`): one stands for all.
fn single_underscores(name: &str) -> Cow<'_, str> {
    if !name.contains("__") {
        return name.into();
    }
    let parts: Vec<&str> = name.split('_').filter(|part| !part.is_empty()).collect();
    parts.join("_").into()
}

fn canonical(slots: &'static [Slot], name: &str) -> Option<&'static Slot> {
    slots.iter().find(|slot| slot.name().eq_ignore_ascii_case(name))
}

/// Whether any version of any source has given a position the name.
fn has_had(slot: &Slot, name: &str) -> bool {
    history(slot).any(|(_, known)| known.eq_ignore_ascii_case(name))
        || further_names(slot).any(|known| known.eq_ignore_ascii_case(name))
}

/// The number in `pid_3`, given `pid`.
fn positional(key: &str, name: &str) -> Option<usize> {
    let (start, number) = name.rsplit_once('_')?;
    if start.eq_ignore_ascii_case(key) { number.parse().ok() } else { None }
}

fn settle(mut found: Vec<&'static Slot>, among: &'static [Slot], name: &str) -> Resolved {
    match (found.pop(), found.is_empty()) {
        (None, _) => Resolved::Unknown { nearest: nearest(among, name) },
        (Some(only), true) => Resolved::Slot(only),
        (Some(last), false) => {
            found.push(last);
            Resolved::Ambiguous(found)
        }
    }
}

/// At most three canonical names of positions that have had a name which differs little, or contains the name.
fn nearest(among: &'static [Slot], name: &str) -> Vec<&'static str> {
    let name = name.to_ascii_lowercase();
    let mut names: Vec<(usize, &'static str)> = among
        .iter()
        .filter_map(|slot| {
            let older = history(slot).map(|(_, known)| known).chain(further_names(slot));
            let distances = std::iter::once(slot.name()).chain(older).filter_map(|known| {
                let distance = edits(known.to_ascii_lowercase().as_bytes(), name.as_bytes());
                let is_near = distance * 3 <= name.len() || name.len() >= 4 && known.contains(&name);
                is_near.then_some(distance)
            });
            distances.min().map(|distance| (distance, slot.name()))
        })
        .collect();
    names.sort_unstable();
    names.into_iter().take(3).map(|(_, known)| known).collect()
}

/// How many bytes must be inserted, removed or replaced to make one text the other.
fn edits(one: &[u8], other: &[u8]) -> usize {
    let mut before: Vec<usize> = (0..=other.len()).collect();
    for (row, left) in one.iter().enumerate() {
        let mut diagonal = before[0];
        before[0] = row + 1;
        for (column, right) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = before[column + 1];
            before[column + 1] = replaced.min(diagonal + 1).min(before[column] + 1);
        }
    }
    before[other.len()]
}
