//! What a table, view or subquery in a FROM clause offers to paths.

use datafusion::arrow::datatypes::SchemaRef;
use tables::names::{self, Resolved, Segment};

use super::place::Place;
use crate::Result;

/// One relation of a FROM clause, under the name it has there.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    /// The schema, if the relation has no alias and was named with one.
    pub(super) schema: Option<String>,
    pub(super) name: Option<String>,
    pub(super) columns: Columns,
}

/// The columns of a relation.
#[derive(Clone, Debug)]
pub(super) enum Columns {
    /// The staging table, or what passes all of it on.
    Staging(SchemaRef),
    /// The view of one segment.
    Segment(&'static Segment, SchemaRef),
    Known(Vec<(String, Option<Place>)>),
    /// Something this module cannot look into.
    Unknown,
}

/// What a relation says about a column name.
#[derive(Debug)]
pub(super) enum Lookup {
    /// A column, under its actual name; its place if a path can go on from it.
    Column {
        actual: String,
        place: Option<Place>,
    },
    /// The standard has it, but no message has used it.
    Unobserved(Place),
    Missing,
    Unknown,
}

impl Columns {
    pub(super) fn look_up(&self, name: &str) -> Result<Lookup> {
        let lower = name.to_ascii_lowercase();
        match self {
            Self::Unknown => Ok(Lookup::Unknown),
            Self::Known(columns) => Ok(columns.iter().find(|(column, _)| *column == lower).map_or(
                Lookup::Missing,
                |(column, place)| Lookup::Column { actual: column.clone(), place: place.clone() },
            )),
            Self::Staging(schema) => Ok(staging_column(schema, &lower)),
            Self::Segment(segment, schema) => segment_column(segment, schema, &lower),
        }
    }

    /// Every column, for a star.
    pub(super) fn all(&self) -> Option<Vec<(String, Option<Place>)>> {
        let names =
            |schema: &SchemaRef| schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
        let names = match self {
            Self::Unknown => return None,
            Self::Known(columns) => return Some(columns.clone()),
            Self::Staging(schema) | Self::Segment(_, schema) => names(schema),
        };
        let places = names.into_iter().map(|name| match self.look_up(&name) {
            Ok(Lookup::Column { actual, place }) => (actual, place),
            _ => (name, None),
        });
        Some(places.collect())
    }

    /// The names to suggest for one that is missing.
    pub(super) fn suggestions(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.all().unwrap_or_default().into_iter().map(|(name, _)| name).collect();
        match self {
            Self::Staging(_) => {
                names.extend(names::segments().iter().map(|segment| segment.key().to_owned()))
            }
            Self::Segment(segment, _) => {
                names.extend(segment.fields().iter().map(|slot| slot.name().to_owned()))
            }
            Self::Known(_) | Self::Unknown => {}
        }
        names
    }
}

fn staging_column(schema: &SchemaRef, name: &str) -> Lookup {
    let column = schema.column_with_name(name).map(|(_, field)| field.data_type().clone());
    let place = names::segment_of_column(name).map(|(segment, more)| {
        if segment.is_single() && !more {
            Place::segment(segment, column.clone())
        } else {
            Place::segments(segment, column.clone())
        }
    });
    match (column, place) {
        (Some(_), Some(place)) => Lookup::Column { actual: name.to_owned(), place: Some(place) },
        (Some(data_type), None) => {
            Lookup::Column { actual: name.to_owned(), place: Some(Place::plain(data_type)) }
        }
        (None, Some(place)) => Lookup::Unobserved(place),
        (None, None) => Lookup::Missing,
    }
}

fn segment_column(segment: &'static Segment, schema: &SchemaRef, name: &str) -> Result<Lookup> {
    let column = |name: &str| schema.column_with_name(name).map(|(_, field)| field.data_type().clone());
    let slot = match names::resolve_field(segment, name) {
        Resolved::Slot(slot) => slot,
        // The envelope's columns are no fields; of an ambiguous name the error comes from the path itself.
        Resolved::Ambiguous(_) | Resolved::Unknown { .. } => {
            return Ok(match column(name) {
                Some(data_type) => {
                    Lookup::Column { actual: name.to_owned(), place: Some(Place::plain(data_type)) }
                }
                None => match Place::segment(segment, None).name(name) {
                    Err(error) if matches!(names::resolve_field(segment, name), Resolved::Ambiguous(_)) => {
                        return Err(error);
                    }
                    _ => Lookup::Missing,
                },
            });
        }
    };
    Ok(match column(slot.name()) {
        Some(data_type) => Lookup::Column {
            actual: slot.name().to_owned(),
            place: Some(Place::field(slot, Some(data_type))),
        },
        None => Lookup::Unobserved(Place::field(slot, None)),
    })
}
