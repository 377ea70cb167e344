//! What nobody may read.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::config::describe::Written;

/// What stands for a secret wherever it would be shown.
pub(in crate::config) const SHOWN: &str = "(set)";

/// A secret: it comes by the environment or from a file of its own, and is shown as `(set)`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// The secret itself, for the one place that needs it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(SHOWN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SHOWN)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An error of serde's own would quote what it found.
        let text = String::deserialize(deserializer).map_err(|_| de::Error::custom("not a secret"))?;
        match text.is_empty() {
            true => Err(de::Error::custom("not a secret")),
            false => Ok(Self(text)),
        }
    }
}

impl Written for Secret {
    const WHAT: &'static str = "a secret";
    const IS_SECRET: bool = true;

    fn allowed() -> String {
        "a text that comes by the environment, or from a file that the key with `_file` names; never in carelake.toml".to_owned()
    }
}
