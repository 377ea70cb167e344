//! A part of a whole.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::describe::Written;

/// A share from 0, none, to 1, all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl Written for Share {
    const WHAT: &'static str = "a share";

    fn allowed() -> String {
        "a number from 0 to 1, such as 0.01 for one in a hundred, without quotes".to_owned()
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        let is_share = (0.0..=1.0).contains(&share);
        is_share.then_some(Self(share)).ok_or_else(|| serde::de::Error::custom("not a share"))
    }
}
