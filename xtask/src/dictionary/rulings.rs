//! What was ruled by hand for components that are not called the same in an older shape and the canonical one.

use std::path::Path;

use super::tsv::{Table, number};
use super::versions::parse_range;

/// What becomes of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// It means the same under another name.
    Same,
    Unmapped,
    /// Component, and subcomponent or 0.
    Component(u8, u8),
}

#[derive(Debug)]
struct Ruling {
    from: String,
    to: String,
    /// `PID-3` or `*`.
    position: String,
    versions: (usize, usize),
    component: u8,
    target: Target,
}

#[derive(Debug)]
pub(crate) struct Rulings(Vec<Ruling>);

const COLUMNS: [&str; 7] = ["from", "to", "position", "versions", "component", "target", "reason"];

impl Rulings {
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        Table::read(folder, "rulings.tsv", &COLUMNS)?.parse(parse).map(Self)
    }

    /// The ruling for a component: one for the position before one for all.
    pub(crate) fn find(
        &self,
        from: &str,
        to: &str,
        position: &str,
        version: usize,
        component: u8,
    ) -> Option<Target> {
        let applies = |ruling: &&Ruling, wanted: &str| {
            (ruling.from.as_str(), ruling.to.as_str(), ruling.position.as_str(), ruling.component)
                == (from, to, wanted, component)
                && (ruling.versions.0..=ruling.versions.1).contains(&version)
        };
        let specific = self.0.iter().find(|ruling| applies(ruling, position));
        specific.or_else(|| self.0.iter().find(|ruling| applies(ruling, "*"))).map(|ruling| ruling.target)
    }
}

fn parse(row: &[String]) -> Result<Ruling, String> {
    let target = match row[5].as_str() {
        "=" => Target::Same,
        "-" => Target::Unmapped,
        place => match place.split_once('.') {
            Some((component, subcomponent)) => Target::Component(number(component)?, number(subcomponent)?),
            None => Target::Component(number(place)?, 0),
        },
    };
    Ok(Ruling {
        from: row[0].clone(),
        to: row[1].clone(),
        position: row[2].clone(),
        versions: parse_range(&row[3])?,
        component: number(&row[4])?,
        target,
    })
}
