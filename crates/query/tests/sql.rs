//! Questions and answers as files: `slt/NAME.slt` over the messages in `messages/`, `audit.slt` over some events.
//!
//! A record is `query` or `error`, the SQL, a line `----`, and the expected lines up to an empty one.
//! `UPDATE_EXPECT=1 cargo test -p query` rewrites the expected lines.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use pipeline::{Input, Settings};
use query::{Engine, Options};
use storage::{Lake, Location};

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

pub(crate) async fn lake_of_messages() -> Lake {
    let lake = pipeline::init(Location::memory().unwrap()).await.unwrap();
    let inputs = Input::expand(&[tests_folder().join("messages")]);
    // One by one, so that the table has many files with different columns.
    for input in inputs {
        let accounting = pipeline::ingest(&lake, vec![input], &Settings::default(), |_| {}).await.unwrap();
        assert_eq!((accounting.received, accounting.staged), (1, 1));
    }
    lake
}

/// The messages again: one with the same bytes, one with its control ID and other bytes.
async fn lake_of_duplicates() -> Lake {
    let lake = lake_of_messages().await;
    let mut messages: Vec<PathBuf> = std::fs::read_dir(tests_folder().join("messages"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    messages.sort();
    let folder = tempfile::tempdir().unwrap();
    let same = std::fs::read(&messages[0]).unwrap();
    std::fs::write(folder.path().join("same.hl7"), &same).unwrap();
    let other = [&same[..], b"NTE|1||corrected\r"].concat();
    std::fs::write(folder.path().join("other.hl7"), other).unwrap();
    let inputs = Input::expand(&[folder.path().to_path_buf()]);
    let accounting = pipeline::ingest(&lake, inputs, &Settings::default(), |_| {}).await.unwrap();
    assert_eq!((accounting.received, accounting.staged, accounting.duplicate), (2, 1, 1));
    lake
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_answers_as_written() {
    let offsets = Arc::new([("default".to_owned(), 60)].into());
    let options = Options { offsets, ..Options::default() };
    let full = Engine::open_with(&lake_of_messages().await, options).await.unwrap();
    let empty = pipeline::init(Location::memory().unwrap()).await.unwrap();
    let empty = Engine::open(&empty).await.unwrap();
    let again = Engine::open(&lake_of_duplicates().await).await.unwrap();
    let audited = crate::audit::engine(&crate::audit::audited_lake().await).await;
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut differences = String::new();
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(tests_folder().join("slt")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let engine = match file.file_stem().unwrap().to_str().unwrap() {
            "empty_lake" => &empty,
            "audit" => &audited,
            "duplicates" => &again,
            _ => &full,
        };
        let written = std::fs::read_to_string(&file).unwrap();
        let answered = answer_file(engine, &written).await;
        if update && answered != written {
            std::fs::write(&file, &answered).unwrap();
        } else if answered != written {
            writeln!(differences, "== {}\n{}", file.display(), difference(&written, &answered)).unwrap();
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}

/// The file with its expected lines replaced by the answers.
async fn answer_file(engine: &Engine, written: &str) -> String {
    let mut answered = String::new();
    for record in written.trim_end().split("\n\n") {
        let (question, _) = record.split_once("\n----").unwrap_or((record, ""));
        let sql: Vec<&str> = question
            .lines()
            .filter(|line| !line.starts_with('#') && *line != "query" && *line != "error")
            .collect();
        answered.push_str(question);
        if !sql.is_empty() {
            answered.push_str("\n----\n");
            let (kind, answer) = answer(engine, &sql.join("\n")).await;
            if !question.lines().any(|line| line == kind) {
                writeln!(answered, "is no {}", if kind == "query" { "error" } else { "query" }).unwrap();
            }
            answered.push_str(answer.trim_end());
        }
        answered.push_str("\n\n");
    }
    format!("{}\n", answered.trim_end())
}

async fn answer(engine: &Engine, sql: &str) -> (&'static str, String) {
    let collected = async {
        let answer = engine.sql(sql).await?;
        Ok::<_, query::Error>((answer.schema(), answer.collect().await?))
    };
    match collected.await {
        Ok((schema, batches)) => ("query", rows(&schema, &batches)),
        Err(error) => {
            let hint = error.hint().map(|hint| format!("hint: {hint}")).unwrap_or_default();
            ("error", format!("error: {error}\n{hint}"))
        }
    }
}

fn rows(schema: &Schema, batches: &[RecordBatch]) -> String {
    let mut text = String::new();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    writeln!(text, "{}", names.join(" | ")).unwrap();
    let options = FormatOptions::default().with_null("NULL");
    for batch in batches {
        let columns: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            writeln!(text, "{}", values.join(" | ")).unwrap();
        }
    }
    text
}

fn difference(written: &str, answered: &str) -> String {
    let (written, answered): (Vec<&str>, Vec<&str>) = (written.lines().collect(), answered.lines().collect());
    let mut text = String::new();
    for position in 0..written.len().max(answered.len()) {
        let (old, new) = (written.get(position), answered.get(position));
        if old != new {
            writeln!(text, "line {}\n- {}\n+ {}", position + 1, old.unwrap_or(&""), new.unwrap_or(&""))
                .unwrap();
        }
    }
    text
}
