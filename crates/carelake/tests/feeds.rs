//! The rules of a feed, whichever way its messages come.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const CONFIG: &str = r#"
[feeds.lab]
charset = "8859/2"
drop = ["ACK", "unchanged ADT^A31"]

[mllp.default]
listen = "127.0.0.1:0"
feed = "lab"

[http]
listen = "off"

[raw_folder]
ready = "rename"
"#;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(place.path().join("carelake.toml"), CONFIG).unwrap();
        assert!(place.run(&["init"]).status.success());
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_carelake"));
        command.args(arguments).current_dir(self.path()).env_remove("CARELAKE_LAKE");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// What a command that ends well prints.
    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}\n{told}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn last_line(&self, arguments: &[&str]) -> String {
        self.text(arguments).lines().last().unwrap().to_owned()
    }

    fn file(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    /// The fates of the messages of a feed.
    fn fates(&self, feed: &str) -> String {
        let query = format!(
            "SELECT fate, coalesce(filtered_by, '') AS rule, count(*) AS n FROM receipts WHERE feed = '{feed}' GROUP BY 1, 2 ORDER BY 1, 2"
        );
        let text = self.text(&["sql", "--format", "csv", &query]);
        text.lines().skip(1).collect::<Vec<_>>().join("; ")
    }
}

/// In ISO 8859-2, without saying so.
fn message(event: &str, control_id: &str) -> Vec<u8> {
    let head =
        format!("MSH|^~\\&|A|B|C|D|2026||ADT^{event}|{control_id}|P|2.5\rEVN|{event}|2026\rPID|1||7^^^X||Wa");
    [head.as_bytes(), b"\xb3\xeasa\rPV1|1|I\r"].concat()
}

const ACK: &[u8] = b"MSH|^~\\&|A|B|C|D|2026||ACK|C0|P|2.5\rMSA|AA|1\r";

/// An ACK, a change, another that changes nothing, and the same admission twice.
fn lab() -> Vec<u8> {
    let admission = message("A01", "C3");
    [ACK, &message("A31", "C1"), &message("A31", "C2"), &admission, &admission].concat()
}

#[test]
fn files_by_hand_are_under_the_rules_of_their_feed_and_stay_so() {
    let place = Place::new();
    place.file("lab.hl7", &lab());
    let told = place.last_line(&["ingest", "--feed", "lab", "lab.hl7"]);
    assert_eq!(told, "received=5 staged=2 error=0 duplicate=1 filtered=2");
    let fates = "duplicate,,1; filtered,ACK,1; filtered,unchanged ADT^A31,1; staged,,2";
    assert_eq!(place.fates("lab"), fates);
    let names = "SELECT DISTINCT charset, pid.patient_name.family_name FROM staging WHERE feed = 'lab'";
    let as_it_was_meant = "8859/2,Wałęsa";
    assert_eq!(place.last_line(&["sql", "--format", "csv", names]), as_it_was_meant);
    assert_eq!(place.last_line(&["replay"]), "replayed=2 staged=2 error=0 kept=0");
    assert_eq!(place.fates("lab"), fates);
    assert_eq!(place.last_line(&["sql", "--format", "csv", names]), as_it_was_meant);
    let verified = place.text(&["verify"]);
    assert!(
        verified.ends_with("received=5 staged=2 error=0 duplicate=1 filtered=2 pending=0\n"),
        "{verified}"
    );

    // --strict comes on top, and other feeds have no part in it.
    let told = place.last_line(&["ingest", "--feed", "lab", "--strict", "lab.hl7"]);
    assert_eq!(told, "received=5 staged=0 error=0 duplicate=3 filtered=2");
    let told = place.last_line(&["ingest", "lab.hl7"]);
    assert_eq!(told, "received=5 staged=4 error=0 duplicate=1 filtered=0");
    // Rules of another file.
    place.file("other.toml", b"[feeds.lab]\ndrop = [\"ADT^A01\"]\n");
    let told = place.last_line(&["ingest", "--feed", "lab", "--config", "other.toml", "lab.hl7"]);
    assert_eq!(told, "received=5 staged=2 error=0 duplicate=1 filtered=2");
    assert!(place.run(&["verify"]).status.success());
}

#[test]
fn rules_that_cannot_be_read_let_nothing_in_and_doors_do_not_matter_to_files() {
    let place = Place::new();
    place.file("lab.hl7", &lab());
    place.file("carelake.toml", b"[feeds.lab]\ndrop = \"ACK\"\n");
    let refused = place.run(&["ingest", "--feed", "lab", "lab.hl7"]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("error: ") && told.contains("hint: ") && told.contains("drop"), "{told}");
    let tls = "\n[http.tls]\ncertificate = \"not-there.pem\"\nkey = \"not-there.pem\"\n";
    place.file("carelake.toml", format!("[feeds.lab]\ndrop = [\"ACK\"]\n{tls}").as_bytes());
    let told = place.last_line(&["ingest", "--feed", "lab", "lab.hl7"]);
    assert_eq!(told, "received=5 staged=3 error=0 duplicate=1 filtered=1");
}

/// A server that ends with the test.
struct Serving {
    process: Child,
    mllp: String,
}

impl Serving {
    fn begin(place: &Place) -> Self {
        let mut command = place.command(&["serve"]);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut told = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut told).unwrap();
        let mllp = told.trim().rsplit(' ').next().unwrap().to_owned();
        Self { process, mllp }
    }

    fn end(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        assert!(asked.unwrap().success());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_folder_and_a_door_of_one_server_remember_together() {
    let place = Place::new();
    let mut serving = Serving::begin(&place);
    let mut stream = TcpStream::connect(&serving.mllp).unwrap();
    stream.write_all(&[b"\x0b", &message("A31", "C9")[..], b"\x1c\r"].concat()).unwrap();
    let mut answer = [0; 16];
    stream.read_exact(&mut answer).unwrap();
    // Neither A31 of the file changes anything since.
    let dropped = place.path().join("lake/raw/lab");
    std::fs::create_dir_all(&dropped).unwrap();
    place.file("lab.hl7", &lab());
    std::fs::rename(place.path().join("lab.hl7"), dropped.join("lab.hl7")).unwrap();
    let begun = Instant::now();
    while dropped.join("lab.hl7").exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it is taken up");
        std::thread::sleep(Duration::from_millis(50));
    }
    serving.end();
    assert_eq!(place.fates("lab"), "duplicate,,1; filtered,ACK,1; filtered,unchanged ADT^A31,2; staged,,2");
    let names = "SELECT DISTINCT charset, pid.patient_name.family_name FROM staging";
    assert_eq!(place.last_line(&["sql", "--format", "csv", names]), "8859/2,Wałęsa");
    assert!(place.run(&["verify"]).status.success());
}
