//! Segments shared by many message types, each with the fields its version knows.

mod composites;
mod header;
mod money;
mod patient;
mod result;
mod visit;

pub(crate) use composites::*;
pub(crate) use header::{evn, msh};
pub(crate) use money::{gt1, in1};
pub(crate) use patient::{al1, dg1, nk1, pd1, pid};
pub(crate) use result::{Finding, Order, notes, obr, obx, orc, report_lines};
pub(crate) use visit::{pv1, pv2, site_segments};
