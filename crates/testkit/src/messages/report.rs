//! MDM^T02: a document, as lines of text or embedded as base64.

use super::Kind;
use crate::Random;
use crate::base64;
use crate::er7::Er7;
use crate::scene::Scene;
use crate::segments::{doctor, evn, msh, pid, pv1, report_lines, site_segments};

/// TXA and what it describes.
pub(crate) fn write(out: &mut Er7, scene: &Scene, kind: Kind, random: &mut Random) {
    msh(out, scene, kind);
    evn(out, scene, kind);
    pid(out, scene, 1, &scene.person);
    pv1(out, scene, kind);
    out.segment("TXA")
        .field(1, 1)
        .field(2, "DS")
        .field(3, if kind == Kind::MdmT02Text { "TX" } else { "AP" })
        .field(4, scene.now.second())
        .field(5, doctor(scene, scene.visit.attending))
        .field(12, format_args!("DOC{:08}^LAKEDOC", random.below(100_000_000)))
        .field(17, "AU")
        .field(19, "AV");
    let length = match kind {
        Kind::MdmT02Text => 0,
        Kind::MdmT02Large => random.between(1_000_000, 4_000_000) as usize,
        _ => random.between(2_000, 12_000) as usize,
    };
    if length == 0 {
        report_lines(out, scene, "N1^Discharge summary^99DOC", 24, random);
    } else {
        out.segment("OBX")
            .field(1, 1)
            .field(2, "ED")
            .field(3, "N2^Scanned document^99DOC")
            .field(5, format_args!("LAKEDOC^AP^PDF^Base64^{}", base64::document(length, random)))
            .field(11, "F");
    }
    site_segments(out, scene, random);
}
