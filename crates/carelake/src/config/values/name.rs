//! Names of feeds and doors.

use std::fmt;

use super::as_text;

/// The name of a feed or a door. The names of feeds are parts of keys, so the rule is that of the pipeline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name(String);

as_text!(
    Name,
    "a name",
    "1 to 100 letters, digits, '-', '_' and '.', with a letter or digit in front, such as \"lab-north\""
);

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(in crate::config) fn from_text(text: &str) -> Option<Self> {
        let is_plain =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
        let is_name = (1..=100).contains(&text.len())
            && text.chars().all(is_plain)
            && text.starts_with(|character: char| character.is_ascii_alphanumeric());
        is_name.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
