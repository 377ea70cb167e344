//! ORC, OBR, OBX, NTE: orders and what came of them.

use std::fmt::Display;

use super::doctor;
use crate::Random;
use crate::er7::Er7;
use crate::names;
use crate::scene::Scene;
use crate::version::Version;

/// An order by its numbers and what was asked for (code^text^system).
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) set_id: usize,
    pub(crate) placer: String,
    pub(crate) filler: String,
    pub(crate) service: &'static str,
}

/// One observation: type of the value, what was observed, the value and how to judge it.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) kind: &'a str,
    pub(crate) what: String,
    pub(crate) value: String,
    pub(crate) unit: &'a str,
    pub(crate) range: String,
    pub(crate) flag: &'a str,
}

pub(crate) fn orc(out: &mut Er7, scene: &Scene, order: &Order, control: &str) {
    out.segment("ORC")
        .field(1, control)
        .field(2, numbered(scene, &order.placer, "PLACER"))
        .field(3, numbered(scene, &order.filler, "FILLER"))
        .field(5, "CM")
        .field(9, scene.now.minute())
        .field(12, doctor(scene, scene.visit.attending));
}

pub(crate) fn obr(out: &mut Er7, scene: &Scene, order: &Order) {
    out.segment("OBR")
        .field(1, order.set_id)
        .field(2, numbered(scene, &order.placer, "PLACER"))
        .field(3, numbered(scene, &order.filler, "FILLER"))
        .field(4, order.service)
        .field(7, scene.now.plus_seconds(-5_400).second())
        .field(14, scene.now.plus_seconds(-3_600).second())
        .field_if(scene.version < Version::V2_7, 15, "BLD&Blood&99SPC^^^LEFT ARM")
        .field(16, doctor(scene, scene.visit.attending))
        .field(22, scene.now.second())
        .field(24, "LAB")
        .field(25, "F");
}

pub(crate) fn obx(out: &mut Er7, scene: &Scene, set_id: usize, finding: &Finding<'_>) {
    out.segment("OBX")
        .field(1, set_id)
        .field(2, finding.kind)
        .field(3, &finding.what)
        .field(4, set_id)
        .field(5, &finding.value)
        .field(6, finding.unit)
        .field(7, &finding.range)
        .field(8, finding.flag)
        .field(11, "F")
        .field(14, scene.now.plus_seconds(-5_400).second())
        .field_if(scene.version >= Version::V2_3, 16, format_args!("{}", scene.visit.referring.number))
        .field_if(scene.version >= Version::V2_5_1, 23, "LAKE LABORATORY^D^^^^LAKE&2.999.4&ISO^XX^^^L7");
}

/// Some notes about the segment before them.
pub(crate) fn notes(out: &mut Er7, random: &mut Random, count: usize) {
    for set_id in 1..=count {
        out.segment("NTE").field(1, set_id).field(2, "L").field(3, random.pick(&names::SENTENCES));
    }
}

/// A report, one TX line an OBX, some of them empty as senders do.
pub(crate) fn report_lines(
    out: &mut Er7,
    scene: &Scene,
    what: impl Display,
    lines: usize,
    random: &mut Random,
) {
    for set_id in 1..=lines {
        let value = if random.chance(10) { "" } else { random.pick(&names::SENTENCES) };
        out.segment("OBX")
            .field(1, set_id)
            .field(2, "TX")
            .field(3, &what)
            .field_if(!value.is_empty(), 5, value)
            .field(11, "F")
            .field_if(scene.version >= Version::V2_2, 14, scene.now.second());
    }
}

fn numbered(scene: &Scene, number: &str, application: &str) -> String {
    if scene.version < Version::V2_3 {
        return format!("{number}^{application}");
    }
    format!("{number}^{application}^2.999.5^ISO")
}
