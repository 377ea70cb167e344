//! The law of imports: which crate of this workspace may import which, and what must stay out of whose tree.
//! The compiler enforces what a manifest does not name; this test reads the manifests.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect, in its own functions too"
)]

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Each crate and the crates of ours it may import. What is not here may not be.
const LAW: &[(&str, &[&str])] = &[
    ("hl7", &[]),
    ("storage", &[]),
    ("tables", &["hl7"]),
    ("pipeline", &["hl7", "tables", "storage"]),
    ("query", &["tables", "storage"]),
    ("server", &["hl7", "pipeline"]),
    ("carelake", &["hl7", "tables", "storage", "pipeline", "query", "server"]),
    ("testkit", &[]),
    ("benches", &["hl7", "tables", "testkit"]),
    ("xtask", &["hl7"]),
];

/// What tests may import beside that: anyone the generator of feeds, and `query` the pipeline, to fill the lakes it asks.
const FOR_TESTS: &[(&str, &str)] = &[("*", "testkit"), ("query", "pipeline")];

/// A crate and words that no crate in its tree may have in its name.
const KEPT_OUT: &[(&str, &[&str])] = &[
    ("hl7", &["arrow", "tokio", "serde", "chrono", "object_store"]),
    ("tables", &["tokio", "parquet", "object_store", "deltalake", "datafusion"]),
    ("storage", &["arrow", "parquet", "deltalake", "datafusion"]),
    ("pipeline", &["datafusion"]),
    ("server", &["datafusion"]),
];

#[test]
fn no_crate_imports_what_the_law_does_not_name() {
    let packages = workspace_packages();
    let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut breaches = Vec::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let Some((_, allowed)) = LAW.iter().find(|(ruled, _)| *ruled == name) else {
            breaches.push(format!("{name} has no line in the law"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let imported = dependency["name"].as_str().unwrap();
            let for_tests = dependency["kind"] == "dev"
                && FOR_TESTS.iter().any(|(who, what)| (*who == "*" || *who == name) && *what == imported);
            if ours.contains(imported) && !allowed.contains(&imported) && !for_tests {
                breaches.push(format!("{name} imports {imported}"));
            }
        }
    }
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn only_query_imports_the_query_engine() {
    for package in workspace_packages() {
        let name = package["name"].as_str().unwrap();
        let dependencies = package["dependencies"].as_array().unwrap();
        let imports = dependencies.iter().any(|dependency| dependency["name"] == "datafusion");
        assert!(!imports || name == "query", "{name} imports datafusion");
    }
}

#[test]
fn heavy_crates_stay_out_of_light_trees() {
    for (package, words) in KEPT_OUT {
        let tree = cargo(&["tree", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"]);
        let found: BTreeSet<&str> = tree
            .lines()
            .filter_map(|line| line.split(' ').next())
            .filter(|name| words.iter().any(|word| name.contains(word)))
            .collect();
        assert!(tree.contains(package), "the tree of {package} is empty");
        assert!(found.is_empty(), "in the tree of {package}: {found:?}");
    }
}

fn workspace_packages() -> Vec<Value> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap().clone();
    assert!(packages.len() >= LAW.len(), "the workspace has fewer crates than the law");
    packages
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
