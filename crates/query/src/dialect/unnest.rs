//! `FROM staging CROSS JOIN UNNEST(obx) AS t(o)`, as a subquery that unnests in its SELECT list.
//!
//! DataFusion has no lateral joins, but it unnests in a SELECT list.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, Ident, Join, JoinOperator, OrderBy, Select, TableAlias, TableFactor,
    TableWithJoins, VisitMut, VisitorMut,
};

use super::query;
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
}

impl Unnested {
    /// All that the relation has, and one column for each list.
    fn subquery(&self, relation: &TableFactor) -> String {
        let given: Vec<&Ident> = self.alias.columns.iter().map(|column| &column.name).collect();
        let mut items = vec!["*".to_owned()];
        for (position, list) in self.lists.iter().enumerate() {
            // Without names, a single list goes by the name of the table.
            let name = given.get(position).copied().unwrap_or(&self.alias.name);
            items.push(format!("unnest({list}) AS {name}"));
        }
        if self.ordinality
            && let (Some(list), name) = (self.lists.first(), given.get(self.lists.len()))
        {
            let name = name.map_or_else(|| "ordinality".to_owned(), ToString::to_string);
            items.push(format!("unnest(range(1, CAST(cardinality({list}) AS BIGINT) + 1)) AS {name}"));
        }
        format!("SELECT {} FROM {relation}", items.join(", "))
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
            let Some(unnested) = unnested(&from[at].joins[join].relation)? else { continue };
            let Join { join_operator, .. } = from[at].joins.remove(join);
            if !matches!(join_operator, JoinOperator::CrossJoin(_)) {
                return Err(Error::new("UNNEST is joined with CROSS JOIN only").with_hint(
                    "rows without an element: UNION ALL those WHERE cardinality(…) = 0, or ask the view segments.…",
                ));
            }
            only_one_before(&from[at].joins[..join])?;
            return Ok(Some((at, unnested)));
        }
    }
    Ok(None)
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
    Ok(Some(Unnested { lists, alias, ordinality }))
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
