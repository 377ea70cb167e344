//! PID, PD1, NK1, AL1, DG1.

use super::{address, coded, doctor, identifier, person_name, phone};
use crate::Random;
use crate::er7::Er7;
use crate::names;
use crate::scene::{Person, Scene};
use crate::version::Version;

/// The patient. Fields withdrawn in 2.7 are left out from then on.
pub(crate) fn pid(out: &mut Er7, scene: &Scene, set_id: usize, person: &Person) {
    let version = scene.version;
    let old = version < Version::V2_7;
    let record = person.record_number();
    let mut identifiers = identifier(scene, &record, "MR");
    if version >= Version::V2_3 {
        identifiers.push('~');
        identifiers += &identifier(scene, &format!("E{:09}", person.number * 17 + 4), "PI");
    }
    let number = person.number;
    let mut phones = phone(scene, person, "PRN");
    if version >= Version::V2_4 {
        phones += &format!("~^NET^Internet^p{number}@example.org");
    }
    out.segment("PID")
        .field(1, set_id)
        .field_if(old, 2, format_args!("X{record}"))
        .field(3, identifiers)
        .field(5, person_name(scene, person))
        .field_if(version >= Version::V2_3, 6, format_args!("{}^{}", person.city.0, person.middle))
        .field(7, person.born.date())
        .field(8, person.sex)
        .field(10, coded(scene, pick_by(number, &["W", "B", "A", "N"]), "Race as stated", "HL70005"))
        .field(11, address(scene, person))
        .field_if(old, 12, "QX07")
        .field(13, phones)
        .field_if(number.is_multiple_of(2), 14, phone(scene, person, "WPN"))
        .field(15, coded(scene, "en", "English", "ISO639"))
        .field(16, coded(scene, pick_by(number, &["M", "S", "D", "W"]), "Marital status", "HL70002"))
        .field(17, coded(scene, pick_by(number, &["A", "C", "N", "O"]), "Religion", "HL70006"))
        .field(18, identifier(scene, &format!("ACC{:07}", number + 3), "AN"))
        .field_if(old, 19, format_args!("900-00-{:04}", number % 10_000))
        .field_if(version >= Version::V2_3, 22, coded(scene, "N", "Not stated", "HL70189"))
        .field_if(version >= Version::V2_3, 23, person.city.0)
        .field_if(version >= Version::V2_3, 24, "N")
        .field_if(version >= Version::V2_3, 26, coded(scene, "QXA", "Citizen of QX", "99CTZ"))
        .field_if(version >= Version::V2_3, 30, "N")
        .field_if(version >= Version::V2_5, 33, scene.now.plus_days(-3).second())
        .field_if(version >= Version::V2_5, 34, "LAKEGEN^2.999.3.2^ISO");
}

/// Who cares for the patient outside.
pub(crate) fn pd1(out: &mut Er7, scene: &Scene) {
    if scene.version < Version::V2_3 {
        return;
    }
    out.segment("PD1")
        .field(2, "A")
        .field(3, "LAKESIDE FAMILY PRACTICE^L^0417")
        .field_if(scene.version < Version::V2_7, 4, doctor(scene, scene.visit.referring))
        .field(8, "N")
        .field_if(scene.version >= Version::V2_4, 12, "N");
}

/// A next of kin.
pub(crate) fn nk1(out: &mut Er7, scene: &Scene, set_id: usize) {
    let kin = scene.somebody_else(900 + set_id as u64);
    let version = scene.version;
    out.segment("NK1")
        .field(1, set_id)
        .field(2, person_name(scene, &kin))
        .field(3, coded(scene, pick_by(kin.number, &["SPO", "PAR", "CHD", "SIB"]), "Relative", "HL70063"))
        .field(4, address(scene, &kin))
        .field(5, phone(scene, &kin, "PRN"))
        .field_if(version >= Version::V2_3, 6, phone(scene, &kin, "WPN"))
        .field_if(version >= Version::V2_2, 7, coded(scene, "EMC", "Emergency contact", "HL70131"))
        .field_if(version >= Version::V2_3, 15, kin.sex)
        .field_if(version >= Version::V2_3, 16, kin.born.date());
}

/// An allergy.
pub(crate) fn al1(out: &mut Er7, scene: &Scene, set_id: usize, random: &mut Random) {
    if scene.version < Version::V2_2 {
        return;
    }
    let (code, text, kind) = random.pick(&names::ALLERGENS);
    out.segment("AL1")
        .field(1, set_id)
        .field(2, coded(scene, kind, "Allergy", "HL70127"))
        .field(3, format_args!("{code}^{text}^99ALG"))
        .field(4, coded(scene, random.pick(&["MO", "MI", "SV"]), "Severity", "HL70128"))
        .field(5, random.pick(&["HIVES", "SWELLING", "HIVES~COUGH", "RASH"]))
        .field_if(scene.version < Version::V2_7, 6, scene.now.plus_days(-400).date());
}

/// A diagnosis.
pub(crate) fn dg1(out: &mut Er7, scene: &Scene, set_id: usize, random: &mut Random) {
    let (code, text) = random.pick(&names::DIAGNOSES);
    let old = scene.version < Version::V2_7;
    out.segment("DG1")
        .field(1, set_id)
        .field_if(old, 2, "99DX")
        .field(3, format_args!("{code}^{text}^99DX"))
        .field_if(old, 4, text)
        .field(5, scene.visit.began.second())
        .field(6, random.pick(&["A", "W", "F"]))
        .field_if(scene.version >= Version::V2_3, 15, set_id)
        .field_if(scene.version >= Version::V2_3, 16, doctor(scene, scene.visit.attending));
}

fn pick_by<'a>(number: u64, items: &[&'a str]) -> &'a str {
    items[number as usize % items.len()]
}
