//! Writing places as SQL expressions, and reading paths out of them.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Subscript, Value,
};

use super::place::{Place, Step};
use crate::pluck;

/// A path as it stands in a statement: names, then dots and brackets in any order.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) names: Vec<Ident>,
    pub(super) accesses: Vec<Access>,
    /// Brackets with a name in them make the whole path plain structure access.
    pub(super) is_plain: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Access {
    Name(Ident),
    Index(Expr),
    /// Brackets with a name, or with a slice.
    Plain(Subscript),
}

impl Path {
    pub(super) fn read(expression: &Expr) -> Option<Self> {
        match expression {
            Expr::Identifier(name) => {
                Some(Self { names: vec![name.clone()], accesses: Vec::new(), is_plain: false })
            }
            Expr::CompoundIdentifier(names) => {
                Some(Self { names: names.clone(), accesses: Vec::new(), is_plain: false })
            }
            Expr::Nested(inner) => Self::read(inner).filter(|path| path.len() > 1),
            Expr::CompoundFieldAccess { root, access_chain } => {
                let mut path = Self::read(root)?;
                for access in access_chain {
                    path.accesses.push(match access {
                        AccessExpr::Dot(Expr::Identifier(name)) => Access::Name(name.clone()),
                        AccessExpr::Subscript(Subscript::Index { index }) if !is_text(index) => {
                            Access::Index(index.clone())
                        }
                        AccessExpr::Subscript(subscript) => {
                            path.is_plain = true;
                            Access::Plain(subscript.clone())
                        }
                        AccessExpr::Dot(_) => return None,
                    });
                }
                Some(path)
            }
            _ => None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len() + self.accesses.len()
    }

    /// The last name in the path, in lower case: what people expect a column of it to be called.
    pub(super) fn last_name(&self) -> Option<String> {
        let last = self.accesses.iter().rev().find_map(|access| match access {
            Access::Name(name) => Some(name),
            Access::Plain(Subscript::Index { index: Expr::Value(value) }) => match &value.value {
                Value::SingleQuotedString(_) => None,
                _ => None,
            },
            _ => None,
        });
        last.or(self.names.last()).map(|name| name.value.to_ascii_lowercase())
    }

    /// The path with every dot behind a bracket turned into brackets, as the planner wants it.
    pub(super) fn as_plain(&self) -> Expr {
        let chain = self.accesses.iter().map(|access| match access {
            Access::Name(name) => by_name(&name.value.to_ascii_lowercase()),
            Access::Index(index) => by_index(index.clone()),
            Access::Plain(subscript) => AccessExpr::Subscript(subscript.clone()),
        });
        access(column(&self.names), chain.collect())
    }
}

/// The column at the names, then the place's steps.
pub(super) fn write(column_names: &[Ident], place: &Place) -> Expr {
    if !place.is_observed() {
        return null(place.is_list());
    }
    let steps = place.steps();
    let (direct, each) = steps.split_at(place.each_from().unwrap_or(steps.len()));
    let chain = direct.iter().map(|step| match step {
        Step::Field(name) => by_name(name),
        Step::Index(index) => by_index(index.clone()),
    });
    let direct = access(column(column_names), chain.collect());
    if place.each_from().is_none() {
        return direct;
    }
    let path: Vec<String> = each
        .iter()
        .map(|step| match step {
            Step::Field(name) => name.clone(),
            Step::Index(index) => index.to_string(),
        })
        .collect();
    call(pluck::NAME, vec![direct, text(&path.join("."))])
}

/// A whole number.
pub(super) fn number(number: usize) -> Expr {
    Expr::Value(Value::Number(number.to_string(), false).into())
}

/// An identifier in quotes, so that it is taken as it is.
pub(super) fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

fn null(is_list: bool) -> Expr {
    let data_type = if is_list { "List(Utf8)" } else { "Utf8" };
    call("arrow_cast", vec![Expr::Value(Value::Null.into()), text(data_type)])
}

fn column(names: &[Ident]) -> Expr {
    match names {
        [name] => Expr::Identifier(name.clone()),
        names => Expr::CompoundIdentifier(names.to_vec()),
    }
}

fn access(root: Expr, access_chain: Vec<AccessExpr>) -> Expr {
    if access_chain.is_empty() {
        root
    } else {
        Expr::CompoundFieldAccess { root: Box::new(root), access_chain }
    }
}

fn by_name(name: &str) -> AccessExpr {
    by_index(text(name))
}

fn by_index(index: Expr) -> AccessExpr {
    AccessExpr::Subscript(Subscript::Index { index })
}

fn text(text: &str) -> Expr {
    Expr::Value(Value::SingleQuotedString(text.to_owned()).into())
}

fn is_text(expression: &Expr) -> bool {
    matches!(expression, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)))
}

fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    let arguments =
        arguments.into_iter().map(|argument| FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
