//! Which relations a name may come from: the FROM clauses around it, innermost first.

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Query, Select, SelectItem,
    SetExpr, TableAlias, TableFactor, TableWithJoins,
};

use super::Tables;
use super::place::Place;
use super::relation::{Columns, Lookup, Relation};
use super::sql::{Access, Path, quoted};
use crate::Result;
use crate::functions::AT_LEAST_ONE;
use crate::nearest::{is_own_segment, unknown, unknown_alone};

/// What one query, SELECT or lambda brings into sight.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) relations: Vec<Relation>,
    /// Names that the SELECT list gives, which GROUP BY and ORDER BY may use.
    pub(super) given_names: Vec<String>,
    /// Parameters of a lambda, each with what it stands for, if that is known.
    pub(super) parameters: Vec<(String, Option<Place>)>,
    pub(super) common_tables: Vec<(String, Columns)>,
}

/// A path that was understood.
#[derive(Debug)]
pub(super) struct Resolution {
    /// The column as it is to be written.
    pub(super) column: Vec<Ident>,
    pub(super) place: Place,
}

/// The frames around the place that is being looked at, the innermost last.
pub(super) struct Scope<'t> {
    tables: &'t dyn Tables,
    pub(super) frames: Vec<Frame>,
}

impl<'t> Scope<'t> {
    pub(super) fn new(tables: &'t dyn Tables) -> Self {
        Self { tables, frames: Vec::new() }
    }

    /// Finds what a path means; `None` when it is best left as it stands.
    pub(super) fn resolve(&self, path: &Path) -> Result<Option<Resolution>> {
        let mut opaque = self.frames.iter().all(|frame| frame.relations.is_empty());
        for frame in self.frames.iter().rev() {
            let first = path.names[0].value.to_ascii_lowercase();
            if let Some((_, place)) = frame.parameters.iter().find(|(name, _)| *name == first) {
                return match place {
                    Some(place) if path.len() > 1 && !path.is_plain => {
                        Ok(below(place.clone(), &path.names[1..], &path.accesses)?
                            .map(|place| Resolution { column: path.names[..1].to_vec(), place: place.end() }))
                    }
                    _ => Ok(None),
                };
            }
            if path.len() == 1 && frame.given_names.contains(&first) {
                return Ok(None);
            }
            match self.resolve_in(frame, path)? {
                Found::Resolved(resolution) => return Ok(Some(resolution)),
                Found::AsItStands => return Ok(None),
                Found::Opaque => opaque = true,
                Found::Nothing => {}
            }
        }
        if opaque {
            return Ok(None);
        }
        let suggestions: Vec<String> = self
            .frames
            .iter()
            .flat_map(|frame| frame.relations.iter().flat_map(|relation| relation.columns.suggestions()))
            .collect();
        let suggestions: Vec<&str> = suggestions.iter().map(String::as_str).collect();
        let name = &path.names[0].value;
        Err(if path.len() == 1 || is_own_segment(&name.to_ascii_lowercase()) {
            unknown_alone(name, &suggestions)
        } else {
            unknown(name, "these tables", &suggestions)
        })
    }

    /// Whether a relation in sight has a column of exactly this name.
    pub(super) fn has_column(&self, path: &Path) -> bool {
        let relations = self.frames.iter().rev().flat_map(|frame| &frame.relations);
        relations.into_iter().any(|relation| {
            let position = relation.qualifier_length(path).unwrap_or(0);
            let name = path.names.get(position).filter(|_| path.len() == position + 1);
            name.is_some_and(|name| {
                matches!(relation.columns.look_up(&name.value), Ok(Lookup::Column { .. }))
            })
        })
    }

    fn resolve_in(&self, frame: &Frame, path: &Path) -> Result<Found> {
        for relation in &frame.relations {
            if let Some(length) = relation.qualifier_length(path) {
                return match relation.columns.look_up(&path.names[length].value)? {
                    Lookup::Missing => {
                        let suggestions = relation.columns.suggestions();
                        let suggestions: Vec<&str> = suggestions.iter().map(String::as_str).collect();
                        Err(unknown(&path.names[length].value, &path.names[length - 1].value, &suggestions))
                    }
                    lookup => follow(lookup, path, length, &relation.columns),
                };
            }
        }
        let (mut opaque, mut unobserved) = (false, None);
        for relation in &frame.relations {
            match relation.columns.look_up(&path.names[0].value)? {
                Lookup::Unknown => opaque = true,
                Lookup::Missing => {}
                Lookup::Unobserved(place) => unobserved = unobserved.or(Some(place)),
                lookup @ Lookup::Column { .. } => return follow(lookup, path, 0, &relation.columns),
            }
        }
        match unobserved {
            // A relation that cannot be looked into may have the column itself.
            Some(place) if !opaque => follow(Lookup::Unobserved(place), path, 0, &Columns::Unknown),
            _ if opaque => Ok(Found::Opaque),
            _ => Ok(Found::Nothing),
        }
    }

    /// The relations of a FROM clause.
    pub(super) fn relations_of(&mut self, from: &[TableWithJoins]) -> Vec<Relation> {
        let mut relations = Vec::new();
        for table in from {
            relations.push(self.relation_of(&table.relation));
            for join in &table.joins {
                relations.push(self.relation_of(&join.relation));
            }
        }
        relations
    }

    fn relation_of(&mut self, factor: &TableFactor) -> Relation {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => self.named(name, alias.as_ref()),
            TableFactor::Derived { subquery, alias, .. } => renamed(self.outputs(subquery), alias.as_ref()),
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                let inner = self.relations_of(std::slice::from_ref(table_with_joins));
                let all: Option<Vec<_>> = inner.iter().map(|relation| relation.columns.all()).collect();
                let columns = all.map_or(Columns::Unknown, |columns| Columns::Known(columns.concat()));
                Relation { schema: None, name: None, columns }
            }
            _ => Relation { schema: None, name: None, columns: Columns::Unknown },
        }
    }

    fn named(&self, name: &ObjectName, alias: Option<&TableAlias>) -> Relation {
        let parts: Vec<String> = name
            .0
            .iter()
            .filter_map(|part| part.as_ident())
            .map(|name| name.value.to_ascii_lowercase())
            .collect();
        let (schema, table) = match &parts[..] {
            [table] => (None, table.clone()),
            [.., schema, table] => (Some(schema.clone()), table.clone()),
            [] => (None, String::new()),
        };
        let common =
            self.frames.iter().rev().flat_map(|frame| &frame.common_tables).find(|(name, _)| *name == table);
        let columns = match (common, &schema) {
            (Some((_, columns)), None) => columns.clone(),
            _ => self.table_columns(schema.as_deref(), &table),
        };
        match alias {
            Some(alias) => renamed(columns, Some(alias)),
            None => Relation { schema, name: Some(table), columns },
        }
    }

    fn table_columns(&self, schema: Option<&str>, table: &str) -> Columns {
        let Some(columns) = self.tables.columns(schema, table) else { return Columns::Unknown };
        match (schema, tables::names::segment(table)) {
            (Some("segments"), Some(segment)) => Columns::Segment(segment, columns),
            _ if table == "staging" => Columns::Staging(columns),
            _ => {
                let place = |data_type| Some(Place::plain(data_type));
                let fields = columns.fields().iter();
                Columns::Known(
                    fields.map(|field| (field.name().clone(), place(field.data_type().clone()))).collect(),
                )
            }
        }
    }

    /// The frame of a query: its common tables, and what its ORDER BY may speak of.
    pub(super) fn push_query(&mut self, query: &Query) {
        self.frames.push(Frame::default());
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let columns = renamed(self.outputs(&table.query), Some(&table.alias)).columns;
            if let Some(frame) = self.frames.last_mut() {
                frame.common_tables.push((table.alias.name.value.to_ascii_lowercase(), columns));
            }
        }
        if let SetExpr::Select(select) = query.body.as_ref() {
            self.fill_frame(select);
        }
    }

    /// The frame of a SELECT.
    pub(super) fn push_select(&mut self, select: &Select) {
        self.frames.push(Frame::default());
        self.fill_frame(select);
    }

    fn fill_frame(&mut self, select: &Select) {
        let relations = self.relations_of(&select.from);
        let given_names = select.projection.iter().filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.to_ascii_lowercase()),
            SelectItem::UnnamedExpr(expression) => {
                Path::read(expression).filter(|path| path.len() > 1).and_then(|path| path.last_name())
            }
            _ => None,
        });
        let given_names = given_names.collect();
        if let Some(frame) = self.frames.last_mut() {
            frame.relations = relations;
            frame.given_names = given_names;
        }
    }

    /// The columns that a query gives.
    fn outputs(&mut self, query: &Query) -> Columns {
        self.push_query(query);
        let columns = match query.body.as_ref() {
            SetExpr::Select(select) => self.select_outputs(select),
            SetExpr::Query(query) => self.outputs(query),
            SetExpr::SetOperation { left, .. } => match left.as_ref() {
                SetExpr::Select(select) => {
                    self.push_select(select);
                    let columns = self.select_outputs(select);
                    self.frames.pop();
                    columns
                }
                _ => Columns::Unknown,
            },
            _ => Columns::Unknown,
        };
        self.frames.pop();
        columns
    }

    fn select_outputs(&self, select: &Select) -> Columns {
        let relations = self.frames.last().map(|frame| frame.relations.as_slice()).unwrap_or_default();
        if let ([SelectItem::Wildcard(_)], [relation]) = (&select.projection[..], relations) {
            return relation.columns.clone();
        }
        let mut columns = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::Wildcard(_) => {
                    for relation in relations {
                        match relation.columns.all() {
                            Some(all) => columns.extend(all),
                            None => return Columns::Unknown,
                        }
                    }
                }
                SelectItem::UnnamedExpr(expression) => {
                    let name = Path::read(expression).and_then(|path| path.last_name());
                    let name = name.unwrap_or_else(|| expression.to_string().to_ascii_lowercase());
                    columns.push((name, self.output_place(expression)));
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    columns.push((alias.value.to_ascii_lowercase(), self.output_place(expr)));
                }
                _ => return Columns::Unknown,
            }
        }
        Columns::Known(columns)
    }

    /// What a column is that is named as it is written.
    fn column_place(&self, path: &Path) -> Option<Place> {
        self.frames.last()?.relations.iter().find_map(|relation| {
            let position = relation.qualifier_length(path).unwrap_or(0);
            match relation.columns.look_up(&path.names.get(position)?.value) {
                Ok(Lookup::Column { place, .. }) if path.len() == position + 1 => place,
                _ => None,
            }
        })
    }

    /// What a value made by an expression is, when it is a path, or something of the list at one.
    pub(super) fn output_place(&self, expression: &Expr) -> Option<Place> {
        if let Some(path) = Path::read(expression) {
            return match self.resolve(&path).ok()? {
                Some(resolution) => Some(resolution.place.end().as_column()),
                None => self.column_place(&path),
            };
        }
        let Expr::Function(function) = expression else { return None };
        let FunctionArguments::List(arguments) = &function.args else { return None };
        let [FunctionArg::Unnamed(FunctionArgExpr::Expr(list)), ..] = &arguments.args[..] else {
            return None;
        };
        match function.name.to_string().to_ascii_lowercase().as_str() {
            "unnest" | "array_element" => self.output_place(list).and_then(|place| place.element()),
            AT_LEAST_ONE | "array_filter" | "array_slice" => self.output_place(list),
            _ => None,
        }
    }
}

enum Found {
    Resolved(Resolution),
    /// A column that is right as it is written.
    AsItStands,
    Opaque,
    Nothing,
}

impl Relation {
    /// How many names at the start of the path name this relation, if a column follows them.
    fn qualifier_length(&self, path: &Path) -> Option<usize> {
        let is = |position: usize, name: &Option<String>| {
            let written = path.names.get(position).map(|name| name.value.to_ascii_lowercase());
            written.is_some() && written == *name
        };
        let length = if is(0, &self.schema) && is(1, &self.name) {
            2
        } else if is(0, &self.name) {
            1
        } else {
            return None;
        };
        (path.names.len() > length).then_some(length)
    }
}

/// Follows the rest of a path from a column; the names before `position` are the relation's.
fn follow(lookup: Lookup, path: &Path, position: usize, columns: &Columns) -> Result<Found> {
    let (actual, place) = match lookup {
        Lookup::Column { actual, place: Some(place) } => (actual, place),
        Lookup::Unobserved(place) => (path.names[position].value.to_ascii_lowercase(), place),
        Lookup::Column { place: None, .. } | Lookup::Unknown => return Ok(Found::AsItStands),
        Lookup::Missing => return Ok(Found::Nothing),
    };
    let is_bare = path.len() == position + 1;
    // The columns of a segment's view are its fields, and a path may end on one of them.
    let ends = !is_bare || matches!(columns, Columns::Segment(..));
    let is_written_so = is_bare && path.names[position].value.to_ascii_lowercase() == actual;
    if place.is_observed() && (path.is_plain || (is_written_so && !(ends && place.goes_on()))) {
        return Ok(Found::AsItStands);
    }
    let Some(place) = below(place, &path.names[position + 1..], &path.accesses)? else {
        return Ok(Found::AsItStands);
    };
    let mut column = path.names[..position].to_vec();
    column.push(quoted(&actual));
    Ok(Found::Resolved(Resolution { column, place: if ends { place.end() } else { place } }))
}

/// Where names and then accesses lead; `None` if one of them is plain access to a structure.
pub(super) fn below(mut place: Place, names: &[Ident], accesses: &[Access]) -> Result<Option<Place>> {
    for name in names {
        place = place.name(&name.value)?;
    }
    for access in accesses {
        place = match access {
            Access::Name(name) => place.name(&name.value)?,
            Access::Index(index) => place.index(index),
            Access::Plain(_) => return Ok(None),
        };
    }
    Ok(Some(place))
}

fn renamed(columns: Columns, alias: Option<&TableAlias>) -> Relation {
    let Some(alias) = alias else { return Relation { schema: None, name: None, columns } };
    let columns = match (columns, &alias.columns[..]) {
        (columns, []) => columns,
        (columns, names) => match columns.all() {
            Some(all) => {
                let mut all: Vec<_> = all;
                for ((name, _), alias) in all.iter_mut().zip(names) {
                    *name = alias.name.value.to_ascii_lowercase();
                }
                Columns::Known(all)
            }
            None => Columns::Unknown,
        },
    };
    Relation { schema: None, name: Some(alias.name.value.to_ascii_lowercase()), columns }
}
