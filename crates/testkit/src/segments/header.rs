//! MSH and EVN.

use super::doctor;
use crate::er7::Er7;
use crate::messages::Kind;
use crate::scene::Scene;
use crate::version::Version;

/// The header of a message of this kind.
pub(crate) fn msh(out: &mut Er7, scene: &Scene, kind: Kind) {
    let version = scene.version;
    let (code, event, structure) = kind.message_type();
    let message_type = match version {
        Version::V2_1 if !code.starts_with("ADT") => code.to_owned(),
        Version::V2_1 | Version::V2_2 | Version::V2_3 => format!("{code}^{event}"),
        _ => format!("{code}^{event}^{structure}"),
    };
    let name_of = |name: &str, oid: u8| {
        if version < Version::V2_3 { name.to_owned() } else { format!("{name}^2.999.3.{oid}^ISO") }
    };
    out.segment("MSH")
        .field(3, name_of("LAKEADT", 1))
        .field(4, name_of("LAKEGEN", 2))
        .field(5, name_of("CARELAKE", 3))
        .field(6, name_of("HUB", 4))
        .field(7, moment(scene))
        .field(9, message_type)
        .field(10, &scene.control_id)
        .field(11, if version < Version::V2_3 { "P" } else { "P^T" })
        .field(12, version.as_str())
        .field_if(version >= Version::V2_3, 15, "AL")
        .field_if(version >= Version::V2_3, 16, "NE")
        .field_if(version >= Version::V2_3, 17, "QXA")
        .field_if(version >= Version::V2_3 && !scene.charset.is_empty(), 18, scene.charset)
        .field_if(version >= Version::V2_7, 21, "LAKE-PROFILE^LAKE^2.999.9^ISO");
}

/// What happened, when, and who entered it.
pub(crate) fn evn(out: &mut Er7, scene: &Scene, kind: Kind) {
    let (_, event, _) = kind.message_type();
    out.segment("EVN")
        .field_if(scene.version < Version::V2_7, 1, event)
        .field(2, moment(scene))
        .field(4, "01")
        .field_if(scene.version >= Version::V2_2, 5, doctor(scene, scene.visit.referring))
        .field_if(scene.version >= Version::V2_3, 6, scene.now.plus_seconds(-40).second())
        .field_if(scene.version >= Version::V2_5, 7, "LAKEGEN^2.999.3.2^ISO");
}

/// The moment with the offset that newer senders add.
fn moment(scene: &Scene) -> String {
    let offset = if scene.version >= Version::V2_5 { "+0100" } else { "" };
    format!("{}{offset}", scene.now.second())
}
