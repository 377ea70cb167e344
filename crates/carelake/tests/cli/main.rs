//! The command line as people and scripts see it.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod lake;
mod messages;
mod operation;

use std::path::Path;
use std::process::{Command, Output};

use expect_test::Expect;

/// The file `adt.hl7` of every test.
const ADT: &str = "MSH|^~\\&|ADT1|NORTH|LAB|NORTH|20240101120000||ADT^A01^ADT_A01|C1|P|2.5.1\rPID|1||P1^^^NORTH^MR||STONE^ANNA~STONE^ANNIE||19800101|F\r";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("adt.hl7"), ADT).unwrap();
        std::fs::write(folder.path().join("broken.hl7"), format!("{ADT}MSH|\rno header\r")).unwrap();
        std::fs::write(folder.path().join("text.txt"), "Patient Smith, no message").unwrap();
        std::fs::write(folder.path().join("empty.hl7"), "").unwrap();
        Self { folder }
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

    /// Exit code, stdout and stderr of a command, as one text.
    fn check(&self, arguments: &[&str], expected: &Expect) {
        let output = self.run(arguments);
        let mut text = format!("exit {}\n", output.status.code().unwrap_or(-1));
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        let stderr = String::from_utf8_lossy(&output.stderr);
        if !stderr.is_empty() {
            text.push_str(&format!("--- stderr\n{stderr}"));
        }
        expected.assert_eq(&text);
    }
}
