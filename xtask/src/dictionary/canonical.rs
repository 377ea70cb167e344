//! The one shape for all versions: names, datatypes and repetition of every position, and what becomes of
//! values in an older shape.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::definition::{Definition, Definitions};
use super::names::canonical;
use super::rulings::{Rulings, Target};
use super::tsv::{Table, number};
use super::versions::{PerVersion, VERSIONS};

/// A position in its canonical shape.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) number: u8,
    pub(crate) name: String,
    pub(crate) datatype: String,
    pub(crate) repeats: bool,
    pub(crate) table: u16,
    pub(crate) companion: u8,
    pub(crate) keeps_first_component: bool,
    /// First and last version, and the moves that values of these versions make.
    pub(crate) remaps: Vec<((usize, usize), Vec<Move>)>,
}

/// `(from component, to component, to subcomponent)`; to component 0 is unmapped.
pub(crate) type Move = (u8, u8, u8);

/// Slots by segment ID or datatype code.
pub(crate) type Parents = BTreeMap<String, Vec<Slot>>;

/// The data that is made by hand, and the definitions.
pub(crate) struct Inputs {
    pub(crate) fields: Definitions,
    pub(crate) components: Definitions,
    rulings: Rulings,
    /// Datatype code → the one whose shape its values take: at positions, and where a companion names it.
    shapes: BTreeMap<String, String>,
    pub(crate) value_shapes: BTreeMap<String, String>,
    names: BTreeMap<(String, u8), String>,
    companions: BTreeMap<(String, u8), u8>,
}

/// The canonical shape, and the changes of datatype that nobody has ruled.
#[derive(Default)]
pub(crate) struct Canonical {
    pub(crate) segments: Parents,
    pub(crate) datatypes: Parents,
    pub(crate) unruled: BTreeSet<String>,
    /// How many changes of a position's datatype were ruled how.
    pub(crate) ruled: BTreeMap<&'static str, usize>,
}

impl Inputs {
    pub(crate) fn read(folder: &Path, fields: Definitions, components: Definitions) -> Result<Self, String> {
        let mut shapes = BTreeMap::new();
        let mut value_shapes = BTreeMap::new();
        for row in &Table::read(folder, "shapes.tsv", &["datatype", "shape", "scope", "reason"])?.rows {
            if row[2] == "everywhere" {
                shapes.insert(row[0].clone(), row[1].clone());
            }
            value_shapes.insert(row[0].clone(), row[1].clone());
        }
        let names = Table::read(folder, "names.tsv", &["parent", "number", "name", "reason"])?
            .parse(|row| Ok(((row[0].clone(), number(&row[1])?), row[2].clone())))?;
        let companions = Table::read(folder, "companions.tsv", &["segment", "number", "companion"])?
            .parse(|row| Ok(((row[0].clone(), number(&row[1])?), number(&row[2])?)))?;
        Ok(Self {
            fields,
            components,
            rulings: Rulings::read(folder)?,
            shapes,
            value_shapes,
            names: names.into_iter().collect(),
            companions: companions.into_iter().collect(),
        })
    }

    pub(crate) fn shape<'a>(&'a self, code: &'a str) -> &'a str {
        self.shapes.get(code).map_or(code, String::as_str)
    }

    /// The components a datatype has had in any version.
    fn component_count(&self, code: &str) -> u8 {
        let range = (code.to_owned(), 0)..=(code.to_owned(), u8::MAX);
        self.components.range(range).next_back().map_or(0, |((_, number), _)| *number)
    }

    /// What a version said of a component; for a version without the datatype, what the nearest one said.
    fn component(&self, code: &str, number: u8, version: usize) -> Option<&Definition> {
        let versions = self.components.get(&(code.to_owned(), number))?;
        let has_datatype = |version: usize| {
            let range = (code.to_owned(), 0)..=(code.to_owned(), u8::MAX);
            self.components.range(range).any(|(_, versions)| versions[version].is_some())
        };
        if has_datatype(version) {
            return versions[version].as_ref();
        }
        let nearest = (0..VERSIONS.len())
            .filter(|other| has_datatype(*other))
            .min_by_key(|other| other.abs_diff(version));
        versions[nearest?].as_ref()
    }
}

/// Derives the canonical shape.
pub(crate) fn derive(inputs: &Inputs) -> Canonical {
    let mut shape = Canonical::default();
    let fields = shape.parents(inputs, &inputs.fields, true);
    let mut datatypes = shape.parents(inputs, &inputs.components, false);
    let codes: BTreeSet<String> = [&inputs.fields, &inputs.components]
        .into_iter()
        .flat_map(|definitions| definitions.values())
        .flat_map(|versions| versions.iter().flatten())
        .map(|definition| definition.datatype.clone())
        .chain(inputs.value_shapes.keys().cloned())
        .collect();
    for code in codes {
        datatypes.entry(code).or_default();
    }
    shape.segments = fields;
    shape.datatypes = datatypes;
    shape
}

impl Canonical {
    fn parents(&mut self, inputs: &Inputs, definitions: &Definitions, is_field: bool) -> Parents {
        let mut parents = Parents::new();
        for ((parent, number), versions) in definitions {
            let slots: &mut Vec<Slot> = parents.entry(parent.clone()).or_default();
            // A gap would shift everything behind it.
            assert_eq!(slots.len() + 1, usize::from(*number), "{parent} has a gap before {number}");
            let name = self.name(inputs, parent, *number, versions, slots);
            let slot = self.slot(inputs, parent, *number, versions, name, is_field);
            slots.push(slot);
        }
        parents
    }

    /// The newest name that no earlier position has, else the newest with the number behind it.
    fn name(
        &self,
        inputs: &Inputs,
        parent: &str,
        number: u8,
        versions: &PerVersion<Definition>,
        earlier: &[Slot],
    ) -> String {
        if let Some(name) = inputs.names.get(&(parent.to_owned(), number)) {
            return name.clone();
        }
        let mut names = versions.iter().rev().flatten().map(|definition| canonical(&definition.name));
        let newest = names.next().filter(|name| !name.is_empty()).unwrap_or_else(|| "unnamed".to_owned());
        let is_free = |name: &String| !earlier.iter().any(|slot| slot.name == *name);
        if is_free(&newest) {
            return newest;
        }
        names.find(|name| !name.is_empty() && is_free(name)).unwrap_or_else(|| format!("{newest}_{number}"))
    }

    fn slot(
        &mut self,
        inputs: &Inputs,
        parent: &str,
        number: u8,
        versions: &PerVersion<Definition>,
        name: String,
        is_field: bool,
    ) -> Slot {
        let typed = |definition: &&Definition| !definition.datatype.is_empty();
        let in_force = |definition: &&Definition| typed(definition) && definition.optionality != 'W';
        let newest = versions.iter().rev().flatten().find(in_force);
        let newest = newest.or_else(|| versions.iter().rev().flatten().find(typed));
        let datatype = newest.map_or("ST", |definition| inputs.shape(&definition.datatype)).to_owned();
        let newest_table = versions.iter().rev().flatten().find(|definition| definition.table != 0);
        let mut slot = Slot {
            number,
            name,
            datatype,
            repeats: is_field && versions.iter().flatten().any(|definition| definition.max > 1),
            table: newest_table.map_or(0, |definition| definition.table),
            companion: inputs.companions.get(&(parent.to_owned(), number)).copied().unwrap_or(0),
            keeps_first_component: false,
            remaps: Vec::new(),
        };
        let position = format!("{parent}{}{number}", if is_field { "-" } else { "." });
        let mut last = String::new();
        for (version, definition) in versions.iter().enumerate() {
            let Some(definition) = definition.as_ref().filter(in_force) else { continue };
            let is_change = definition.datatype != last;
            last.clone_from(&definition.datatype);
            if is_retired(parent) {
                continue;
            }
            let moves = self.rule(inputs, &position, version, &definition.datatype, &mut slot, is_change);
            if moves.is_empty() {
                continue;
            }
            match slot.remaps.last_mut() {
                Some(((_, until), before)) if *before == moves => *until = version,
                _ => slot.remaps.push(((version, version), moves)),
            }
        }
        slot
    }

    /// Rules what becomes of a value that a version typed `from` at a position.
    fn rule(
        &mut self,
        inputs: &Inputs,
        position: &str,
        version: usize,
        from: &str,
        slot: &mut Slot,
        is_change: bool,
    ) -> Vec<Move> {
        let to = slot.datatype.clone();
        let (old, new) = (inputs.component_count(from), inputs.component_count(&to));
        let mut moves = Vec::new();
        let verdict = match (old, new) {
            _ if from == "varies" || to == "varies" => "varies",
            (0, 0) => "both primitive",
            (0, _) => "primitive → composite: first component",
            (_, 0) => {
                slot.keeps_first_component = true;
                "composite → primitive: component 1 kept"
            }
            _ => {
                moves = self.compare(inputs, position, version, from, &to);
                match moves.is_empty() {
                    true if from == to => "same datatype",
                    true => "same by component",
                    false if moves.iter().all(|(_, to, _)| *to == 0) => "same but for unmapped components",
                    false => "remapped by component",
                }
            }
        };
        if is_change {
            *self.ruled.entry(verdict).or_default() += 1;
        }
        moves
    }

    /// Compares two composites component by component.
    fn compare(
        &mut self,
        inputs: &Inputs,
        position: &str,
        version: usize,
        from: &str,
        to: &str,
    ) -> Vec<Move> {
        let mut moves = Vec::new();
        for number in 1..=inputs.component_count(from) {
            let Some(old) = inputs.component(from, number, version) else { continue };
            let target = match inputs.rulings.find(from, to, position, version, number) {
                Some(target) => target,
                None if self.agrees(inputs, old, to, number) => continue,
                None => {
                    let new = inputs.components.get(&(to.to_owned(), number));
                    let new = new.and_then(|versions| versions.iter().rev().flatten().next());
                    self.unruled.insert(format!(
                        "{from}\t{to}\t{number}\t{}:{}\t{}\t{position}\t{}",
                        old.name,
                        old.datatype,
                        new.map_or("(none)".to_owned(), |new| format!("{}:{}", new.name, new.datatype)),
                        VERSIONS[version],
                    ));
                    continue;
                }
            };
            match target {
                Target::Same => {}
                Target::Unmapped => moves.push((number, 0, 0)),
                Target::Component(component, subcomponent) => moves.push((number, component, subcomponent)),
            }
        }
        self.make_room(inputs, version, from, to, &mut moves);
        moves
    }

    /// A component that is sent where another has moved to, though its version has none of that number, must
    /// not overwrite that one.
    fn make_room(&mut self, inputs: &Inputs, version: usize, from: &str, to: &str, moves: &mut Vec<Move>) {
        let taken: BTreeSet<u8> =
            moves.iter().map(|(_, component, _)| *component).filter(|to| *to != 0).collect();
        for component in taken {
            if moves.iter().any(|(from, _, _)| *from == component) {
                continue;
            }
            if inputs.component(from, component, version).is_some() {
                self.unruled
                    .insert(format!("{from}\t{to}\t{component}\tis where another component moves to"));
            }
            moves.push((component, 0, 0));
        }
        moves.sort_unstable();
    }

    /// Whether a component is called the same as the one of that number in the newest shape of a datatype.
    fn agrees(&self, inputs: &Inputs, old: &Definition, to: &str, number: u8) -> bool {
        let Some(versions) = inputs.components.get(&(to.to_owned(), number)) else { return false };
        let newest = versions.iter().rev().flatten().next();
        newest.is_some_and(|newest| plain(&newest.name) == plain(&old.name))
    }
}

/// Whether no value is placed by a datatype: the nameless ones of 2.2 and 2.3, by their names in the sources,
/// have other shapes in the canonical one.
fn is_retired(parent: &str) -> bool {
    parent.starts_with("CM_")
}

/// A name without what differs between spellings of it.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}
