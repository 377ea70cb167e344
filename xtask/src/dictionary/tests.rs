//! What is committed is what the tables give, and no change of datatype is left unruled.

use super::{packed, workspace};

#[test]
fn the_packed_files_are_those_of_the_tables() {
    let folder = workspace().join("crates/hl7/src/dictionary/packed");
    let (files, _) = packed().unwrap();
    for (name, bytes) in files {
        let committed = std::fs::read(folder.join(name)).unwrap();
        assert!(committed == bytes, "{name} is out of date: cargo xtask dictionary --pack");
    }
}

#[test]
fn every_change_of_datatype_is_ruled() {
    let (_, report) = packed().unwrap();
    let unruled: Vec<&str> = report.lines().filter(|line| line.starts_with("unruled")).collect();
    assert!(unruled.is_empty(), "{}", unruled.join("\n"));
}
