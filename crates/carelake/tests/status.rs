//! `carelake status`: what it tells of the feeds of a lake, and its exit code.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::Path;
use std::process::{Command, Output};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        assert!(place.run(&["init"]).status.success());
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_carelake"))
            .args(arguments)
            .current_dir(self.path())
            .env_remove("CARELAKE_LAKE")
            .output()
            .unwrap()
    }

    fn ingest(&self, feed: &str, content: &str) {
        std::fs::write(self.path().join("feed.hl7"), content).unwrap();
        assert!(self.run(&["ingest", "--feed", feed, "feed.hl7"]).status.success());
    }

    /// Takes the marks and rows away that say that anything was done with what came.
    fn forget_staging(&self) {
        std::fs::remove_dir_all(self.path().join("lake/_carelake/settled")).unwrap();
        let table = self.path().join("lake/staging/table");
        for entry in std::fs::read_dir(table.join("_delta_log")).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap() != "00000000000000000000.json" {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The words of the line of a feed.
fn line(output: &Output, feed: &str) -> Vec<String> {
    let stdout = text(&output.stdout);
    let line = stdout.lines().find(|line| line.starts_with(&format!("{feed} "))).map(str::to_owned);
    line.unwrap_or_else(|| panic!("no {feed} in\n{stdout}")).split_whitespace().map(str::to_owned).collect()
}

fn message(number: usize) -> String {
    format!("MSH|^~\\&|A|B|C|D|2024||ADT^A08^ADT_A01|C{number}|P|2.5\rPID|1||P{number}||STONE^ANNA\r")
}

#[test]
fn a_lake_without_messages_is_well() {
    let place = Place::new();
    let output = place.run(&["status"]);
    assert_eq!(text(&output.stdout), "no message was received in the last 9 weeks, nor in the last 24 h\n");
    assert!(output.status.success() && output.stderr.is_empty());
    let output = place.run(&["status", "--format", "json", "--since", "7d"]);
    assert_eq!(text(&output.stdout), "{\"ok\":true,\"since_seconds\":604800,\"feeds\":[],\"problems\":[]}\n");
}

#[test]
fn each_feed_has_a_line_with_units_and_what_became_of_its_messages() {
    let place = Place::new();
    place.ingest("adt", &(message(1) + &message(2) + &message(1)));
    place.ingest("lab", &message(1));
    let output = place.run(&["status"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stdout = text(&output.stdout);
    let mut lines = stdout.lines();
    assert_eq!(lines.next(), Some("messages received in the last 24 h"));
    let names: Vec<&str> =
        lines.next().unwrap().split("  ").map(str::trim).filter(|name| !name.is_empty()).collect();
    assert_eq!(names[..7], ["feed", "received", "staged", "error", "duplicate", "filtered", "pending"]);
    assert_eq!(lines.next().unwrap().split_whitespace().filter(|unit| *unit == "messages").count(), 8);
    assert_eq!(line(&output, "adt")[1..7], ["3", "2", "0", "1", "0", "0"]);
    assert_eq!(line(&output, "lab")[1..7], ["1", "1", "0", "0", "0", "0"]);
    // The lag, and the age of the last message.
    assert!(["ms", "s"].contains(&line(&output, "lab")[8].as_str()), "{stdout}");
    assert!(["ms", "s"].contains(&line(&output, "lab")[10].as_str()), "{stdout}");

    let output = place.run(&["status", "--format", "json"]);
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&status["ok"], &status["feeds"][0]["duplicate"]), (&true.into(), &1.into()));
    assert!(status["feeds"][1]["lag_p95_seconds"].as_f64().unwrap() < 60.0);
    assert!(status["feeds"][1]["usual_messages"].is_null());
    assert!(place.run(&["status", "--since", "0s"]).status.success());
}

#[test]
fn the_exit_code_tells_what_is_wrong_as_far_as_it_is_asked_for() {
    let place = Place::new();
    place.ingest("adt", &(message(1) + "MSH|\rSMITH\r"));
    let failed = place.run(&["status"]);
    assert_eq!(failed.status.code(), Some(1));
    assert_eq!(
        text(&failed.stderr),
        "error: feed adt: 1 message waits in the error zone\n\
         hint: carelake errors list tells why; carelake errors retry converts again what has been mended\n"
    );
    assert_eq!(line(&failed, "adt")[1..4], ["2", "1", "1"]);
    let passed = place.run(&["status", "--fail-on", "silent,lag"]);
    assert!(passed.status.success());
    assert_eq!(text(&passed.stderr), "warning: feed adt: 1 message waits in the error zone\n");

    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let silent = place.run(&["status", "--fail-on", "silent", "--silent-after", "1s", "--format", "json"]);
    assert_eq!(silent.status.code(), Some(1));
    let status: serde_json::Value = serde_json::from_slice(&silent.stdout).unwrap();
    assert_eq!(status["ok"], false);
    let kinds: Vec<_> =
        status["problems"].as_array().unwrap().iter().map(|problem| &problem["kind"]).collect();
    assert_eq!(kinds, ["errors", "silent"]);
    assert!(text(&silent.stderr).contains("error: feed adt: silent for "), "{}", text(&silent.stderr));
    assert!(place.run(&["status", "--fail-on", "none", "--silent-after", "1s"]).status.success());
    assert_eq!(place.run(&["status", "--fail-on", "volume"]).status.code(), Some(2));
    assert_eq!(place.run(&["status", "--since", "yesterday"]).status.code(), Some(2));
}

#[test]
fn what_waits_to_be_converted_is_told_with_its_age() {
    let place = Place::new();
    place.ingest("adt", &(message(1) + &message(2)));
    place.forget_staging();
    let output = place.run(&["status"]);
    assert!(output.status.success(), "so young, it may wait: {}", text(&output.stderr));
    assert_eq!(line(&output, "adt")[1..7], ["2", "0", "0", "0", "0", "2"]);
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let output = place.run(&["status", "--lag-after", "1s"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert!(stderr.starts_with("error: feed adt: 2 messages wait to be converted, for up to "), "{stderr}");
    assert!(stderr.contains("hint: see that carelake serve runs"), "{stderr}");
    assert!(!stderr.contains("STONE"));
}
