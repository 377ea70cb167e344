//! ADT: admissions, updates, swaps, links and merges.

use super::Kind;
use crate::er7::Er7;
use crate::scene::Scene;
use crate::segments::{
    al1, dg1, evn, gt1, identifier, in1, msh, nk1, pd1, person_name, pid, pv1, pv2, site_segments,
};
use crate::{Random, Version};

/// A01, A03, A04, A08, A31. How often the optional segments come decides the mean size of the weekday mix.
pub(crate) fn one_patient(out: &mut Er7, scene: &Scene, kind: Kind, random: &mut Random) {
    msh(out, scene, kind);
    evn(out, scene, kind);
    pid(out, scene, 1, &scene.person);
    pd1(out, scene);
    let has_kin_and_payers = kind != Kind::AdtA03;
    if has_kin_and_payers {
        for set_id in 1..=usize::from(random.chance(15)) + usize::from(random.chance(3)) {
            nk1(out, scene, set_id);
        }
    }
    pv1(out, scene, kind);
    if random.chance(8) {
        pv2(out, scene, random);
    }
    if has_kin_and_payers {
        for set_id in 1..=random.weighted(&[(0, 75), (1, 18), (2, 7)]) {
            al1(out, scene, set_id, random);
        }
    }
    for set_id in 1..=usize::from(random.chance(25)) {
        dg1(out, scene, set_id, random);
    }
    if has_kin_and_payers && random.chance(6) {
        gt1(out, scene);
    }
    if has_kin_and_payers && random.chance(12) {
        in1(out, scene, 1, random);
    }
    site_segments(out, scene, random);
}

/// A17 (swap of beds) and A24 (link): two patients with a visit each.
pub(crate) fn two_patients(out: &mut Er7, scene: &Scene, kind: Kind) {
    msh(out, scene, kind);
    evn(out, scene, kind);
    for (set_id, person) in [(1, scene.person.clone()), (2, scene.somebody_else(1))] {
        pid(out, scene, set_id, &person);
        pd1(out, scene);
        pv1(out, scene, kind);
    }
}

/// A40: the identifiers in MRG are merged into those of the PID before it; one message in four holds two pairs.
pub(crate) fn merge(out: &mut Er7, scene: &Scene, random: &mut Random) {
    msh(out, scene, Kind::AdtA40);
    evn(out, scene, Kind::AdtA40);
    let pairs = if random.chance(25) { 2 } else { 1 };
    for pair in 0..pairs {
        let person = if pair == 0 { scene.person.clone() } else { scene.somebody_else(pair) };
        let given_up = scene.somebody_else(400 + pair);
        pid(out, scene, pair as usize + 1, &person);
        pd1(out, scene);
        out.segment("MRG")
            .field(1, identifier(scene, &given_up.record_number(), "MR"))
            .field_if(scene.version < Version::V2_7, 4, given_up.record_number())
            .field(7, person_name(scene, &given_up));
        pv1(out, scene, Kind::AdtA40);
    }
}
