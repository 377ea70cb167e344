//! Packs the dictionary's tables into the files that the `hl7` crate embeds. The crate's
//! `dictionary` module documents the same layout from the reading side.

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::{File, Section, fit};
use super::canonical::{Canonical, Inputs, Parents, Slot};
use super::definition::Definition;
use super::events::Events;
use super::pack_structures;
use super::structures::{Part, Structures};
use super::tables::CodeTables;
use super::texts::Texts;
use super::versions::{PerVersion, runs};

/// Everything that is packed.
pub(crate) struct Contents<'a> {
    pub(crate) inputs: &'a Inputs,
    pub(crate) canonical: &'a Canonical,
    /// Further names of fields and of components.
    pub(crate) further_names: [&'a BTreeSet<(String, u8, String)>; 2],
    pub(crate) singles: &'a BTreeSet<String>,
    pub(crate) anchors: &'a BTreeMap<String, Vec<String>>,
    pub(crate) structures: &'a Structures,
    pub(crate) events: &'a Events,
    pub(crate) tables: &'a CodeTables,
}

/// File names and contents.
pub(crate) type Packed = Vec<(&'static str, Vec<u8>)>;

pub(crate) fn pack(contents: &Contents<'_>) -> Result<Packed, String> {
    let index = Index::new(contents);
    let texts = Texts::new(collect_texts(contents))?;
    let (codes, displays) = pack_tables(contents.tables)?;
    Ok(vec![
        ("canonical.bin", pack_canonical(contents, &index, &texts)?),
        ("definitions.bin", pack_definitions(contents, &index, &texts)?),
        ("structures.bin", pack_structures::pack(contents, &index, &texts)?),
        ("codes.bin", codes),
        ("displays.bin", displays),
        ("names.txt", texts.blob.into_bytes()),
    ])
}

/// Dense numbers, in alphabetical order.
pub(crate) struct Index<'a> {
    segments: BTreeMap<&'a str, usize>,
    datatypes: BTreeMap<&'a str, usize>,
}

impl<'a> Index<'a> {
    fn new(contents: &Contents<'a>) -> Self {
        fn number(parents: &Parents) -> BTreeMap<&str, usize> {
            parents.keys().enumerate().map(|(at, key)| (key.as_str(), at)).collect()
        }
        Self {
            segments: number(&contents.canonical.segments),
            datatypes: number(&contents.canonical.datatypes),
        }
    }

    pub(crate) fn segment(&self, id: &str) -> Result<u8, String> {
        fit(*self.segments.get(id).ok_or_else(|| format!("no segment {id}"))?, id)
    }

    fn datatype(&self, code: &str) -> Result<u8, String> {
        fit(*self.datatypes.get(code).ok_or_else(|| format!("no datatype {code}"))?, code)
    }
}

fn collect_texts(contents: &Contents<'_>) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for parents in [&contents.canonical.segments, &contents.canonical.datatypes] {
        for (parent, slots) in parents {
            texts.extend([parent.clone(), parent.to_ascii_lowercase()]);
            texts.extend(slots.iter().map(|slot| slot.name.clone()));
        }
    }
    for definitions in [&contents.inputs.fields, &contents.inputs.components] {
        texts.extend(definitions.values().flatten().flatten().map(|definition| definition.name.clone()));
    }
    for names in contents.further_names {
        texts.extend(names.iter().map(|(_, _, name)| name.clone()));
    }
    for (name, versions) in contents.structures {
        texts.insert(name.clone());
        versions.iter().flatten().for_each(|parts| collect_group_names(parts, &mut texts));
    }
    texts.extend(contents.events.values().flatten().flatten().cloned());
    texts
}

fn collect_group_names(parts: &[Part], texts: &mut BTreeSet<String>) {
    for part in parts {
        if let Some(inner) = &part.parts {
            texts.insert(part.name.clone());
            collect_group_names(inner, texts);
        }
    }
}

const REPEATS: u8 = 1;
const KEEPS_FIRST_COMPONENT: u8 = 2;
const IS_REMAPPED: u8 = 4;
const IS_FIELD: u8 = 8;

fn pack_canonical(contents: &Contents<'_>, index: &Index<'_>, texts: &Texts) -> Result<Vec<u8>, String> {
    let mut segments = Section::default();
    let mut datatypes = Section::default();
    let mut anchors = Section::default();
    let mut slots = Slots::default();
    let mut anchor_count = 0;
    for (id, list) in &contents.canonical.segments {
        let own = contents.anchors.get(id).map_or(&[][..], Vec::as_slice);
        segments.bytes(id.as_bytes()).byte(u8::from(contents.singles.contains(id)));
        segments.word(texts.place(&id.to_ascii_lowercase())?).short(fit(slots.count, id)?);
        segments.byte(fit(list.len(), id)?).byte(fit(own.len(), id)?).short(fit(anchor_count, id)?);
        for anchor in own {
            index.segment(anchor)?;
            anchors.bytes(anchor.as_bytes());
        }
        anchor_count += own.len();
        slots.push(list, index.segment(id)?, IS_FIELD, index, texts)?;
    }
    for (code, list) in &contents.canonical.datatypes {
        let value_shape = contents.inputs.value_shapes.get(code).unwrap_or(code);
        datatypes.word(texts.place(code)?).word(texts.place(&code.to_ascii_lowercase())?);
        datatypes.short(fit(slots.count, code)?).byte(fit(list.len(), code)?);
        datatypes.byte(index.datatype(value_shape)?);
        slots.push(list, index.datatype(code)?, 0, index, texts)?;
    }
    let mut file = File::default();
    let mut multiplier = Section::default();
    multiplier.word(find_multiplier(contents.canonical.segments.keys())?);
    for section in [segments, datatypes, slots.slots, anchors, slots.remaps, slots.moves, multiplier] {
        file.push(section);
    }
    Ok(file.finish())
}

/// A number by which to multiply the IDs so that the upper twelve bits of the products all differ.
fn find_multiplier<'a>(ids: impl Iterator<Item = &'a String>) -> Result<u32, String> {
    let ids: Vec<u32> =
        ids.map(|id| id.bytes().rev().fold(0, |number, byte| number << 8 | u32::from(byte))).collect();
    let differ = |multiplier: &u32| {
        let mut seen = [false; 1 << 12];
        ids.iter()
            .all(|id| !std::mem::replace(&mut seen[(id.wrapping_mul(*multiplier) >> 20) as usize], true))
    };
    (0x9E37_79B1..u32::MAX)
        .step_by(2)
        .find(differ)
        .ok_or_else(|| "no multiplier spreads the segments".to_owned())
}

#[derive(Default)]
struct Slots {
    slots: Section,
    count: usize,
    remaps: Section,
    remap_count: usize,
    moves: Section,
    move_count: usize,
}

impl Slots {
    fn push(
        &mut self,
        list: &[Slot],
        parent: u8,
        kind: u8,
        index: &Index<'_>,
        texts: &Texts,
    ) -> Result<(), String> {
        for slot in list {
            let flag = |holds: bool, bit: u8| if holds { bit } else { 0 };
            let flags = kind
                | flag(slot.repeats, REPEATS)
                | flag(slot.keeps_first_component, KEEPS_FIRST_COMPONENT)
                | flag(!slot.remaps.is_empty(), IS_REMAPPED);
            let extra = if slot.remaps.is_empty() {
                slot.companion.into()
            } else {
                fit(self.remap_count, &slot.name)?
            };
            self.slots.word(texts.place(&slot.name)?).short(slot.table).short(extra);
            self.slots.byte(slot.number).byte(index.datatype(&slot.datatype)?).byte(parent).byte(flags);
            self.count += 1;
            self.push_remaps(slot)?;
        }
        Ok(())
    }

    /// Ranges of versions; the last of a slot is marked.
    fn push_remaps(&mut self, slot: &Slot) -> Result<(), String> {
        for (at, ((first, last), moves)) in slot.remaps.iter().enumerate() {
            self.remaps.byte(versions_byte((*first, *last))).byte(u8::from(at + 1 == slot.remaps.len()));
            self.remaps.short(fit(self.move_count, &slot.name)?).byte(fit(moves.len(), &slot.name)?);
            self.remap_count += 1;
            for (from, component, subcomponent) in moves {
                self.moves.byte(*from).byte(*component).byte(*subcomponent);
                self.move_count += 1;
            }
        }
        Ok(())
    }
}

/// First version in the upper four bits, last in the lower four.
pub(crate) fn versions_byte((first, last): (usize, usize)) -> u8 {
    (first << 4 | last) as u8
}

/// Every how many slots it is said where the definitions start.
const SLOTS_PER_START: usize = 4;
const SAME_DATATYPE: u8 = 0x10;
const SAME_NAME: u8 = 0x20;
const SAME_USE: u8 = 0x40;
const IS_LAST: u8 = 0x80;

/// Numbers things in the order of their first use.
pub(crate) struct Numbered<T>(BTreeMap<T, u16>, pub(crate) Vec<T>);

impl<T: Ord + Clone> Numbered<T> {
    pub(crate) fn new() -> Self {
        Self(BTreeMap::new(), Vec::new())
    }

    pub(crate) fn of(&mut self, thing: T) -> u16 {
        if let Some(number) = self.0.get(&thing) {
            return *number;
        }
        let number = self.1.len() as u16;
        self.0.insert(thing.clone(), number);
        self.1.push(thing);
        number
    }
}

/// Optionality, least and greatest number of repetitions, length.
type Profile = (char, u16, u16, Option<(u32, u32)>);

/// What definitions say, each thing once.
struct Sayings {
    names: Numbered<String>,
    profiles: Numbered<Profile>,
    /// Profile and code table.
    uses: Numbered<(u16, u16)>,
}

fn pack_definitions(contents: &Contents<'_>, index: &Index<'_>, texts: &Texts) -> Result<Vec<u8>, String> {
    let mut starts = Section::default();
    let mut rows = Section::default();
    let mut slot_number = 0;
    let mut sayings = Sayings { names: Numbered::new(), profiles: Numbered::new(), uses: Numbered::new() };
    let of_parents = [
        (&contents.canonical.segments, &contents.inputs.fields),
        (&contents.canonical.datatypes, &contents.inputs.components),
    ];
    for (parents, definitions) in of_parents {
        for (parent, slots) in parents {
            for slot in slots {
                if slot_number % SLOTS_PER_START == 0 {
                    starts.short(fit(rows.0.len(), "definitions")?);
                }
                slot_number += 1;
                let versions = &definitions[&(parent.clone(), slot.number)];
                push_rows(versions, &mut rows, &mut sayings, index)?;
            }
        }
    }
    let mut name_places = Section::default();
    for name in &sayings.names.1 {
        name_places.word(texts.place(name)?);
    }
    let mut uses = Section::default();
    for (profile, table) in &sayings.uses.1 {
        uses.short(*profile).short(*table);
    }
    let mut profiles = Section::default();
    for (optionality, min, max, length) in &sayings.profiles.1 {
        let (low, high) = length.unwrap_or((1, 0));
        profiles.byte(*optionality as u8).byte(fit((*min).into(), "min")?).short(*max);
        profiles.short(fit(low as usize, "length")?).word(high);
    }
    let mut file = File::default();
    for section in [starts, rows, name_places, uses, profiles, pack_further_names(contents, texts)?] {
        file.push(section);
    }
    Ok(file.finish())
}

/// The versions of a position one after the other: in front the first; then for each run of versions one byte,
/// flags in the upper four bits and the last version of the run in the lower four, and what differs from the
/// run before. A run of which everything is the same is a gap.
fn push_rows(
    versions: &PerVersion<Definition>,
    rows: &mut Section,
    sayings: &mut Sayings,
    index: &Index<'_>,
) -> Result<(), String> {
    let runs = runs(versions);
    let mut before = None;
    let mut next = runs.first().map_or(0, |((first, _), _)| *first);
    rows.byte(next as u8);
    for (at, ((first, last), said)) in runs.iter().enumerate() {
        if *first != next {
            rows.byte(SAME_DATATYPE | SAME_NAME | SAME_USE | (*first - 1) as u8);
        }
        let profile = sayings.profiles.of((said.optionality, said.min, said.max, said.length));
        let datatype = index.datatype(&said.datatype)?;
        let name = sayings.names.of(said.name.clone());
        let usage = sayings.uses.of((profile, said.table));
        let (old_datatype, old_name, old_usage) = before.unwrap_or((!datatype, !name, !usage));
        let is_same_use = usage == old_usage && *first == next;
        let flag = |holds: bool, bit: u8| if holds { bit } else { 0 };
        let flags = flag(datatype == old_datatype, SAME_DATATYPE)
            | flag(name == old_name, SAME_NAME)
            | flag(is_same_use, SAME_USE)
            | flag(at + 1 == runs.len(), IS_LAST);
        rows.byte(flags | *last as u8);
        if datatype != old_datatype {
            rows.byte(datatype);
        }
        if name != old_name {
            rows.short(name);
        }
        if !is_same_use {
            rows.short(usage);
        }
        before = Some((datatype, name, usage));
        next = last + 1;
    }
    Ok(())
}

/// Slot number and name, by slot number.
fn pack_further_names(contents: &Contents<'_>, texts: &Texts) -> Result<Section, String> {
    let mut section = Section::default();
    let mut slot_number = 0;
    let of_parents = [
        (&contents.canonical.segments, contents.further_names[0]),
        (&contents.canonical.datatypes, contents.further_names[1]),
    ];
    for (parents, names) in of_parents {
        for (parent, slots) in parents {
            for slot in slots {
                for (_, _, name) in
                    names.iter().filter(|(of, number, _)| of == parent && *number == slot.number)
                {
                    section.short(fit(slot_number, parent)?).word(texts.place(name)?);
                }
                slot_number += 1;
            }
        }
    }
    Ok(section)
}

/// The tables with their codes, and apart from them what the codes mean.
fn pack_tables(tables: &CodeTables) -> Result<(Vec<u8>, Vec<u8>), String> {
    let mut directory = Section::default();
    let mut codes = Section::default();
    let mut names_at = Section::default();
    let mut displays = Section::default();
    for (number, table) in tables {
        directory.short(*number).byte(u8::from(table.is_hl7_defined));
        directory.short(fit(codes.0.len(), "codes")?).short(fit(table.codes.len(), "codes")?);
        names_at.word(fit(displays.0.len(), "displays")?);
        displays.text(&table.name)?;
        for (code, display) in &table.codes {
            codes.text(code)?;
            displays.text(display)?;
        }
    }
    let mut code_file = File::default();
    code_file.push(directory);
    code_file.push(codes);
    let mut display_file = File::default();
    display_file.push(names_at);
    display_file.push(displays);
    Ok((code_file.finish(), display_file.finish()))
}
