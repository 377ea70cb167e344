//! Packs message structures as lists in pre-order, each list and each kind of part once.

use std::collections::{BTreeMap, BTreeSet};

use super::bytes::{File, Section, fit};
use super::pack::{Contents, Index, Numbered, versions_byte};
use super::structures::Part;
use super::texts::Texts;
use super::versions::{PerVersion, runs};

const SEGMENT: u8 = 0;
const GROUP: u8 = 1;
const CHOICE: u8 = 2;
const REPEATS_IN_ANY_VERSION: u8 = 4;

/// Packs the structures and the events that mean them.
pub(crate) fn pack(contents: &Contents<'_>, index: &Index<'_>, texts: &Texts) -> Result<Vec<u8>, String> {
    let mut packer = Packer {
        index,
        lists: BTreeMap::new(),
        parts: Section::default(),
        kinds: Numbered::new(),
        times: Numbered::new(),
        groups: Numbered::new(),
    };
    let mut names = Section::default();
    let mut ranges = Section::default();
    let mut range_count = 0;
    let mut numbers = BTreeMap::new();
    for (number, (name, versions)) in contents.structures.iter().enumerate() {
        let runs = runs(versions);
        names.word(texts.place(name)?).short(fit(range_count, name)?).byte(fit(runs.len(), name)?);
        numbers.insert(name.as_str(), number);
        let repeating = repeating(versions);
        for (range, parts) in runs {
            let (start, count) = packer.list(parts, &repeating)?;
            ranges.byte(versions_byte(range)).short(start).short(count);
            range_count += 1;
        }
    }
    let mut times = Section::default();
    for (min, max) in &packer.times.1 {
        times.short(*min).short(*max);
    }
    let mut groups = Section::default();
    for name in &packer.groups.1 {
        groups.word(texts.place(name)?);
    }
    let mut events = Section::default();
    for ((code, event), versions) in contents.events {
        for (range, structure) in runs(versions) {
            let number = numbers.get(structure.as_str());
            let number =
                number.ok_or_else(|| format!("{code}^{event} means {structure}, which is not known"))?;
            events.bytes(code.as_bytes()).bytes(event.as_bytes()).byte(versions_byte(range));
            events.short(fit(*number, structure)?);
        }
    }
    let kinds = Section(packer.kinds.1.concat());
    let mut file = File::default();
    for section in [names, ranges, packer.parts, kinds, times, groups, events] {
        file.push(section);
    }
    Ok(file.finish())
}

/// The parts, by path of names, that any version of a structure lets repeat.
fn repeating(versions: &PerVersion<Vec<Part>>) -> BTreeSet<String> {
    fn collect(parts: &[Part], path: &str, repeating: &mut BTreeSet<String>) {
        for part in parts {
            let path = format!("{path}/{}", part.name);
            if part.max > 1 {
                repeating.insert(path.clone());
            }
            collect(part.parts.as_deref().unwrap_or_default(), &path, repeating);
        }
    }
    let mut repeating = BTreeSet::new();
    versions.iter().flatten().for_each(|parts| collect(parts, "", &mut repeating));
    repeating
}

struct Packer<'a> {
    index: &'a Index<'a>,
    /// Lists that were packed already, by their bytes.
    lists: BTreeMap<Vec<u8>, (u16, u16)>,
    parts: Section,
    /// What parts may be: times, kind, segment or group, and how many parts it takes with all within it.
    kinds: Numbered<[u8; 4]>,
    times: Numbered<(u16, u16)>,
    groups: Numbered<String>,
}

impl Packer<'_> {
    /// Where the list starts, and how many parts it has.
    fn list(&mut self, parts: &[Part], repeating: &BTreeSet<String>) -> Result<(u16, u16), String> {
        let mut list = Vec::new();
        self.push(parts, "", repeating, &mut list)?;
        let mut packed = Section::default();
        for kind in list {
            packed.short(self.kinds.of(kind));
        }
        if let Some(place) = self.lists.get(&packed.0) {
            return Ok(*place);
        }
        let place = (fit(self.parts.0.len() / 2, "parts")?, fit(packed.0.len() / 2, "parts")?);
        self.parts.bytes(&packed.0);
        self.lists.insert(packed.0, place);
        Ok(place)
    }

    fn push(
        &mut self,
        parts: &[Part],
        path: &str,
        repeating: &BTreeSet<String>,
        list: &mut Vec<[u8; 4]>,
    ) -> Result<(), String> {
        for part in parts {
            let path = format!("{path}/{}", part.name);
            let times: u8 = fit(self.times.of((part.min, part.max)).into(), "times")?;
            if times >= 32 {
                return Err("more than 32 different cardinalities".to_owned());
            }
            let repeats = if repeating.contains(&path) { REPEATS_IN_ANY_VERSION } else { 0 };
            let (kind, reference) = match &part.parts {
                None => (SEGMENT, self.index.segment(&part.name)?.into()),
                Some(_) if part.name == "|" => (CHOICE, 0),
                Some(_) => (GROUP, self.groups.of(part.name.clone())),
            };
            let at = list.len();
            let [low, high] = u16::to_le_bytes(reference);
            list.push([times << 3 | repeats | kind, low, high, 1]);
            self.push(part.parts.as_deref().unwrap_or_default(), &path, repeating, list)?;
            list[at][3] = fit(list.len() - at, &path)?;
        }
        Ok(())
    }
}
