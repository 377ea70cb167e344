//! Orders (ORM), appointments (SIU), vaccinations (VXU) and charges (DFT).

use super::Kind;
use crate::er7::Er7;
use crate::names;
use crate::scene::Scene;
use crate::segments::{
    Finding, Order, al1, coded, dg1, doctor, evn, in1, location, msh, nk1, notes, obr, obx, orc, pd1, pid,
    pv1, site_segments,
};
use crate::{Random, Version};

pub(crate) fn order(out: &mut Er7, scene: &Scene, random: &mut Random) {
    msh(out, scene, Kind::OrmO01);
    pid(out, scene, 1, &scene.person);
    pv1(out, scene, Kind::OrmO01);
    in1(out, scene, 1, random);
    al1(out, scene, 1, random);
    for set_id in 1..=random.between(1, 2) as usize {
        let order = numbered_order(set_id, "P8^Metabolic panel^99LAB", random);
        orc(out, scene, &order, "NW");
        obr(out, scene, &order);
        notes(out, random, 1);
        dg1(out, scene, 1, random);
    }
    site_segments(out, scene, random);
}

pub(crate) fn appointment(out: &mut Er7, scene: &Scene, random: &mut Random) {
    msh(out, scene, Kind::SiuS12);
    let begin = scene.now.plus_days(random.between(1, 60) as i64);
    let timing = format!("^^30^{}^{}", begin.second(), begin.plus_seconds(1_800).second());
    let old = scene.version < Version::V2_7;
    out.segment("SCH")
        .field(1, format_args!("AP{:07}^LAKESCHED", random.below(10_000_000)))
        .field(2, format_args!("AF{:07}^LAKESCHED", random.below(10_000_000)))
        .field(6, "ROUTINE^Routine appointment^99SCH")
        .field(7, "CHECKUP^Check-up^99SCH")
        .field(8, "NORMAL^Normal^HL70277")
        .field_if(old, 9, 30)
        .field_if(old, 10, "min^minute^99UNI")
        .field_if(old, 11, &timing)
        .field(16, doctor(scene, scene.visit.attending))
        .field(25, "BOOKED^Booked^HL70278");
    if scene.version >= Version::V2_5 {
        out.segment("TQ1").field(1, 1).field(7, begin.second()).field(8, begin.plus_seconds(1_800).second());
    }
    notes(out, random, 1);
    pid(out, scene, 1, &scene.person);
    pv1(out, scene, Kind::SiuS12);
    dg1(out, scene, 1, random);
    let started = |offset: i64| begin.plus_seconds(offset).second();
    out.segment("RGS").field(1, 1).field(2, "A");
    out.segment("AIG").field(1, 1).field(2, "A").field(4, "SCANNER^Scanner^99EQP").field(8, started(0));
    out.segment("AIL").field(1, 1).field(2, "A").field(3, location(scene)).field(6, started(0));
    out.segment("AIP")
        .field(1, 1)
        .field(2, "A")
        .field(3, doctor(scene, scene.visit.attending))
        .field(4, "D^Doctor^99ROL")
        .field(6, started(300));
    site_segments(out, scene, random);
}

pub(crate) fn vaccinations(out: &mut Er7, scene: &Scene, random: &mut Random) {
    msh(out, scene, Kind::VxuV04);
    pid(out, scene, 1, &scene.person);
    pd1(out, scene);
    nk1(out, scene, 1);
    for set_id in 1..=random.between(1, 4) as usize {
        let order = numbered_order(set_id, "VACCINE^Vaccination^99VAC", random);
        orc(out, scene, &order, "RE");
        let (code, text) =
            random.pick(&[("V01", "Grippe vaccine, season"), ("V02", "Tetanus booster"), ("V03", "Measles")]);
        out.segment("RXA")
            .field(1, 0)
            .field(2, set_id)
            .field(3, scene.now.date())
            .field(4, scene.now.date())
            .field(5, format_args!("{code}^{text}^99VAC"))
            .field(6, "0.5")
            .field(7, "mL^millilitre^99UNI")
            .field(9, "00^New record^99NIP")
            .field(10, doctor(scene, scene.visit.attending))
            .field(11, "^^^LAKEGEN")
            .field(15, format_args!("LOT{:05}", random.below(100_000)))
            .field(16, scene.now.plus_days(300).date())
            .field(17, "MFA^Maker A^99MVX")
            .field(20, "CP")
            .field(21, "A");
        out.segment("RXR").field(1, "IM^Intramuscular^HL70162").field(2, "LA^Left arm^HL70163");
        let coded_type = if scene.version < Version::V2_6 { "CE" } else { "CWE" };
        let finding = Finding {
            kind: coded_type,
            what: "FUND^Funding^99VAC".to_owned(),
            value: coded(scene, "VXC1", "Private", "99FND"),
            unit: "",
            range: String::new(),
            flag: "",
        };
        obx(out, scene, 1, &finding);
    }
    site_segments(out, scene, random);
}

pub(crate) fn charges(out: &mut Er7, scene: &Scene, random: &mut Random) {
    msh(out, scene, Kind::DftP03);
    evn(out, scene, Kind::DftP03);
    pid(out, scene, 1, &scene.person);
    pv1(out, scene, Kind::DftP03);
    for set_id in 1..=random.between(1, 5) as usize {
        let (code, text) = random.pick(&names::DIAGNOSES);
        let amount = random.between(1_000, 90_000);
        out.segment("FT1")
            .field(1, set_id)
            .field(2, format_args!("T{:08}", random.below(100_000_000)))
            .field(4, scene.now.date())
            .field(5, scene.now.date())
            .field(6, "CG")
            .field(7, format_args!("CH{code}^{text}^99CHG"))
            .field(10, random.between(1, 3))
            .field(11, format_args!("{}.{:02}", amount / 100, amount % 100))
            .field(13, "DEP07")
            .field(16, location(scene))
            .field(19, format_args!("{code}^{text}^99DX"))
            .field(20, doctor(scene, scene.visit.attending));
    }
    site_segments(out, scene, random);
}

fn numbered_order(set_id: usize, service: &'static str, random: &mut Random) -> Order {
    Order {
        set_id,
        placer: format!("P{:09}", random.below(1_000_000_000)),
        filler: format!("F{:09}", random.below(1_000_000_000)),
        service,
    }
}
