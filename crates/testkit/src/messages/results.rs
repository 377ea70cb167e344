//! ORU^R01: panels of numbers, coded and structured values, text, with notes.

use super::Kind;
use crate::er7::Er7;
use crate::names::{self, ANALYTES};
use crate::scene::Scene;
use crate::segments::{Finding, Order, msh, notes, obr, obx, orc, pid, pv1, report_lines, site_segments};
use crate::{Random, Version};

const SERVICES: [&str; 3] = ["P8^Metabolic panel^99LAB", "P5^Blood count^99LAB", "P2^Liver panel^99LAB"];

/// Results of one patient, or of two or three.
pub(crate) fn write(out: &mut Er7, scene: &Scene, kind: Kind, random: &mut Random) {
    msh(out, scene, kind);
    let patients = if kind == Kind::OruR01SeveralPatients { random.between(2, 3) } else { 1 };
    for patient in 0..patients {
        let person = if patient == 0 { scene.person.clone() } else { scene.somebody_else(patient) };
        pid(out, scene, patient as usize + 1, &person);
        pv1(out, scene, kind);
        let orders = random.weighted(&[(1, 70), (2, 20), (3, 10)]);
        for set_id in 1..=orders {
            one_order(out, scene, set_id, random);
        }
    }
    site_segments(out, scene, random);
}

fn one_order(out: &mut Er7, scene: &Scene, set_id: usize, random: &mut Random) {
    let order = Order {
        set_id,
        placer: format!("P{:09}", random.below(1_000_000_000)),
        filler: format!("F{:09}", random.below(1_000_000_000)),
        service: random.pick(&SERVICES),
    };
    orc(out, scene, &order, "RE");
    obr(out, scene, &order);
    if random.chance(25) {
        notes(out, random, 1);
    }
    match random.weighted(&[("panel", 70), ("mixed", 20), ("report", 10)]) {
        "panel" => {
            let first = random.below(9) as usize;
            for (index, analyte) in ANALYTES[first..first + 8].iter().enumerate() {
                obx(out, scene, index + 1, &measured(*analyte, random));
                if random.chance(6) {
                    let count = random.between(1, 3) as usize;
                    notes(out, random, count);
                }
            }
        }
        "mixed" => mixed(out, scene, random),
        _ => report_lines(out, scene, "R1^Report^99LAB", 14, random),
    }
}

/// A number (NM), or below the measuring range (SN, where the version has it).
fn measured(
    analyte: (&'static str, &str, &'static str, f64, f64, usize),
    random: &mut Random,
) -> Finding<'static> {
    let (code, name, unit, low, high, decimals) = analyte;
    let value = low + (high - low) * (random.between(0, 1_400) as f64 / 1_000.0 - 0.2);
    let flag = if value < low {
        "L"
    } else if value > high {
        "H"
    } else {
        "N"
    };
    Finding {
        kind: "NM",
        what: format!("{code}^{name}^99LAB"),
        value: format!("{:.decimals$}", value.max(0.0)),
        unit,
        range: format!("{low:.decimals$}-{high:.decimals$}"),
        flag,
    }
}

/// A value of each type a laboratory sends.
fn mixed(out: &mut Er7, scene: &Scene, random: &mut Random) {
    let coded = if scene.version < Version::V2_6 { "CE" } else { "CWE" };
    let mut values = vec![
        (coded, "ORG3^Harmless coccus^99MIC^3^coccus, harmless^99OLD".to_owned()),
        ("ST", format!("1:{} titre", 2_u64 << random.below(8))),
        ("FT", random.pick(&names::SENTENCES).to_owned()),
        ("TS", scene.now.plus_days(-1).minute()),
        ("NM", String::new()),
        ("ST", "\"\"".to_owned()),
    ];
    if scene.version >= Version::V2_5 {
        values[3].0 = if scene.version >= Version::V2_6 { "DTM" } else { "TS" };
    }
    if scene.version >= Version::V2_3 {
        values.push(("SN", format!("<^{}", random.between(1, 20))));
        values.push(("SN", "1^:^128".to_owned()));
        values.push((coded, "A^First^99X~B^Second^99X".to_owned()));
    }
    for (index, (kind, value)) in values.into_iter().enumerate() {
        let finding = Finding {
            kind,
            what: format!("M{index}^Mixed finding {index}^99LAB"),
            value,
            unit: "",
            range: String::new(),
            flag: "",
        };
        obx(out, scene, index + 1, &finding);
    }
    notes(out, random, 2);
}
