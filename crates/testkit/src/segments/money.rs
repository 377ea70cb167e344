//! GT1 and IN1: who pays.

use super::{address, coded, person_name, phone};
use crate::Random;
use crate::er7::Er7;
use crate::names;
use crate::scene::Scene;
use crate::version::Version;

/// The guarantor.
pub(crate) fn gt1(out: &mut Er7, scene: &Scene) {
    let payer = scene.somebody_else(700);
    out.segment("GT1")
        .field(1, 1)
        .field(3, person_name(scene, &payer))
        .field(5, address(scene, &payer))
        .field(6, phone(scene, &payer, "PRN"))
        .field(8, payer.born.date())
        .field(9, payer.sex)
        .field(11, coded(scene, "SPO", "Spouse", "HL70063"))
        .field(12, format_args!("900-00-{:04}", payer.number % 10_000))
        .field(16, "COOPERS \\T\\ CO");
}

/// An insurance.
pub(crate) fn in1(out: &mut Er7, scene: &Scene, set_id: usize, random: &mut Random) {
    let (code, company, plan) = random.pick(&names::INSURERS);
    let number = scene.person.number;
    out.segment("IN1")
        .field(1, set_id)
        .field(2, coded(scene, plan, company, "99PLN"))
        .field(3, code)
        .field(4, company)
        .field(5, format_args!("PO BOX {}^^LAKEMOUTH^QX^00101", 100 + number % 50))
        .field(7, "(999)555-0144")
        .field(8, format_args!("G{:05}", number % 613))
        .field(12, scene.now.plus_days(-300).date())
        .field(13, scene.now.plus_days(65).date())
        .field(15, "HMO")
        .field(16, person_name(scene, &scene.person))
        .field(17, coded(scene, "SEL", "Self", "HL70063"))
        .field(18, scene.person.born.date())
        .field(19, address(scene, &scene.person))
        .field(36, format_args!("POL{:08}", number * 31 + 5))
        .field_if(scene.version >= Version::V2_3, 43, scene.person.sex);
}
