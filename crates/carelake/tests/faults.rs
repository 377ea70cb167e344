//! The program killed, doubled and cheated: every message is there once, and every fault is told.
//!
//! `CARELAKE_KILL_ROUNDS` sets how often it is killed (8 if not set).
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_carelake");

fn message(number: usize) -> String {
    let extra = match number % 5 {
        0 => "NK1|1|KIN^ANN\r",
        1 => "AL1|1|DA|PEN\rZPI|1|x\r",
        _ => "PV1|1|I|W^1\r",
    };
    format!(
        "MSH|^~\\&|ADT|NORTH|LAB|SOUTH|20240101||ADT^A08^ADT_A01|C{number}|P|2.5\rPID|1||P{number}^^^NORTH^MR||STONE^ANNA\r{extra}"
    )
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        assert!(place.run(&["init"]).status.success());
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn lake(&self) -> PathBuf {
        self.path("lake")
    }

    /// A folder of one file for each message, and one file of others.
    fn feed(&self, name: &str, numbers: std::ops::Range<usize>) -> PathBuf {
        let folder = self.path(name);
        std::fs::create_dir_all(&folder).unwrap();
        let (small, large) = (
            numbers.start..numbers.start + numbers.len() / 3,
            numbers.start + numbers.len() / 3..numbers.end,
        );
        for number in small {
            std::fs::write(folder.join(format!("{number:06}.hl7")), message(number)).unwrap();
        }
        let all: String = large.map(message).collect();
        std::fs::write(folder.join("large.hl7"), all).unwrap();
        folder
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).env("CARELAKE_LAKE", self.lake()).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn start(&self, feed: &Path) -> Child {
        let mut command = self.command(&["ingest", feed.to_str().unwrap()]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}\n{text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    /// Each of so many messages is staged once, and the ledger closes to the byte.
    fn holds(&self, messages: usize) {
        let counts = "SELECT count(*) AS rows, count(DISTINCT message_id) AS ids, count(DISTINCT control_id) AS controls FROM staging";
        let text = self.text(&["sql", "--format", "csv", counts]);
        assert_eq!(text.lines().last().unwrap(), format!("{messages},{messages},{messages}"));
        self.text(&["verify"]);
    }

    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?} went well");
        assert!(text.contains("error: ") && text.contains("hint: "), "{arguments:?}: {text}");
        text
    }
}

#[test]
fn killed_at_any_moment_nothing_is_lost_and_nothing_doubled() {
    let place = Place::new();
    const MESSAGES: usize = 1_200;
    let feed = place.feed("feed", 0..MESSAGES);
    let rounds: u64 =
        std::env::var("CARELAKE_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(8);
    for round in 0..rounds {
        let mut runs: Vec<Child> = (0..1 + round % 2).map(|_| place.start(&feed)).collect();
        // From before the first write to after the last one, in steps that no run of this feed is in time with.
        std::thread::sleep(Duration::from_millis(30 + round * 397 % 2_500));
        for run in &mut runs {
            let signal = ["KILL", "TERM", "INT", "HUP"][round as usize % 4];
            let _ = Command::new("kill").args([&format!("-{signal}"), &run.id().to_string()]).status();
            run.wait().unwrap();
        }
    }
    let last = place.text(&["ingest", feed.to_str().unwrap()]);
    assert!(last.contains("received=1200 "), "{last}");
    place.holds(MESSAGES);
}

#[test]
fn two_at_once_with_the_same_files_and_with_columns_of_their_own() {
    let place = Place::new();
    let (one, other) = (place.feed("one", 0..300), place.feed("other", 200..600));
    let mut runs = [place.start(&one), place.start(&other), place.start(&one)];
    for run in &mut runs {
        assert!(run.wait().unwrap().success());
    }
    place.holds(600);
}

#[test]
fn damaged_files_are_named_with_what_to_do() {
    let place = Place::new();
    let feed = place.feed("feed", 0..30);
    place.text(&["ingest", feed.to_str().unwrap()]);
    let table = place.lake().join("staging/table");
    let parquet = std::fs::read_dir(&table).unwrap().map(|entry| entry.unwrap().path());
    let parquet =
        parquet.into_iter().find(|path| path.extension().is_some_and(|end| end == "parquet")).unwrap();
    let name = parquet.file_name().unwrap().to_str().unwrap().to_owned();
    let whole = std::fs::read(&parquet).unwrap();
    for damaged in [&whole[..whole.len() - 40], &b"PAR1"[..]] {
        std::fs::write(&parquet, damaged).unwrap();
        assert!(place.fails(&["ingest", feed.to_str().unwrap()]).contains(&name));
        assert!(place.fails(&["verify"]).contains(&name));
        assert!(place.fails(&["sql", "SELECT control_id FROM staging"]).contains(&name));
    }
    std::fs::remove_file(&parquet).unwrap();
    assert!(place.fails(&["ingest", feed.to_str().unwrap()]).contains(&name));
    std::fs::write(&parquet, whole).unwrap();
    std::fs::remove_file(table.join("_delta_log/00000000000000000001.json")).unwrap();
    for command in [&["ingest", feed.to_str().unwrap()][..], &["sql", "SELECT 1 FROM staging"], &["verify"]] {
        place.fails(command);
    }
    std::fs::write(place.lake().join("_carelake/format"), "99\n").unwrap();
    assert!(place.fails(&["sql", "SELECT 1"]).contains("format 99"));
}

#[test]
fn a_lake_that_cannot_be_written_is_told_and_nothing_is_lost() {
    let place = Place::new();
    let feed = place.feed("feed", 0..30);
    // A file stands where a folder of the lake must be made: even an administrator cannot write there.
    std::fs::write(place.lake().join("raw"), "").unwrap();
    let output = place.run(&["ingest", feed.to_str().unwrap()]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("raw/"), "{output:?}");
    std::fs::remove_file(place.lake().join("raw")).unwrap();
    place.text(&["ingest", feed.to_str().unwrap()]);
    place.holds(30);
}

#[test]
fn what_is_staged_after_all_is_in_error_no_more() {
    let place = Place::new();
    let path = place.path("odd.hl7");
    std::fs::write(&path, "MSH|^~\\&|A||||2024||ADT^A01^ADT_A01||P|2.5\rPID|1\r").unwrap();
    let count = ["sql", "--format", "csv", "SELECT count(*) FROM errors"];
    let file = path.to_str().unwrap();
    assert_eq!(
        place.text(&["ingest", "--strict", file]).trim(),
        "received=1 staged=0 error=1 duplicate=0 filtered=0"
    );
    assert_eq!(place.text(&count).lines().last(), Some("1"));
    assert_eq!(place.text(&["ingest", file]).trim(), "received=1 staged=1 error=0 duplicate=0 filtered=0");
    assert_eq!(place.text(&count).lines().last(), Some("0"));
    place.text(&["verify"]);
}

/// A file system of so many megabytes, for as long as the value lasts.
struct SmallDisk<'p>(&'p Path);

impl<'p> SmallDisk<'p> {
    fn mount(at: &'p Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn on_a_full_disk_the_run_stops_with_a_hint_and_the_same_run_completes_it_later() {
    let place = Place::new();
    let feed = place.feed("feed", 0..3_000);
    let disk = place.path("disk");
    let Some(_mounted) = SmallDisk::mount(&disk, "size=4m") else {
        eprintln!("SKIPPED: only an administrator can mount the small disk that this test fills");
        return;
    };
    let lake = disk.join("lake");
    let on_disk = |arguments: &[&str]| {
        let output = place.command(arguments).env("CARELAKE_LAKE", &lake).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert!(on_disk(&["init"]).0);
    let (is_done, told) = on_disk(&["ingest", feed.to_str().unwrap()]);
    assert!(!is_done && told.contains("No space left") && told.contains("make room"), "{told}");
    let grown = Command::new("mount").args(["-o", "remount,size=200m"]).arg(&disk).status().unwrap();
    assert!(grown.success());
    assert!(on_disk(&["ingest", feed.to_str().unwrap()]).0);
    assert!(on_disk(&["verify"]).0);
}

#[test]
fn a_field_of_a_hundred_megabytes_is_staged_and_a_message_over_the_limit_is_kept() {
    let place = Place::new();
    let document = "x".repeat(100 << 20);
    let large = format!("{}OBX|1|TX|D^doc||{document}\r{}", message(1), message(2));
    let path = place.path("large.hl7");
    std::fs::write(&path, large).unwrap();
    assert_eq!(
        place.text(&["ingest", path.to_str().unwrap()]).trim(),
        "received=2 staged=2 error=0 duplicate=0 filtered=0"
    );
    let over = format!("{}OBX|1|TX|D^doc||{document}{}\r{}", message(3), &document[..40 << 20], message(4));
    std::fs::write(&path, over).unwrap();
    assert_eq!(
        place.text(&["ingest", path.to_str().unwrap()]).trim(),
        "received=2 staged=1 error=1 duplicate=0 filtered=0"
    );
    let length = place.text(&[
        "sql",
        "--format",
        "csv",
        "SELECT octet_length(obx[1].observation_value[1].value) FROM staging WHERE control_id = 'C1'",
    ]);
    assert_eq!(length.lines().last().unwrap(), (100 << 20).to_string());
}
