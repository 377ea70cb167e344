//! The configuration in effect: the file, the environment, the command line and the defaults taken together.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::Value;

use super::describe::{Described, Section, Shape};
use super::environment::overlay;
use super::given::{self, Content, Given};
use super::merge::Merge;
use super::sections::Config;
use super::validate::{open_doors, validate};
use super::wrong::{Errors, Source, Wrong};

/// The file when none is named; it need not be there.
const FILE: &str = "carelake.toml";

/// A configuration, and where each of its values comes from.
#[derive(Clone, Debug)]
pub(crate) struct Effective {
    pub(crate) config: Config,
    /// The file, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// By the path of the key.
    pub(super) sources: BTreeMap<String, Source>,
}

/// What the command line has to say; it comes before all else.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CommandLine<'a> {
    /// `--lake`
    pub(crate) lake: Option<&'a str>,
    /// `--insecure`
    pub(crate) insecure: bool,
}

impl Effective {
    /// Reads the file at `path`, or `carelake.toml` if it is there, and lays the environment and the command line over it.
    pub(crate) fn load(path: Option<&Path>, line: CommandLine<'_>) -> Result<Self, Errors> {
        Self::of(path, line, std::env::vars_os())
    }

    /// The same with another environment.
    pub(super) fn of(
        path: Option<&Path>,
        line: CommandLine<'_>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Errors> {
        let effective = Self::unchecked(path, line, environment)?;
        match validate(&effective) {
            wrongs if wrongs.is_empty() => Ok(effective),
            wrongs => Err(Errors::new(wrongs)),
        }
    }

    /// The same, of which each key is right and what they are together is not looked at.
    pub(super) fn unchecked(
        path: Option<&Path>,
        line: CommandLine<'_>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Errors> {
        let (file, text) = read(path)?;
        let root = root();
        let name: Arc<str> = file.as_deref().unwrap_or(Path::new(FILE)).display().to_string().into();
        let mut given = given::read(&name, &text).map_err(Errors::new)?;
        let mut merge = Merge::new(&root);
        overlay(&mut given, environment, &root, &mut merge.wrongs);
        lay_over(&mut given, line);
        let table = merge.all(given);
        let Merge { sources, wrongs, .. } = merge;
        if !wrongs.is_empty() {
            return Err(Errors::new(wrongs));
        }
        let config = Config::deserialize(Value::Table(table)).map_err(|error| {
            let text = format!("the configuration cannot be read: {}", error.message());
            Errors::new(vec![Wrong::of_all(text, "compare it with docs/config.md")])
        })?;
        Ok(Self { config, file, sources })
    }

    /// The doors that only `insecure = true` lets be as open as they are.
    pub(crate) fn open_doors(&self) -> Vec<Wrong> {
        open_doors(self)
    }

    /// How many values are not defaults, and how many of these come from the environment.
    pub(crate) fn given_values(&self) -> (usize, usize) {
        let values =
            self.sources.iter().filter(|(key, source)| !key.ends_with(']') && **source != Source::Default);
        let by_environment = |(_, source): &(&String, &Source)| matches!(source, Source::Environment(_));
        (values.clone().count(), values.filter(by_environment).count())
    }
}

/// The description of the whole.
pub(super) fn root() -> Section {
    match Config::shape() {
        Shape::Section(section) => section,
        _ => Section { text: "", keys: Vec::new() },
    }
}

fn read(path: Option<&Path>) -> Result<(Option<PathBuf>, String), Errors> {
    let file = path.unwrap_or(Path::new(FILE));
    match std::fs::read_to_string(file) {
        Ok(text) => Ok((Some(file.to_owned()), text)),
        Err(error) if error.kind() == ErrorKind::NotFound && path.is_none() => Ok((None, String::new())),
        Err(error) => {
            let hint = match error.kind() {
                ErrorKind::NotFound => {
                    "look at the path; without --config it is ./carelake.toml, or all defaults"
                }
                ErrorKind::InvalidData => "save it as UTF-8",
                _ => "the user who runs carelake must be able to read it",
            };
            let text = format!("cannot read {}: {error}", file.display());
            Err(Errors::new(vec![Wrong::of_all(text, hint)]))
        }
    }
}

fn lay_over(given: &mut given::Table, line: CommandLine<'_>) {
    let made = |option, content| {
        let source = Source::CommandLine(option);
        Given { name_at: source.clone(), at: source, content }
    };
    if let Some(lake) = line.lake {
        let path = Content::Value(Value::String(lake.to_owned()));
        let section = given
            .entry("lake".to_owned())
            .or_insert_with(|| made("--lake", Content::Table(given::Table::new())));
        if let Content::Table(section) = &mut section.content {
            section.insert("path".to_owned(), made("--lake", path));
        }
    }
    if line.insecure {
        given.insert("insecure".to_owned(), made("--insecure", Content::Value(Value::Boolean(true))));
    }
}
