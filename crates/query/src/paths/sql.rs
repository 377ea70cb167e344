//! Writing places as SQL expressions, and reading paths out of them.

use datafusion::arrow::datatypes::DataType;
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
    Index(Box<Expr>),
    /// Brackets with a name, or with a slice.
    Plain(Box<Subscript>),
}

impl Path {
    /// Reads a path; a column in quotes is meant as it is written, and begins none.
    pub(super) fn read(expression: &Expr) -> Option<Self> {
        Self::read_any(expression)
            .filter(|path| path.names.last().is_some_and(|name| name.quote_style.is_none()))
    }

    fn read_any(expression: &Expr) -> Option<Self> {
        match expression {
            Expr::Identifier(name) => {
                Some(Self { names: vec![name.clone()], accesses: Vec::new(), is_plain: false })
            }
            Expr::CompoundIdentifier(names) => {
                Some(Self { names: names.clone(), accesses: Vec::new(), is_plain: false })
            }
            Expr::Nested(inner) => Self::read_any(inner).filter(|path| path.len() > 1),
            Expr::CompoundFieldAccess { root, access_chain } => {
                let mut path = Self::read_any(root)?;
                path.accesses.extend(accesses(access_chain)?);
                path.is_plain |= path.accesses.iter().any(|access| matches!(access, Access::Plain(_)));
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
        last_name(&self.accesses).or_else(|| self.names.last().map(|name| name.value.to_ascii_lowercase()))
    }

    /// The path with every dot behind a bracket turned into brackets, as the planner wants it.
    pub(super) fn as_plain(&self) -> Expr {
        plain(column(&self.names), &self.accesses)
    }
}

/// What follows a value, with dots and in brackets; `None` if a dot has more than a name behind it.
fn accesses(chain: &[AccessExpr]) -> Option<Vec<Access>> {
    let accesses = chain.iter().map(|access| match access {
        AccessExpr::Dot(Expr::Identifier(name)) => Some(Access::Name(name.clone())),
        AccessExpr::Subscript(Subscript::Index { index }) if !is_text(index) => {
            Some(Access::Index(Box::new(index.clone())))
        }
        AccessExpr::Subscript(subscript) => Some(Access::Plain(Box::new(subscript.clone()))),
        AccessExpr::Dot(_) => None,
    });
    accesses.collect()
}

/// A call with a dot somewhere behind it, and what follows it.
pub(super) fn behind_call(expression: &Expr) -> Option<(&Expr, Vec<Access>)> {
    let Expr::CompoundFieldAccess { root, access_chain } = expression else { return None };
    let mut call = root.as_ref();
    while let Expr::Nested(inner) = call {
        call = inner;
    }
    let accesses = accesses(access_chain)?;
    let has_dot = accesses.iter().any(|access| matches!(access, Access::Name(_)));
    (matches!(call, Expr::Function(_)) && has_dot).then_some((call, accesses))
}

/// The last name behind a value, in lower case.
pub(super) fn last_name(accesses: &[Access]) -> Option<String> {
    accesses.iter().rev().find_map(|access| match access {
        Access::Name(name) => Some(name.value.to_ascii_lowercase()),
        _ => None,
    })
}

/// A value and what follows it, with every dot turned into brackets.
pub(super) fn plain(value: Expr, accesses: &[Access]) -> Expr {
    let chain = accesses.iter().map(|access| match access {
        Access::Name(name) => by_name(&name.value.to_ascii_lowercase()),
        Access::Index(index) => by_index(index.as_ref().clone()),
        Access::Plain(subscript) => AccessExpr::Subscript(subscript.as_ref().clone()),
    });
    access(value, chain.collect())
}

/// The column at the names, then the place's steps.
///
/// The fields of structs down to the first list are reached by brackets, which DataFusion pushes down to the
/// files; the rest by one function, because it does not.
pub(super) fn write(column_names: &[Ident], place: &Place) -> Expr {
    write_from(column(column_names), place)
}

/// The value, then the place's steps.
pub(super) fn write_from(value: Expr, place: &Place) -> Expr {
    if !place.is_observed() {
        return null(&place.standard_type());
    }
    let steps = place.steps();
    let each_from = place.each_from().unwrap_or(steps.len());
    let first_index = steps.iter().position(|step| matches!(step, Step::Index(_))).unwrap_or(steps.len());
    let (fields, rest) = steps.split_at(each_from.min(first_index));
    let chain = fields.iter().filter_map(|step| match step {
        Step::Field(name) => Some(by_name(name)),
        Step::Index(_) => None,
    });
    let value = access(value, chain.collect());
    let (one, each) = rest.split_at(each_from - fields.len().min(each_from));
    let value = follow(value, one);
    if each.is_empty() { value } else { call(pluck::EACH, vec![value, text(&joined(each))]) }
}

/// Goes down the steps from one value.
fn follow(value: Expr, steps: &[Step]) -> Expr {
    match steps {
        [] => value,
        [Step::Index(index), rest @ ..] if !is_number(index) => {
            follow(access(value, vec![by_index(index.as_ref().clone())]), rest)
        }
        steps => {
            let literal = |step: &Step| !matches!(step, Step::Index(index) if !is_number(index));
            let length = steps.iter().take_while(|step| literal(step)).count();
            let (now, later) = steps.split_at(length);
            follow(call(pluck::AT, vec![value, text(&joined(now))]), later)
        }
    }
}

fn joined(steps: &[Step]) -> String {
    let parts = steps.iter().map(|step| match step {
        Step::Field(name) => name.clone(),
        Step::Index(index) => index.to_string(),
    });
    parts.collect::<Vec<_>>().join(".")
}

fn is_number(expression: &Expr) -> bool {
    matches!(expression, Expr::Value(value) if matches!(value.value, Value::Number(..)))
}

/// A whole number.
pub(super) fn number(number: usize) -> Expr {
    Expr::Value(Value::Number(number.to_string(), false).into())
}

/// An identifier in quotes, so that it is taken as it is.
pub(super) fn quoted(name: &str) -> Ident {
    Ident::with_quote('"', name)
}

fn null(data_type: &DataType) -> Expr {
    call("arrow_cast", vec![Expr::Value(Value::Null.into()), text(&data_type.to_string())])
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

/// A call of a function.
pub(crate) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
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
