//! What each key is: its name, what may be written there, its default, what it is for.
//!
//! The structs of the configuration are declared with [`settings!`], which makes both the struct and its description from
//! the same lines. Reading, hints, `config show` and the page `docs/config.md` all walk over the description, so none of
//! them can know another set of keys than the structs.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use toml::Value;

/// One key of a section.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// The lines of its doc comment.
    pub(super) text: &'static str,
    pub(super) shape: Shape,
    /// Whether it may be left out although it has no default.
    pub(super) is_optional: bool,
    /// The default, as TOML; of a [`Shape::Named`] the name that there is when none is given.
    pub(super) default: Option<&'static str>,
}

/// What stands below a key.
pub(super) enum Shape {
    Value(Kind),
    List(Kind),
    Section(Section),
    /// One of the same shape for each name that people choose.
    Named {
        name: Kind,
        each: Box<Self>,
    },
}

/// Some keys below one head.
pub(super) struct Section {
    /// The lines of its doc comment.
    pub(super) text: &'static str,
    pub(super) keys: Vec<Key>,
}

/// What may be written as a value.
pub(super) struct Kind {
    /// With its article: "a size".
    pub(super) what: &'static str,
    /// How it is written, with an example.
    pub(super) allowed: String,
    pub(super) accepts: fn(Value) -> bool,
    pub(super) is_secret: bool,
}

/// A type of values.
pub(super) trait Written: DeserializeOwned {
    /// With its article: "a size".
    const WHAT: &'static str;
    /// It never stands in the file, and is never shown.
    const IS_SECRET: bool = false;

    /// How it is written, with an example.
    fn allowed() -> String;

    fn kind() -> Kind {
        Kind {
            what: Self::WHAT,
            allowed: Self::allowed(),
            accepts: |value| Self::deserialize(value).is_ok(),
            is_secret: Self::IS_SECRET,
        }
    }
}

/// A type of what stands below a key.
pub(super) trait Described {
    const IS_OPTIONAL: bool = false;

    fn shape() -> Shape;
}

impl<T: Written> Described for T {
    fn shape() -> Shape {
        Shape::Value(T::kind())
    }
}

impl<T: Written> Described for Vec<T> {
    fn shape() -> Shape {
        Shape::List(T::kind())
    }
}

impl<T: Described> Described for Option<T> {
    const IS_OPTIONAL: bool = true;

    fn shape() -> Shape {
        T::shape()
    }
}

impl<N: Written, T: Described> Described for BTreeMap<N, T> {
    fn shape() -> Shape {
        Shape::Named { name: N::kind(), each: Box::new(T::shape()) }
    }
}

/// Declares a section: a struct whose fields are its keys, each with a doc comment and, after `=`, its default.
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        pub(crate) struct $name:ident {
            $(
                $(#[doc = $text:literal])+
                $key:ident: $type:ty $(= $default:expr)?,
            )+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $(
                $(#[doc = $text])+
                pub(crate) $key: $type,
            )+
        }

        impl $crate::config::describe::Described for $name {
            fn shape() -> $crate::config::describe::Shape {
                let keys = vec![$(
                    $crate::config::describe::Key {
                        name: stringify!($key),
                        text: concat!($($text),+),
                        shape: <$type as $crate::config::describe::Described>::shape(),
                        is_optional: <$type as $crate::config::describe::Described>::IS_OPTIONAL,
                        default: [$(stringify!($default),)? ""].into_iter().find(|text| !text.is_empty()),
                    }
                ),+];
                $crate::config::describe::Shape::Section($crate::config::describe::Section {
                    text: concat!($($about),+),
                    keys,
                })
            }
        }
    };
}

pub(super) use settings;
