//! From what was given to a whole configuration: each key checked, defaults filled in, the source of each value kept.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::describe::{Key, Kind, Section, Shape};
use super::environment::variable;
use super::given::{self, Content, Given};
use super::path::{ANY_NAME, all_keys, join};
use super::unknown::hint_for_unknown;
use super::wrong::{Source, Wrong};

/// The merging of one configuration.
pub(super) struct Merge<'s> {
    root: &'s Section,
    /// The source of each value, by the path of its key.
    pub(super) sources: BTreeMap<String, Source>,
    pub(super) wrongs: Vec<Wrong>,
}

impl<'s> Merge<'s> {
    pub(super) fn new(root: &'s Section) -> Self {
        Self { root, sources: BTreeMap::new(), wrongs: Vec::new() }
    }

    /// All values. If something is wrong, some are missing.
    pub(super) fn all(&mut self, given: given::Table) -> Table {
        self.section("", self.root, given, &Source::Default)
    }

    /// The values of a section; `head` is where it stands.
    fn section(&mut self, path: &str, section: &Section, mut given: given::Table, head: &Source) -> Table {
        let mut table = Table::new();
        for key in &section.keys {
            let value = match given.remove(key.name) {
                Some(given) => self.shape(&join(path, key.name), &key.shape, given),
                None => self.not_given(&join(path, key.name), key, head),
            };
            table.extend(value.map(|value| (key.name.to_owned(), value)));
        }
        for (name, given) in given {
            let hint = hint_for_unknown(path, section, &name, &given.name_at, &all_keys(self.root));
            self.wrongs.push(Wrong::at(&given.name_at, format!("no key {}", join(path, &name)), hint));
        }
        self.secrets_from_files(path, section, &mut table);
        table
    }

    fn not_given(&mut self, path: &str, key: &Key, head: &Source) -> Option<Value> {
        if key.is_optional {
            return None;
        }
        let default = key.default.and_then(|text| text.parse::<Value>().ok());
        match (&key.shape, default) {
            (Shape::Section(section), _) => {
                Some(Value::Table(self.section(path, section, given::Table::new(), &Source::Default)))
            }
            (Shape::Named { each, .. }, default) => {
                let name = default.as_ref().and_then(Value::as_str).map(str::to_owned);
                let given = name.into_iter().map(|name| (name, Given::nothing())).collect();
                Some(Value::Table(self.each(path, each, given)))
            }
            (Shape::Value(_) | Shape::List(_), Some(default)) => {
                self.sources.insert(path.to_owned(), Source::Default);
                Some(default)
            }
            (Shape::Value(kind) | Shape::List(kind), None) => {
                let hint = format!("it must be given: {}", kind.allowed);
                self.wrongs.push(Wrong::at(head, format!("{path} is missing"), hint));
                None
            }
        }
    }

    fn shape(&mut self, path: &str, shape: &Shape, given: Given) -> Option<Value> {
        match (shape, given.content) {
            (Shape::Section(section), Content::Table(inner)) => {
                Some(Value::Table(self.section(path, section, inner, &given.name_at)))
            }
            (Shape::Named { name: kind, each }, Content::Table(inner)) => {
                let is_name = |name: &str| (kind.accepts)(Value::String(name.to_owned()));
                let (right, wrong): (given::Table, given::Table) =
                    inner.into_iter().partition(|(name, _)| is_name(name));
                for (name, given) in wrong {
                    let text = format!("{}: {name:?} is not {}", join(path, &name), kind.what);
                    self.wrongs.push(Wrong::at(&given.name_at, text, format!("allowed: {}", kind.allowed)));
                }
                Some(Value::Table(self.each(path, each, right)))
            }
            (Shape::Section(_) | Shape::Named { .. }, _) => {
                let text = format!("{path} is a section, not a value");
                let inner =
                    if matches!(shape, Shape::Section(_)) { path.to_owned() } else { join(path, ANY_NAME) };
                let hint = match given.at {
                    Source::Environment(_) => format!("{}__KEY sets one of its keys", variable(&inner)),
                    _ => format!("its keys are written below [{inner}]"),
                };
                self.wrongs.push(Wrong::at(&given.at, text, hint));
                None
            }
            (Shape::Value(kind), content) => self.value(path, kind, content, &given.at),
            (Shape::List(kind), content) => self.list(path, kind, content, &given.at),
        }
    }

    fn each(&mut self, path: &str, each: &Shape, given: given::Table) -> Table {
        let mut table = Table::new();
        for (name, given) in given {
            let value = self.shape(&join(path, &name), each, given);
            table.extend(value.map(|value| (name, value)));
        }
        table
    }

    fn value(&mut self, path: &str, kind: &Kind, content: Content, at: &Source) -> Option<Value> {
        self.sources.insert(path.to_owned(), at.clone());
        if kind.is_secret {
            return self.secret(path, content, at);
        }
        let shown = match content {
            Content::Value(value) if (kind.accepts)(value.clone()) => return Some(value),
            Content::Value(value) => value.to_string(),
            Content::Variable(text) => match readings(&text).find(|value| (kind.accepts)(value.clone())) {
                Some(value) => return Some(value),
                None => Value::String(text).to_string(),
            },
            Content::Table(_) => "a section".to_owned(),
            Content::List(_) => "a list".to_owned(),
        };
        let text = format!("{path}: {shown} is not {}", kind.what);
        self.wrongs.push(Wrong::at(at, text, format!("allowed: {}", kind.allowed)));
        None
    }

    fn list(&mut self, path: &str, kind: &Kind, content: Content, at: &Source) -> Option<Value> {
        let items = match content {
            Content::List(items) => Some(items),
            Content::Variable(text) => match text.parse() {
                Ok(Value::Array(values)) => {
                    Some(values.into_iter().map(|value| Given::value(value, at)).collect())
                }
                _ => None,
            },
            Content::Table(_) | Content::Value(_) => None,
        };
        let Some(items) = items else {
            let hint = format!("allowed: a list in brackets, each of it {}", kind.allowed);
            self.wrongs.push(Wrong::at(at, format!("{path} is not a list"), hint));
            return None;
        };
        let values = items
            .into_iter()
            .enumerate()
            // All of them are looked at, so that all that is wrong is told.
            .filter_map(|(position, item)| {
                self.value(&format!("{path}[{}]", position + 1), kind, item.content, &item.at)
            })
            .collect();
        self.sources.insert(path.to_owned(), at.clone());
        Some(Value::Array(values))
    }

    fn secret(&mut self, path: &str, content: Content, at: &Source) -> Option<Value> {
        match content {
            // As it stands: a secret that looks like TOML is none.
            Content::Variable(text) => Some(Value::String(text)),
            _ => {
                let hint = format!(
                    "put it into a file of its own and name that with {path}_file, or set {}",
                    variable(path)
                );
                self.wrongs.push(Wrong::at(at, format!("{path}: a secret must not stand here"), hint));
                None
            }
        }
    }

    /// Reads the secrets that are in files of their own.
    fn secrets_from_files(&mut self, path: &str, section: &Section, table: &mut Table) {
        let is_secret = |key: &&Key| matches!(&key.shape, Shape::Value(kind) if kind.is_secret);
        for key in section.keys.iter().filter(is_secret) {
            let file_key = format!("{}_file", key.name);
            let file_path = join(path, &file_key);
            let Some(file) = table.get(&file_key).and_then(Value::as_str) else { continue };
            let at = self.sources.get(&file_path).cloned().unwrap_or(Source::Default);
            if table.contains_key(key.name) {
                let text = format!("{file_path} and {} are both given", join(path, key.name));
                self.wrongs.push(Wrong::at(&at, text, "give one of the two"));
                continue;
            }
            match std::fs::read_to_string(file) {
                Ok(secret) if !secret.trim().is_empty() => {
                    self.sources.insert(join(path, key.name), at);
                    table.insert(key.name.to_owned(), Value::String(secret.trim().to_owned()));
                }
                Ok(_) => self.wrongs.push(Wrong::at(
                    &at,
                    format!("{file_path}: the file {file} is empty"),
                    "write the secret into it",
                )),
                Err(error) => self.wrongs.push(Wrong::at(
                    &at,
                    format!("{file_path}: cannot read {file}: {error}"),
                    "the user who runs carelake must be able to read it",
                )),
            }
        }
    }
}

impl Given {
    fn nothing() -> Self {
        Self { name_at: Source::Default, at: Source::Default, content: Content::Table(given::Table::new()) }
    }

    fn value(value: Value, at: &Source) -> Self {
        Self { name_at: at.clone(), at: at.clone(), content: Content::Value(value) }
    }
}

/// What a variable may mean: what it is in TOML, or the text as it stands.
fn readings(text: &str) -> impl Iterator<Item = Value> + use<> {
    let as_toml = text.parse::<Value>().ok();
    as_toml.into_iter().chain([Value::String(text.to_owned())])
}
