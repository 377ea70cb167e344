//! The parameters behind the question mark, with problems that name a parameter and never its value.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::Query;
use axum::http::Uri;

use super::problem::{Kind, Problem};

/// The parameters of a request, all of them known.
#[derive(Clone, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads them; one that is not among `known`, or comes twice, is a problem.
    pub(super) fn of(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let wanted = || match known {
            [] => "this address takes none".to_owned(),
            known => format!("there are: {}", known.join(", ")),
        };
        let Query(found) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| Problem::new(Kind::BadRequest, "the parameters cannot be read", wanted()))?;
        for (at, (name, _)) in found.iter().enumerate() {
            let Some(name) = known.iter().find(|known| *known == name) else {
                return Err(Problem::new(Kind::BadRequest, "a parameter is not known here", wanted()));
            };
            if found[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(Problem::parameter(name, "one value only"));
            }
        }
        Ok(Self(found))
    }

    /// A parameter as it was given; an empty one counts as none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(found, _)| found == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// A number in a range.
    pub(super) fn number<T>(&self, name: &str, range: RangeInclusive<T>) -> Result<Option<T>, Problem>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        let wants = || format!("a number from {} to {}", range.start(), range.end());
        number.map(Some).ok_or_else(|| Problem::parameter(name, &wants()))
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let chosen = words.iter().find(|(word, _)| *word == text);
        chosen.map(|(_, choice)| Some(*choice)).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Problem::parameter(name, &words.join(" or "))
        })
    }

    /// Yes or no.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.choice(name, &[("true", true), ("false", false)])?.unwrap_or(false))
    }

    /// A moment, in microseconds since 1970.
    pub(super) fn moment(&self, name: &str) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wants = "a date such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z";
        pipeline::time::parse(text).map(Some).ok_or_else(|| Problem::parameter(name, wants))
    }

    /// All of them in one line, for the audit.
    pub(super) fn line(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        parts.join(" ")
    }
}
