//! What may stand next in a question: names for a prompt to offer.

use tables::names::{self, Datatype, SEGMENT_INDEXES, Slot};

use crate::{Engine, ops};

impl Engine {
    /// The names that may follow a path which ends with a dot, or the names of tables and columns for an empty one.
    ///
    /// `pid.` has the fields of PID that some version of the standard knows, `segments.` the segments.
    pub fn names_below(&self, path: &str) -> Vec<String> {
        let mut steps: Vec<&str> =
            path.split('.').map(|step| step.split('[').next().unwrap_or(step)).collect();
        // Behind the last dot stands nothing yet.
        steps.pop();
        if steps.first().is_some_and(|first| first.eq_ignore_ascii_case("staging")) {
            steps.remove(0);
        }
        match &steps[..] {
            [] => self.top_names(),
            [first] if first.eq_ignore_ascii_case("ops") => {
                let tables = ops::TABLES.iter().filter_map(|(name, _)| name.split_once('.'));
                tables.map(|(_, table)| table.to_owned()).collect()
            }
            [first] if first.eq_ignore_ascii_case("segments") => {
                names::segments().iter().map(|segment| segment.key().to_owned()).collect()
            }
            [first, rest @ ..] if first.eq_ignore_ascii_case("segments") => below(rest),
            steps => below(steps),
        }
    }

    fn top_names(&self) -> Vec<String> {
        let tables = self.table_list().map(|(name, _)| name).filter(|name| !name.contains('.'));
        let tables = tables.chain(["segments", "ops"]).map(str::to_owned);
        let columns = self.staging_columns();
        tables.chain(columns).collect()
    }
}

fn below(steps: &[&str]) -> Vec<String> {
    let Some((segment, rest)) =
        steps.split_first().and_then(|(first, rest)| Some((names::segment_of_column(first)?.0, rest)))
    else {
        return Vec::new();
    };
    let Some((field, components)) = rest.split_first() else {
        let fields = segment.fields().iter().map(|slot| slot.name().to_owned());
        return SEGMENT_INDEXES.iter().map(|name| (*name).to_owned()).chain(fields).collect();
    };
    let Some(field) = find(segment.fields(), field) else { return Vec::new() };
    let mut datatype: &Datatype = field.datatype();
    for name in components {
        let Some(component) = find(datatype.components(), name) else { return Vec::new() };
        datatype = component.datatype();
    }
    datatype.components().iter().map(|slot| slot.name().to_owned()).collect()
}

fn find(slots: &'static [Slot], name: &str) -> Option<&'static Slot> {
    slots.iter().find(|slot| slot.name().eq_ignore_ascii_case(name))
}
