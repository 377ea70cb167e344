//! PV1, PV2 and the Z-segments of a site.

use super::{coded, doctor, identifier, location};
use crate::Random;
use crate::er7::Er7;
use crate::messages::Kind;
use crate::names;
use crate::scene::Scene;
use crate::version::Version;

/// The visit. A discharge (A03) says when and whereto.
pub(crate) fn pv1(out: &mut Er7, scene: &Scene, kind: Kind) {
    let version = scene.version;
    let visit = &scene.visit;
    let discharged = kind == Kind::AdtA03;
    out.segment("PV1")
        .field(1, 1)
        .field(2, visit.class)
        .field(3, location(scene))
        .field(4, coded(scene, "R", "Routine", "HL70007"))
        .field(7, doctor(scene, visit.attending))
        .field(8, doctor(scene, visit.referring))
        .field(10, visit.service)
        .field(14, coded(scene, "1", "Physician referral", "HL70023"))
        .field(15, "A0")
        .field_if(version < Version::V2_7, 17, doctor(scene, visit.attending))
        .field(18, coded(scene, "OP", "Outpatient", "HL70018"))
        .field(19, identifier(scene, &visit.number, "VN"))
        .field(20, "SELF")
        .field_if(discharged, 36, coded(scene, "01", "Home", "HL70112"))
        .field_if(version >= Version::V2_2, 39, "LKG")
        .field(44, visit.began.second())
        .field_if(discharged, 45, scene.now.second())
        .field_if(version >= Version::V2_3, 50, identifier(scene, &visit.number, "VN"))
        .field_if(version >= Version::V2_3, 51, "V");
}

/// Why the patient came.
pub(crate) fn pv2(out: &mut Er7, scene: &Scene, random: &mut Random) {
    let (code, text) = random.pick(&names::DIAGNOSES);
    out.segment("PV2")
        .field(3, format_args!("{code}^{text}^99DX"))
        .field_if(scene.version >= Version::V2_3, 8, scene.visit.began.plus_days(1).date())
        .field_if(scene.version >= Version::V2_3, 9, scene.visit.began.plus_days(4).date())
        .field_if(scene.version >= Version::V2_3, 12, text);
}

/// What the standard has no place for and this sender wants to tell nevertheless.
pub(crate) fn site_segments(out: &mut Er7, scene: &Scene, random: &mut Random) {
    if !scene.with_site_segments {
        return;
    }
    out.segment("ZPI")
        .field(1, 1)
        .field(2, random.pick(&["WRISTBAND PRINTED", "NO WRISTBAND"]))
        .field(4, format_args!("{}^{}~SECOND", scene.visit.number, scene.visit.ward));
    out.segment("ZBE").field(1, "BED&A^1").field(3, scene.now.second()).field(9, "LAST FIELD");
}
