//! The dictionary against the tables it is packed from, which lie in `dictionary/`.
#![expect(clippy::unwrap_used, reason = "a table that cannot be read fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hl7::dictionary::{self, PartKind, Resolved, Segment, Slot, Version};

/// The rows of a table, without its header and comments.
fn rows(name: &str) -> Vec<Vec<String>> {
    let path = folder().join("dictionary").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).skip(1);
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn versions(range: &str) -> Vec<Version> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let parse = |version: &str| Version::parse(version.as_bytes()).unwrap();
    Version::ALL.into_iter().filter(|version| (parse(first)..=parse(last)).contains(version)).collect()
}

fn segment(id: &str) -> &'static Segment {
    dictionary::segment(id.as_bytes().try_into().unwrap()).unwrap_or_else(|| panic!("no segment {id}"))
}

#[track_caller]
fn resolved(outcome: Resolved) -> &'static Slot {
    match outcome {
        Resolved::Slot(slot) => slot,
        other => panic!("not one position: {other:?}"),
    }
}

/// All lists of positions with the name of what they belong to.
fn parents() -> Vec<(String, &'static [Slot])> {
    let segments = dictionary::segments().iter().map(|segment| (segment.key().to_owned(), segment.fields()));
    let datatypes =
        dictionary::datatypes().iter().map(|datatype| (datatype.key().to_owned(), datatype.components()));
    segments.chain(datatypes).collect()
}

#[test]
fn canonical_names_are_unique_identifiers() {
    let of_segments = ["segment_index", "parent_index", "patient_index"];
    for (parent, slots) in parents() {
        let mut seen: BTreeSet<&str> = of_segments.into();
        for (at, slot) in slots.iter().enumerate() {
            let name = slot.name();
            let is_identifier = name.starts_with(|first: char| first.is_ascii_lowercase())
                && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
                && !name.ends_with('_')
                && !name.contains("__");
            assert!(is_identifier, "{parent}.{name}");
            assert!(seen.insert(name), "{parent}.{name} twice");
            assert_eq!(slot.number(), at + 1, "{parent}");
        }
    }
}

#[test]
fn every_definition_is_as_its_table_says() {
    for (file, is_field) in [("fields.tsv", true), ("components.tsv", false)] {
        let mut expected: BTreeMap<(String, usize, Version), Vec<String>> = BTreeMap::new();
        for row in rows(file) {
            for version in versions(&row[2]) {
                expected.insert((row[0].clone(), row[1].parse().unwrap(), version), row.clone());
            }
        }
        for (parent, slots) in parents() {
            let parent = if parent == "varies" { parent } else { parent.to_ascii_uppercase() };
            let is_segment =
                parent.len() == 3 && dictionary::segment(parent.as_bytes().try_into().unwrap()).is_some();
            for (slot, version) in slots.iter().flat_map(|slot| Version::ALL.map(|version| (slot, version))) {
                let found = match is_field {
                    true if is_segment => dictionary::field_in(version, segment(&parent), slot.number()),
                    true => continue,
                    false => dictionary::component_in(version, &parent, slot.number()),
                };
                let row = expected.get(&(parent.clone(), slot.number(), version));
                assert_eq!(found.is_some(), row.is_some(), "{parent} {} in {version}", slot.number());
                if let (Some(found), Some(row)) = (found, row) {
                    let max = if found.max == u16::MAX { "*".to_owned() } else { found.max.to_string() };
                    let length = found.length.map(|(low, high)| format!("{low}-{high}")).unwrap_or_default();
                    let said = [
                        found.name,
                        found.datatype,
                        &found.min.to_string(),
                        &max,
                        &length,
                        &found.table.to_string(),
                    ];
                    assert_eq!(
                        said,
                        [&row[3], &row[4], &row[6], &row[7], &row[8], &row[9]].map(String::as_str),
                        "{parent}"
                    );
                }
            }
        }
    }
}

/// Every name of a field leads to it, unless it is the canonical name of another field or that of several.
#[test]
fn every_field_name_of_every_version_resolves() {
    let (mut aliases, mut ambiguous) = (BTreeSet::new(), BTreeSet::new());
    let named = rows("fields.tsv").into_iter().map(|row| (row[0].clone(), row[1].clone(), row[3].clone()));
    let further =
        rows("field_aliases.tsv").into_iter().map(|row| (row[0].clone(), row[1].clone(), row[2].clone()));
    for (id, number, name) in named.chain(further) {
        let segment = segment(&id);
        let own = segment.field(number.parse().unwrap()).unwrap();
        let name = name.to_ascii_lowercase();
        if name != own.name() {
            aliases.insert((id.clone(), number, name.clone()));
        }
        match dictionary::resolve_field(segment, &name) {
            Resolved::Slot(slot) => {
                assert!(slot.number() == own.number() || slot.name() == name, "{id} {name}")
            }
            Resolved::Ambiguous(slots) => {
                assert!(slots.iter().any(|slot| slot.number() == own.number()), "{id} {name}");
                assert!(
                    slots.len() > 1 && segment.fields().iter().all(|slot| slot.name() != name),
                    "{id} {name}"
                );
                ambiguous.insert((id, name));
            }
            Resolved::Unknown { .. } => panic!("{id} {name} is not known"),
        }
    }
    for segment in dictionary::segments() {
        for slot in segment.fields() {
            let by_number = format!("{}_{}", segment.key(), slot.number());
            for name in [slot.name(), &by_number, &slot.name().to_ascii_uppercase()] {
                assert_eq!(
                    resolved(dictionary::resolve_field(segment, name)).number(),
                    slot.number(),
                    "{name}"
                );
            }
        }
    }
    println!("{} aliases of fields, {} ambiguous: {ambiguous:?}", aliases.len(), ambiguous.len());
}

/// A name that a version's own datatype gave component N of a field leads to where the values of that component
/// are.
#[test]
fn every_component_name_of_every_version_resolves() {
    let (mut names, mut ambiguous) = (BTreeSet::new(), BTreeSet::new());
    for (segment, version) in
        dictionary::segments().iter().flat_map(|it| Version::ALL.map(|version| (it, version)))
    {
        for field in segment.fields().iter().filter(|field| !field.datatype().is_varies()) {
            let Some(definition) = dictionary::field_in(version, segment, field.number()) else { continue };
            for number in 1.. {
                let Some(component) = dictionary::component_in(version, definition.datatype, number) else {
                    break;
                };
                let moved = field.remap(version).unwrap_or_default();
                let moved = moved.iter().find(|step| usize::from(step.from_component) == number);
                let place = moved.map_or(number, |step| step.to_component.into());
                let has_place = place == 1 || (1..=field.datatype().components().len()).contains(&place);
                let name = component.name.to_ascii_lowercase();
                let path = format!("{}.{}.{name}", segment.key(), field.name());
                if name.is_empty() || !has_place || !names.insert(format!("{path} {place}")) {
                    continue;
                }
                match dictionary::resolve_component(field, &name) {
                    Resolved::Slot(slot) => assert!(slot.number() == place || slot.name() == name, "{path}"),
                    Resolved::Ambiguous(slots) => {
                        assert!(slots.iter().any(|slot| slot.number() == place), "{path}");
                        ambiguous.insert(path);
                    }
                    Resolved::Unknown { .. } => panic!("{path} is not known in {version}"),
                }
            }
        }
    }
    println!("{} names of components of fields, {} ambiguous", names.len(), ambiguous.len());
}

#[test]
fn the_first_query_finds_its_columns() {
    let (msh, pid) = (segment("MSH"), segment("PID"));
    assert_eq!(resolved(dictionary::resolve_field(msh, "message_control_id")).number(), 10);
    assert_eq!(resolved(dictionary::resolve_field(pid, "set_id_patient_id")).number(), 1);
    let name = resolved(dictionary::resolve_field(pid, "patient_name"));
    assert_eq!((name.number(), name.repeats(), name.datatype().code()), (5, true, "XPN"));
    assert_eq!(resolved(dictionary::resolve_component(name, "given_name")).number(), 2);
    let family = resolved(dictionary::resolve_component(name, "family_name"));
    assert_eq!((family.number(), family.datatype().code()), (1, "FN"));
}

#[test]
fn names_are_those_of_the_newest_version() {
    let names = |id: &str, numbers: &[usize]| -> Vec<&str> {
        numbers.iter().map(|number| segment(id).field(*number).unwrap().name()).collect()
    };
    assert_eq!(names("PID", &[1, 6, 7]), ["set_id_pid", "mothers_maiden_name", "date_time_of_birth"]);
    // Withdrawn, and nameless in the newest version.
    assert_eq!(names("PID", &[2, 19]), ["patient_id", "ssn_number_patient"]);
    assert_eq!(names("EVN", &[1]), ["event_type_code"]);
    assert_eq!(resolved(dictionary::resolve_field(segment("PID"), "mother_s_maiden_name")).number(), 6);
}

#[test]
fn a_name_of_two_fields_is_ambiguous_and_an_unknown_one_has_neighbours() {
    // 2.2 counted these one further on.
    match dictionary::resolve_field(segment("OM1"), "portable") {
        Resolved::Ambiguous(slots) => assert!(slots.len() > 1),
        other => panic!("{other:?}"),
    }
    match dictionary::resolve_field(segment("PID"), "patient_nam") {
        Resolved::Unknown { nearest } => assert_eq!(nearest.first(), Some(&"patient_name")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn codes_of_retired_datatypes_lead_to_their_shape() {
    for (code, key) in [
        ("CE", "cwe"),
        ("ce", "cwe"),
        ("CWE", "cwe"),
        ("CNE", "cwe"),
        ("CF", "cwe"),
        ("TS", "dtm"),
        ("CN", "xcn"),
        ("PN", "xpn"),
        ("AD", "xad"),
        ("CK", "cx"),
        ("SN", "sn"),
        ("ED", "ed"),
        ("RP", "rp"),
        ("ST", "st"),
        ("TN", "tn"),
    ] {
        assert_eq!(dictionary::datatype(code.as_bytes()).map(|datatype| datatype.key()), Some(key), "{code}");
    }
    assert!(dictionary::datatype(b"XYZ").is_none());
    let value = segment("OBX").field(5).unwrap();
    assert!(value.datatype().is_varies() && value.companion() == 2 && value.repeats());
    assert_eq!(segment("MFE").field(4).unwrap().companion(), 5);
}

#[test]
fn older_shapes_are_ruled() {
    let born = segment("PID").field(7).unwrap();
    assert!(born.datatype().is_primitive() && born.keeps_first_component());
    assert!(!segment("PID").field(23).unwrap().keeps_first_component(), "always was text");
    let verifier = segment("IN1").field(30).unwrap();
    let moves = verifier.remap(Version::V2_3).unwrap();
    assert!(moves.iter().any(|step| (step.from_component, step.to_component) == (1, 2)), "{moves:?}");
    assert!(verifier.remap(Version::V2_5).is_none());
    // Two values never meet in one place.
    for slot in dictionary::segments().iter().flat_map(|segment| segment.fields()) {
        for moves in Version::ALL.into_iter().filter_map(|version| slot.remap(version)) {
            let mut taken = BTreeSet::new();
            for step in moves.iter().filter(|step| step.to_component != 0) {
                assert!(
                    taken.insert((step.to_component, step.to_subcomponent)),
                    "{}: {moves:?}",
                    slot.name()
                );
                assert!(
                    usize::from(step.to_component) <= slot.datatype().components().len(),
                    "{}",
                    slot.name()
                );
                let leaves = moves.iter().any(|other| other.from_component == step.to_component);
                assert!(leaves, "{}: {} stays where another goes", slot.name(), step.to_component);
            }
        }
    }
}

#[test]
fn no_position_has_a_shape_that_was_never_named() {
    for slot in dictionary::segments().iter().flat_map(|segment| segment.fields()) {
        let mut codes = vec![slot.datatype().code()];
        codes.extend(slot.datatype().components().iter().map(|component| component.datatype().code()));
        assert!(codes.iter().all(|code| !code.starts_with("CM")), "{}: {codes:?}", slot.name());
    }
}

#[test]
fn structures_are_as_their_table_says() {
    let mut count = 0;
    for row in rows("structures.tsv") {
        for version in versions(&row[1]) {
            let structure = dictionary::structure(row[0].as_bytes(), version).unwrap();
            assert_eq!(structure.name(), row[0]);
            let mut shown = String::new();
            show(&structure, 0, structure.len(), &mut shown);
            assert_eq!(shown.trim_end(), row[2], "{} in {version}", row[0]);
            count += 1;
        }
    }
    println!("{} structures, {count} with their versions", dictionary::structure_names().count());
}

/// Writes a structure as its table does.
fn show(structure: &dictionary::Structure, start: usize, end: usize, out: &mut String) {
    let mut at = start;
    while at < end {
        let part = structure.part(at);
        assert!(part.end() > at && part.end() <= end);
        let times = match (part.min(), part.max()) {
            (1, 1) => String::new(),
            (0, 1) => "?".to_owned(),
            (0, u16::MAX) => "*".to_owned(),
            (1, u16::MAX) => "+".to_owned(),
            (min, max) => format!("{{{min},{max}}}"),
        };
        assert!(part.repeats_in_any_version() || !part.repeats());
        match part.kind() {
            PartKind::Segment(id) => {
                assert!(dictionary::segment(id).is_some() && part.end() == at + 1);
                out.push_str(&format!("{}{times} ", String::from_utf8_lossy(&id)));
            }
            kind => {
                let name = match kind {
                    PartKind::Group(name) => name.replacen(&format!("{}_", structure.name()), ".", 1),
                    _ => "|".to_owned(),
                };
                out.push_str(&format!("{name}{times}("));
                show(structure, at + 1, part.end(), out);
                out.truncate(out.trim_end().len());
                out.push_str(") ");
            }
        }
        at = part.end();
    }
}

#[test]
fn events_mean_a_structure_in_every_version() {
    let events = [
        "ADT^A01", "ADT^A03", "ADT^A04", "ADT^A08", "ADT^A11", "ADT^A17", "ADT^A24", "ADT^A28", "ADT^A31",
        "ADT^A34", "ADT^A40", "ORM^O01", "ORU^R01", "SIU^S12", "SIU^S15", "MDM^T02", "VXU^V04", "DFT^P03",
        "BAR^P01", "MFN^M02", "OML^O21", "RDE^O11", "QRY^A19", "ORR^O02", "ACK^A01",
    ];
    for (event, version) in events.iter().flat_map(|event| Version::ALL.map(|version| (event, version))) {
        let (code, trigger) = event.split_once('^').unwrap();
        let name = dictionary::structure_for_event(code.as_bytes(), trigger.as_bytes(), version);
        let name = name.unwrap_or_else(|| panic!("{event} in {version}"));
        assert!(dictionary::structure(name.as_bytes(), version).is_some(), "{event} in {version}: {name}");
    }
    let at = |event: &[u8], version| dictionary::structure_for_event(b"ADT", event, version);
    assert_eq!(at(b"A08", Version::V2_5_1), Some("ADT_A01"));
    assert_eq!(at(b"A40", Version::V2_1), Some("ADT_A39"));
    assert_eq!(at(b"A31", Version::V2_9), Some("ADT_A05"));
    assert_eq!(dictionary::structure_for_event(b"ADT", b"Q99", Version::V2_5), None);
    for row in rows("events.tsv") {
        for version in versions(&row[2]) {
            let found = dictionary::structure_for_event(row[0].as_bytes(), row[1].as_bytes(), version);
            assert_eq!(found, Some(row[3].as_str()), "{}^{} in {version}", row[0], row[1]);
        }
    }
}

#[test]
fn segments_hang_on_others_and_single_ones_never_repeat() {
    let anchors = |id: &str| segment(id).anchors().to_vec();
    assert!(
        anchors("OBX").contains(b"OBR") && anchors("NTE").contains(b"OBX") && anchors("IN2") == [*b"IN1"]
    );
    let named = ["EVN", "PID", "PD1", "PV1", "PV2"];
    for segment in dictionary::segments() {
        assert!(
            segment
                .anchors()
                .iter()
                .all(|anchor| dictionary::segment(*anchor).is_some() && *anchor != segment.id())
        );
    }
    for name in dictionary::structure_names() {
        for version in Version::ALL {
            let structure = dictionary::structure(name.as_bytes(), version).unwrap();
            let mut repeats_until = 0;
            for (at, part) in structure.parts().enumerate() {
                if part.repeats() {
                    repeats_until = repeats_until.max(part.end());
                }
                let PartKind::Segment(id) = part.kind() else { continue };
                let id = core::str::from_utf8(&id).unwrap();
                let is_single = segment(id).is_single() && !named.contains(&id);
                assert!(!is_single || at >= repeats_until, "{id} repeats in {name}");
            }
        }
    }
}

#[test]
fn tables_know_their_codes() {
    let sex = dictionary::table(1).unwrap();
    assert!(sex.contains("F") && !sex.contains("f") && sex.display("F") == Some("Female"));
    assert!(!sex.is_hl7_defined() && dictionary::table(76).unwrap().is_hl7_defined());
    assert!(dictionary::table(9999).is_none());
    let mut count = 0;
    for row in rows("codes.tsv") {
        let table = dictionary::table(row[0].parse().unwrap()).unwrap();
        assert!(table.contains(&row[1]), "{row:?}");
        assert_eq!(table.display(&row[1]).unwrap_or_default(), row[2], "{row:?}");
        count += 1;
    }
    assert_eq!(count, dictionary::tables().map(|table| table.codes().count()).sum::<usize>());
}

#[test]
fn versions_are_read_leniently() {
    for (text, version) in [
        ("2.5.1", Version::V2_5_1),
        ("2.3 MFI", Version::V2_3),
        ("", Version::V2_5_1),
        ("2.10", Version::V2_9_1),
        ("2.5.9", Version::V2_5_1),
        ("V2.5", Version::V2_5),
        ("2.4.1", Version::V2_4),
        ("1.0", Version::V2_1),
        ("3", Version::V2_9_1),
    ] {
        assert_eq!(Version::closest(text.as_bytes()), version, "{text}");
    }
}

#[test]
fn it_fits_the_binary() {
    let packed = |name: &str| {
        let path = folder().join("src/dictionary/packed").join(name);
        usize::try_from(std::fs::metadata(path).unwrap().len()).unwrap()
    };
    let slots = parents().iter().map(|(_, slots)| size_of_val(*slots)).sum::<usize>();
    let anchors = dictionary::segments().iter().map(|segment| 3 * segment.anchors().len()).sum::<usize>();
    let lists = size_of_val(dictionary::segments()) + size_of_val(dictionary::datatypes());
    // What is looked up by hash, and the moves.
    let buckets = 4096 + 1024;
    let files = ["names.txt", "definitions.bin", "structures.bin", "codes.bin"];
    let without_displays = slots + anchors + lists + buckets + files.map(packed).iter().sum::<usize>();
    let with_displays = without_displays + packed("displays.bin");
    println!(
        "{without_displays} bytes without the display texts of the code tables, {with_displays} with them"
    );
    assert!(without_displays <= 400_000);
    assert!(with_displays <= 1_000_000);
}

/// A sink writes a component once: what moves to it must come in one run, and to different subcomponents.
#[test]
fn no_two_components_move_to_one_place() {
    for segment in dictionary::segments() {
        for slot in segment.fields() {
            for version in Version::ALL {
                let Some(moves) = slot.remap(version) else { continue };
                let target = |from: u8| {
                    let step = moves.iter().find(|step| step.from_component == from);
                    step.map_or((from, 0), |step| (step.to_component, step.to_subcomponent))
                };
                let most = slot.datatype().components().len().max(moves.len() + 1);
                let targets: Vec<(u8, u8)> =
                    (1..=most as u8).map(target).filter(|(component, _)| *component != 0).collect();
                for (at, (component, subcomponent)) in targets.iter().enumerate() {
                    let place = format!("{} {} in {version}", segment.key(), slot.name());
                    let before = &targets[..at];
                    assert!(!before.contains(&(*component, *subcomponent)), "{place}: {component} twice");
                    let is_new = !before.iter().any(|(earlier, _)| earlier == component);
                    let continues = before.last().is_some_and(|(last, _)| last == component);
                    assert!(is_new || continues, "{place}: {component} is left and taken up again");
                }
            }
        }
    }
}
