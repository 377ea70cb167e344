//! The types of values: each reads what people write, and writes it the same way.

mod keep;
mod listen;
mod name;
mod plain;
mod secret;
mod share;
mod size;
mod span;
mod text;

pub(crate) use keep::Keep;
pub(crate) use listen::{Address, Listen};
pub(crate) use name::Name;
pub(crate) use secret::Secret;
pub(crate) use share::Share;
pub(crate) use size::Size;
pub(crate) use span::Span;
pub(crate) use text::{FilePath, Text, WebAddress};

/// Makes a type that has `from_text(&str) -> Option<Self>` and `Display` one that stands in the configuration as a text.
macro_rules! as_text {
    ($type:ident, $what:literal, $allowed:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::from_text(&text).ok_or_else(|| serde::de::Error::custom(concat!("not ", $what)))
            }
        }

        impl $crate::config::describe::Written for $type {
            const WHAT: &'static str = $what;

            fn allowed() -> String {
                $allowed.to_owned()
            }
        }
    };
}

/// Declares an enum of words.
macro_rules! words {
    (
        $(#[doc = $about:literal])+
        pub(crate) enum $type:ident: $what:literal {
            $( $(#[doc = $text:literal])+ $variant:ident = $word:literal, )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub(crate) enum $type {
            $( $(#[doc = $text])+ #[serde(rename = $word)] $variant, )+
        }

        impl $crate::config::describe::Written for $type {
            const WHAT: &'static str = $what;

            fn allowed() -> String {
                [$(concat!("\"", $word, "\"")),+].join(", ")
            }
        }
    };
}

pub(super) use {as_text, words};

#[cfg(test)]
mod tests;
