//! `FROM staging CROSS JOIN UNNEST(obx) AS t(o)`, as a subquery that unnests in its SELECT list.
//!
//! DataFusion has no lateral joins, but it unnests in a SELECT list. LEFT JOIN keeps the rows whose list has no
//! element: there one NULL is unnested.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, Join, JoinConstraint, JoinOperator, OrderBy, Select,
    TableAlias, TableFactor, TableWithJoins, Value, VisitMut, VisitorMut,
};

use super::query;
use crate::functions::AT_LEAST_ONE;
use crate::{Error, Result};

/// Rewrites every UNNEST of a FROM clause, and what refers to it.
pub(super) fn rewrite(select: &mut Select, mut order_by: Option<&mut OrderBy>) -> Result<()> {
    while let Some((at, unnested)) = take_unnest(&mut select.from)? {
        let relation = &mut select.from[at].relation;
        let Some(name) = name_of(relation) else {
            return Err(Error::new("UNNEST needs a table or a named subquery before it"));
        };
        let text = format!("SELECT * FROM ({}) AS {name}", unnested.subquery(relation));
        let mut outer = query(&text)?;
        let datafusion::sql::sqlparser::ast::SetExpr::Select(outer) = outer.body.as_mut() else { continue };
        *relation = outer.from.remove(0).relation;
        let mut rename = Rename { from: unnested.alias.name.value.to_ascii_lowercase(), to: name };
        let _ = select.visit(&mut rename);
        if let Some(order_by) = &mut order_by {
            let _ = order_by.visit(&mut rename);
        }
    }
    Ok(())
}

struct Unnested {
    lists: Vec<Expr>,
    alias: TableAlias,
    ordinality: bool,
    /// Whether a row whose lists have no element stays.
    keeps_all: bool,
}

impl Unnested {
    /// All that the relation has, and one column for each list.
    fn subquery(&self, relation: &TableFactor) -> String {
        let given: Vec<&Ident> = self.alias.columns.iter().map(|column| &column.name).collect();
        let mut items = vec!["*".to_owned()];
        for (position, list) in self.lists.iter().enumerate() {
            // Without names, a single list goes by the name of the table.
            let name = given.get(position).copied().unwrap_or(&self.alias.name);
            items.push(format!("unnest({}) AS {name}", self.unnested(&list.to_string())));
        }
        if self.ordinality
            && let (Some(list), name) = (self.lists.first(), given.get(self.lists.len()))
        {
            let name = name.map_or_else(|| "ordinality".to_owned(), ToString::to_string);
            let numbers = format!("range(1, CAST(cardinality({list}) AS BIGINT) + 1)");
            items.push(format!("unnest({}) AS {name}", self.unnested(&numbers)));
        }
        format!("SELECT {} FROM {relation}", items.join(", "))
    }

    fn unnested(&self, list: &str) -> String {
        if self.keeps_all { format!("{AT_LEAST_ONE}({list})") } else { list.to_owned() }
    }
}

/// The first UNNEST of the clause, taken out of it, with the position of what stands before it.
fn take_unnest(from: &mut Vec<TableWithJoins>) -> Result<Option<(usize, Unnested)>> {
    for at in 0..from.len() {
        if at > 0
            && from[at].joins.is_empty()
            && let Some(unnested) = unnested(&from[at].relation)?
        {
            from.remove(at);
            only_one_before(&from[at - 1].joins)?;
            return Ok(Some((at - 1, unnested)));
        }
        for join in 0..from[at].joins.len() {
            let Some(mut unnested) = unnested(&from[at].joins[join].relation)? else { continue };
            let Join { join_operator, .. } = from[at].joins.remove(join);
            unnested.keeps_all = keeps_all(&join_operator)?;
            only_one_before(&from[at].joins[..join])?;
            return Ok(Some((at, unnested)));
        }
    }
    Ok(None)
}

/// Whether a join with UNNEST keeps the rows whose list has no element.
fn keeps_all(join: &JoinOperator) -> Result<bool> {
    match join {
        JoinOperator::CrossJoin(_) => Ok(false),
        JoinOperator::Join(JoinConstraint::On(on)) | JoinOperator::Inner(JoinConstraint::On(on))
            if is_true(on) =>
        {
            Ok(false)
        }
        JoinOperator::Left(JoinConstraint::On(on)) | JoinOperator::LeftOuter(JoinConstraint::On(on))
            if is_true(on) =>
        {
            Ok(true)
        }
        _ => Err(Error::new("UNNEST is joined with CROSS JOIN, or with LEFT JOIN … ON TRUE")
            .with_hint("what its elements must be like stands in WHERE")),
    }
}

fn is_true(condition: &Expr) -> bool {
    matches!(condition, Expr::Value(value) if value.value == Value::Boolean(true))
}

fn only_one_before(joins: &[Join]) -> Result<()> {
    if joins.is_empty() {
        return Ok(());
    }
    Err(Error::new("UNNEST after a join")
        .with_hint("put the UNNEST directly after its table, or the join into a subquery with a name"))
}

fn unnested(relation: &TableFactor) -> Result<Option<Unnested>> {
    let (lists, alias, ordinality) = match relation {
        TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => {
            (array_exprs.clone(), alias, *with_ordinality)
        }
        TableFactor::Table { name, args: Some(arguments), alias, with_ordinality, .. }
            if name.to_string().eq_ignore_ascii_case("unnest") =>
        {
            let lists = arguments.args.iter().filter_map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(list)) => Some(list.clone()),
                _ => None,
            });
            (lists.collect(), alias, *with_ordinality)
        }
        _ => return Ok(None),
    };
    let Some(alias) = alias.clone() else {
        return Err(
            Error::new("UNNEST needs a name").with_hint("UNNEST(obx) AS t(o), then o.set_id or t.o.set_id")
        );
    };
    if lists.len() > 1 && alias.columns.len() < lists.len() {
        return Err(
            Error::new("UNNEST of several lists needs a name for each").with_hint("UNNEST(a, b) AS t(x, y)")
        );
    }
    Ok(Some(Unnested { lists, alias, ordinality, keeps_all: false }))
}

fn name_of(relation: &TableFactor) -> Option<Ident> {
    match relation {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.clone())
        }
        TableFactor::Table { name, alias: None, .. } => {
            name.0.last().and_then(|part| part.as_ident()).cloned()
        }
        _ => None,
    }
}

/// `t.o` is now a column of the relation that stood before the UNNEST.
struct Rename {
    from: String,
    to: Ident,
}

impl VisitorMut for Rename {
    type Break = ();

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(names) = expression
            && names[0].value.to_ascii_lowercase() == self.from
        {
            names[0] = self.to.clone();
        }
        ControlFlow::Continue(())
    }
}
