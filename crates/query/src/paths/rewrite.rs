//! Walks over a statement and replaces its paths.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, OrderByKind,
    Query, Select, SelectItem, SetExpr, Value, VisitorMut,
};

use super::Tables;
use super::place::Place;
use super::scope::{Frame, Scope, below};
use super::sql::{Path, behind_call, call, last_name, plain, quoted, write, write_from};
use crate::functions::RAW;
use crate::{Error, Result};

pub(super) struct Rewriter<'t> {
    scope: Scope<'t>,
    /// For each open SELECT, how its unnamed items were written.
    written: Vec<Vec<Option<Written>>>,
    /// For each open call that takes a lambda, what the elements of its list are.
    elements: Vec<Option<Place>>,
}

/// An item of a SELECT list as the person wrote it.
struct Written {
    text: String,
    /// The last name, if the item is a path.
    last_name: Option<String>,
}

impl<'t> Rewriter<'t> {
    pub(super) fn new(tables: &'t dyn Tables) -> Self {
        Self { scope: Scope::new(tables), written: Vec::new(), elements: Vec::new() }
    }

    fn replace(&mut self, expression: &mut Expr) -> Result<()> {
        if let Expr::BinaryOp { left, op, right } = expression
            && is_comparison(op)
        {
            self.refuse_list_against_text(left, right)?;
            self.refuse_list_against_text(right, left)?;
        }
        if let Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } = expression {
            self.refuse_list_against_text(expr, pattern)?;
        }
        self.look_at_numbers_only(expression)?;
        self.follow_call(expression)?;
        let Some(path) = Path::read(expression) else { return Ok(()) };
        if let Some(raw) = self.raw(&path) {
            *expression = raw;
            return Ok(());
        }
        match self.scope.resolve(&path)? {
            Some(resolution) => *expression = write(&resolution.column, &resolution.place),
            None if !path.accesses.is_empty() => *expression = path.as_plain(),
            None => self.replace_parameter(expression, &path),
        }
        Ok(())
    }

    /// Dots behind a call: `element_at(obx, -1).set_id`.
    fn follow_call(&self, expression: &mut Expr) -> Result<()> {
        let Some((call, accesses)) = behind_call(expression) else { return Ok(()) };
        let place = match self.scope.output_place(call) {
            Some(place) => below(place, &[], &accesses)?,
            None => None,
        };
        *expression = match place {
            Some(place) => write_from(call.clone(), &place.end()),
            None => plain(call.clone(), &accesses),
        };
        Ok(())
    }

    /// `raw` of a table that says where each message lies: its bytes.
    fn raw(&self, path: &Path) -> Option<Expr> {
        let is_raw = path.accesses.is_empty() && path.last_name().is_some_and(|name| name == "raw");
        if !is_raw {
            return None;
        }
        let beside = |name: &str| {
            let mut beside = path.clone();
            *beside.names.last_mut()? = Ident::new(name);
            self.scope.has_column(&beside).then(|| beside.as_plain())
        };
        if self.scope.has_column(path) {
            return None;
        }
        Some(call(RAW, vec![beside("raw_key")?, beside("raw_offset")?, beside("raw_length")?]))
    }

    /// Whether there is a segment, and how often, is told by its number alone: nothing else of it is read.
    fn look_at_numbers_only(&self, expression: &mut Expr) -> Result<()> {
        let segment = match expression {
            Expr::IsNull(segment) | Expr::IsNotNull(segment) => segment.as_mut(),
            Expr::Function(function) if is_count_of_elements(&function.name) => match &mut function.args {
                FunctionArguments::List(list) => match &mut list.args[..] {
                    [FunctionArg::Unnamed(FunctionArgExpr::Expr(segment))] => segment,
                    _ => return Ok(()),
                },
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
        let Some(mut path) = Path::read(segment).filter(|path| path.accesses.is_empty()) else {
            return Ok(());
        };
        let is_segment =
            path.last_name().is_some_and(|name| tables::names::segment_of_column(&name).is_some());
        // Of two names the second may be a field of the same name as a segment.
        if !is_segment || path.len() > 2 {
            return Ok(());
        }
        path.names.push(Ident::new(tables::names::SEGMENT_INDEXES[0]));
        if let Ok(Some(resolution)) = self.scope.resolve(&path)
            && resolution.place.is_observed()
        {
            *segment = write(&resolution.column, &resolution.place);
        }
        Ok(())
    }

    /// Fields of a lambda's parameter are reached by brackets.
    fn replace_parameter(&self, expression: &mut Expr, path: &Path) {
        let first = path.names[0].value.to_ascii_lowercase();
        let parameters = self.scope.frames.iter().flat_map(|frame| &frame.parameters);
        let is_parameter = parameters.into_iter().any(|(name, _)| *name == first);
        if is_parameter && path.names.len() > 1 {
            let mut access = path.clone();
            access.accesses = access.names.split_off(1).into_iter().map(super::sql::Access::Name).collect();
            *expression = access.as_plain();
        }
    }

    fn refuse_list_against_text(&self, list: &Expr, text: &Expr) -> Result<()> {
        let is_text = matches!(text, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_) | Value::Number(..)));
        let Some(path) = Path::read(list).filter(|path| is_text && path.len() > 1) else { return Ok(()) };
        let Some(resolution) = self.scope.resolve(&path)? else { return Ok(()) };
        if !resolution.place.is_list() {
            return Ok(());
        }
        let hint = if resolution.place.each_from().is_some() {
            // It is the segment that repeats.
            let first = path.names[resolution.column.len() - 1].value.to_ascii_lowercase();
            let rows = tables::names::segment_of_column(&first).map(|(segment, _)| {
                let key = segment.key();
                format!("ask segments.{key}, which has one row for each {}; or ", key.to_ascii_uppercase())
            });
            format!(
                "{}use any_match({list}, x -> x = …); or say which one: {first}[1]…",
                rows.unwrap_or_default()
            )
        } else {
            let element = resolution.place.element();
            match element.as_ref().and_then(|element| element.first_name()) {
                Some(part) => {
                    format!("say which one: {list}[1].{part} = …; or any_match({list}, x -> x.{part} = …)")
                }
                None => format!("say which one: {list}[1] = …; or any_match({list}, x -> x = …)"),
            }
        };
        Err(Error::new(format!("{list} is a list, and cannot be compared with one value")).with_hint(hint))
    }

    /// What ORDER BY repeats from the SELECT list is taken from there, as DISTINCT demands.
    fn order_by_items(query: &mut Query) {
        let SetExpr::Select(select) = query.body.as_ref() else { return };
        let named: Vec<(String, String)> = select
            .projection
            .iter()
            .filter_map(|item| match item {
                SelectItem::UnnamedExpr(expression) => {
                    let name = Path::read(expression).filter(|path| path.len() > 1)?.last_name()?;
                    Some((expression.to_string().to_ascii_lowercase(), name))
                }
                _ => None,
            })
            .collect();
        let Some(OrderByKind::Expressions(orders)) =
            query.order_by.as_mut().map(|order_by| &mut order_by.kind)
        else {
            return;
        };
        for order in orders {
            let text = order.expr.to_string().to_ascii_lowercase();
            let Some((_, name)) = named.iter().find(|(item, _)| *item == text) else { continue };
            if named.iter().filter(|(_, other)| other == name).count() == 1 {
                order.expr = Expr::Identifier(quoted(name));
            }
        }
    }

    fn remember_items(&mut self, select: &Select) {
        let written = select.projection.iter().map(|item| match item {
            SelectItem::UnnamedExpr(expression) => Some(Written {
                text: expression.to_string(),
                last_name: match Path::read(expression) {
                    Some(path) => path.last_name(),
                    None => behind_call(expression).and_then(|(_, accesses)| last_name(&accesses)),
                },
            }),
            _ => None,
        });
        self.written.push(written.collect());
    }

    /// Gives rewritten items the names a person expects.
    fn name_items(&mut self, select: &mut Select) {
        let Some(written) = self.written.pop() else { return };
        let mut taken: HashSet<String> = HashSet::new();
        for (item, written) in select.projection.iter_mut().zip(written) {
            match (item, written) {
                (SelectItem::ExprWithAlias { alias, .. }, _) => {
                    taken.insert(alias.value.to_ascii_lowercase());
                }
                (item @ SelectItem::UnnamedExpr(_), Some(written)) => {
                    let SelectItem::UnnamedExpr(expression) = &*item else { continue };
                    if expression.to_string() == written.text {
                        taken.extend(written.last_name);
                        continue;
                    }
                    let short = written.last_name.unwrap_or_else(|| written.text.clone());
                    let name = if taken.contains(&short) { written.text } else { short };
                    taken.insert(name.clone());
                    *item = SelectItem::ExprWithAlias { expr: expression.clone(), alias: quoted(&name) };
                }
                _ => {}
            }
        }
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        self.scope.push_query(query);
        Self::order_by_items(query);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.scope.frames.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        self.scope.push_select(select);
        self.remember_items(select);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        self.name_items(select);
        self.scope.frames.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Error> {
        if let Expr::Lambda(lambda) = expression {
            let element = self.elements.last().cloned().flatten();
            let names = lambda.params.iter().map(|parameter| parameter.name.value.to_ascii_lowercase());
            // The second parameter, if there is one, is the number of the element.
            let places = std::iter::once(element).chain(std::iter::repeat(None));
            self.scope.frames.push(Frame { parameters: names.zip(places).collect(), ..Frame::default() });
            return ControlFlow::Continue(());
        }
        if let Some(list) = list_of_lambda(expression) {
            self.elements.push(self.scope.output_place(list).and_then(|list| list.element()));
        }
        match self.replace(expression) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn post_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Error> {
        if matches!(expression, Expr::Lambda(_)) {
            self.scope.frames.pop();
        }
        if list_of_lambda(expression).is_some() {
            self.elements.pop();
        }
        ControlFlow::Continue(())
    }
}

/// The list whose elements a call gives to a lambda.
fn list_of_lambda(call: &Expr) -> Option<&Expr> {
    let Expr::Function(function) = call else { return None };
    let FunctionArguments::List(arguments) = &function.args else { return None };
    match &arguments.args[..] {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(list)),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Lambda(_))),
        ] => Some(list),
        _ => None,
    }
}

fn is_count_of_elements(function: &ObjectName) -> bool {
    let name = function.to_string();
    ["cardinality", "array_length"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn is_comparison(operator: &BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq
    )
}
