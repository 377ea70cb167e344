//! Values that TOML has itself.

use std::num::{NonZeroU32, NonZeroU64};

use crate::config::describe::Written;

impl Written for bool {
    const WHAT: &'static str = "true or false";

    fn allowed() -> String {
        "true or false, without quotes".to_owned()
    }
}

impl Written for NonZeroU32 {
    const WHAT: &'static str = "a number above 0";

    fn allowed() -> String {
        format!("a whole number from 1 to {}, without quotes", Self::MAX)
    }
}

impl Written for NonZeroU64 {
    const WHAT: &'static str = "a large number above 0";

    fn allowed() -> String {
        format!("a whole number from 1 to {}, without quotes", i64::MAX)
    }
}
