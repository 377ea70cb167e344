//! Composite values (names, identifiers, addresses …) as the version at hand wrote them.

use crate::scene::{Doctor, Person, Scene};
use crate::version::Version;

/// PN until 2.2, XPN later.
pub(crate) fn person_name(scene: &Scene, person: &Person) -> String {
    let Person { family, given, middle, .. } = person;
    match scene.version {
        Version::V2_1 | Version::V2_2 => format!("{family}^{given}^{middle}"),
        Version::V2_3 | Version::V2_3_1 | Version::V2_4 => format!("{family}^{given}^{middle}^^^^L"),
        _ => format!("{family}&&{family}^{given}^{middle}^^^^L^A"),
    }
}

/// CK until 2.2, CX with an assigning authority later.
pub(crate) fn identifier(scene: &Scene, number: &str, kind: &str) -> String {
    if scene.version < Version::V2_3 {
        return format!("{number}^7^M11");
    }
    format!("{number}^^^LAKE&2.999.1.{}&ISO^{kind}^LAKEGEN", scene.visit.room % 4)
}

/// AD until 2.2, XAD later.
pub(crate) fn address(scene: &Scene, person: &Person) -> String {
    let (city, state, postal_code) = person.city;
    let street = if scene.version < Version::V2_5 {
        format!("{} {}", person.house, person.street)
    } else {
        format!("{} {}&{}&{}", person.house, person.street, person.street, person.house)
    };
    if scene.version < Version::V2_3 {
        return format!("{street}^^{city}^{state}^{postal_code}^QXA");
    }
    format!("{street}^APT {}^{city}^{state}^{postal_code}^QXA^H^^{state}007", person.number % 40 + 1)
}

/// TN until 2.2, XTN later.
pub(crate) fn phone(scene: &Scene, person: &Person, usage: &str) -> String {
    let line = person.phone_line();
    if scene.version < Version::V2_3 {
        return format!("(999)555-0{line}");
    }
    format!("(999)555-0{line}^{usage}^PH^^1^999^5550{line}")
}

/// CN until 2.2, XCN later.
pub(crate) fn doctor(scene: &Scene, doctor: Doctor) -> String {
    let Doctor { number, family, given } = doctor;
    match scene.version {
        Version::V2_1 | Version::V2_2 => format!("{number}^{family}^{given}^^^DR"),
        Version::V2_3 | Version::V2_3_1 | Version::V2_4 => {
            format!("{number}^{family}^{given}^^^DR^^^LAKE^L^^^PN")
        }
        _ => format!("{number}^{family}&&{family}^{given}^^^DR^^MD^LAKE&2.999.2&ISO^L^^^PN"),
    }
}

/// A plain code until 2.2, CE and CWE later.
pub(crate) fn coded(scene: &Scene, code: &str, text: &str, table: &str) -> String {
    if scene.version < Version::V2_3_1 { code.to_owned() } else { format!("{code}^{text}^{table}") }
}

/// PL: point of care, room, bed, facility …
pub(crate) fn location(scene: &Scene) -> String {
    let bed = char::from(b'A' + (scene.person.number % 4) as u8);
    if scene.version < Version::V2_3 {
        return format!("{}^{}^{bed}", scene.visit.ward, scene.visit.room);
    }
    format!("{}^{}^{bed}^LAKEGEN^^BED^MAIN^{}", scene.visit.ward, scene.visit.room, scene.visit.room / 100)
}
