//! The page `docs/config.md`, made from the description of the keys.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use expect_test::expect_file;

use super::describe::{Key, Kind, Section, Shape};
use super::effective::{CommandLine, Effective, root};
use super::path::join;

const HEAD: &str = "\
# The configuration: carelake.toml

For the engineer who runs the feeds. This page is made from the program's own list of keys, and a test holds it to them.

`carelake serve` reads `carelake.toml` in the folder that it runs in, or the file that `--config` names. Every key has a default, so
without a file the lake is `./lake`, its raw folder is watched, HTTP listens on 127.0.0.1:8080 and MLLP on 127.0.0.1:2575.
`carelake ingest` takes from the same file how the messages of its feed are read and which are left out, and the limit of their size.

```toml
[feeds.lab]
senders = [\"LAB|NORTH\"]
charset = \"8859/1\"
drop = [\"ACK\", \"unchanged ADT^A31\"]

[mllp.default]
listen = \"0.0.0.0:2575\"

[mllp.default.tls]
certificate = \"/etc/carelake/server.pem\"
key = \"/etc/carelake/server.key\"
client_ca = \"/etc/carelake/senders.pem\"
```

`carelake config check` says `ok`, or everything that is wrong, with line, column and what is allowed; `carelake config show` prints all
values as a file that means the same, with the source of each as a comment. A key that is not on this page is an error.

**What comes first:** the command line, then the environment, then the file, then the default.

**Environment.** `CARELAKE_HTTP__LISTEN=127.0.0.1:9000` sets `http.listen`: two underscores between the parts, in any case. A value
is read as TOML, and as a text if it does not fit as TOML, so texts need no quotes: `CARELAKE_FEEDS__LAB__DROP='[\"ACK\"]'`. A name that the
file has is found in any case, a new one is in small letters. An empty variable counts as not set.

**Secrets** never stand in the file: each has a variable and a key with `_file`, which names a file that holds nothing else. They are
never printed.

**Paths** that are relative start in the folder that carelake runs in.

**Doors that others can reach** need TLS and authentication (for MLLP: certificates of clients), or `insecure = true`.
";

#[test]
fn the_page_names_every_key_and_no_other() {
    expect_file!["../../../../docs/config.md"].assert_eq(&page());
}

#[test]
fn the_example_is_right() {
    let (_, rest) = HEAD.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let file = |name| format!("/etc/carelake/{name}");
    let names = ["server.pem", "server.key", "senders.pem"];
    assert!(names.iter().all(|name| example.contains(&file(name))));
    let example = names
        .iter()
        .fold(example.to_owned(), |text, name| text.replace(&file(name), "testdata/config/some.pem"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("carelake.toml");
    std::fs::write(&path, example).unwrap();
    let effective = Effective::of(Some(&path), CommandLine::default(), []).unwrap();
    assert_eq!(effective.given_values(), (7, 0));
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    let mut kinds = BTreeSet::new();
    add_section("", &root(), &mut page, &mut kinds);
    page.push_str("\n## How values are written\n\n| what | written as |\n|---|---|\n");
    for (what, allowed) in kinds {
        let _ = writeln!(page, "| {what} | {} |", in_table(&allowed));
    }
    page
}

/// Adds the section's own keys, then the sections below.
fn add_section(path: &str, section: &Section, page: &mut String, kinds: &mut BTreeSet<(String, String)>) {
    let has_value = |key: &&Key| matches!(key.shape, Shape::Value(_) | Shape::List(_) | Shape::Named { .. });
    let is_row = |key: &&Key| has_value(key) && inner_section(&key.shape).is_none();
    let title = if path.is_empty() { "Above all sections".to_owned() } else { format!("`[{path}]`") };
    let _ = write!(page, "\n## {title}\n\n{}\n", text(section.text));
    page.push_str("\n| key | what | default | |\n|---|---|---|---|\n");
    for key in section.keys.iter().filter(is_row) {
        let (name, kind, is_list) = match &key.shape {
            Shape::Value(kind) => (key.name.to_owned(), kind, false),
            Shape::List(kind) => (key.name.to_owned(), kind, true),
            Shape::Named { each, .. } => match &**each {
                Shape::List(kind) => (join(key.name, "NAME"), kind, true),
                Shape::Value(kind) => (join(key.name, "NAME"), kind, false),
                _ => continue,
            },
            Shape::Section(_) => continue,
        };
        // A choice of words says all by itself.
        let is_word = |word: &str| word.len() > 2 && word.starts_with('"') && word.ends_with('"');
        let what = if kind.allowed.split(", ").all(is_word) {
            kind.allowed.clone()
        } else {
            kinds.insert((without_article(kind), kind.allowed.clone()));
            without_article(kind)
        };
        let what = if is_list { format!("list of: {what}") } else { what };
        let default = match key.default {
            Some(default) => format!("`{default}`"),
            None if key.is_optional => "not set".to_owned(),
            None if matches!(key.shape, Shape::Named { .. }) => "none".to_owned(),
            None => "**must be given**".to_owned(),
        };
        let _ = writeln!(page, "| `{name}` | {what} | {default} | {} |", in_table(&text(key.text)));
    }
    for key in &section.keys {
        let below = match &key.shape {
            Shape::Named { .. } => join(&join(path, key.name), "NAME"),
            _ => join(path, key.name),
        };
        if let Some(section) = inner_section(&key.shape) {
            add_section(&below, section, page, kinds);
        }
    }
}

fn inner_section(shape: &Shape) -> Option<&Section> {
    match shape {
        Shape::Section(section) => Some(section),
        Shape::Named { each, .. } => inner_section(each),
        Shape::Value(_) | Shape::List(_) => None,
    }
}

/// The lines of a doc comment as one text.
fn text(lines: &str) -> String {
    lines.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_article(kind: &Kind) -> String {
    kind.what.trim_start_matches("an ").trim_start_matches("a ").to_owned()
}

fn in_table(text: &str) -> String {
    text.replace('|', "\\|")
}
