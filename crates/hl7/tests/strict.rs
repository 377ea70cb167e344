//! File pairs of strict validation: `testdata/strict/NAME.hl7` beside `NAME.findings`, which lists what breaks
//! the standard. A file whose name begins with `conformant` has no finding. `UPDATE_EXPECT=1 cargo test`
//! rewrites the expectations.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use hl7::{Finding, FindingCode, Message, Parser, Validator};

use crate::corpus;

#[test]
fn findings_are_as_listed() {
    let files = inputs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/strict"));
    let mut seen: Vec<FindingCode> = Vec::new();
    let mut validator = Validator::default();
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let mut parser = Parser::default();
        let message = parser.parse(&bytes).unwrap();
        let findings = validator.validate(&message);
        let mut listed = String::new();
        for finding in findings {
            writeln!(
                listed,
                "{} at {} byte {}: expected {}",
                finding.code,
                place(&message, finding),
                finding.offset,
                finding.expected
            )
            .unwrap();
        }
        seen.extend(findings.iter().map(|finding| finding.code));
        expect_file![file.with_extension("findings")].assert_eq(&listed);
        let name = file.file_stem().unwrap().to_string_lossy();
        assert_eq!(name.starts_with("conformant"), findings.is_empty(), "{name}: {listed}");
    }
    for code in FindingCode::ALL {
        assert!(seen.contains(code), "no file shows {code}");
    }
}

#[test]
fn codes_are_stable_words() {
    for code in FindingCode::ALL {
        assert!(code.as_str().starts_with("strict_"));
        assert!(code.as_str().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        assert!(!code.section().is_empty());
    }
}

#[test]
fn findings_never_quote_the_message() {
    let marker = "Qx7marker";
    let bytes = format!(
        "MSH|^~\\&|A|B|||{marker}||ADT^A01^{marker}|1|{marker}|2.5.1\rEVN||{marker}\r{}",
        format!("PID|{marker}|{marker}&{marker}^{marker}\r").repeat(2)
    );
    let mut parser = Parser::default();
    let message = parser.parse(bytes.as_bytes()).unwrap();
    let mut validator = Validator::default();
    let findings = validator.validate(&message);
    assert!(findings.len() > 5);
    for finding in findings {
        assert!(!format!("{finding:?} {}", finding.expected).contains(marker));
    }
    assert!(!format!("{validator:?}").contains(marker));
}

/// Every finding of the corpus points into its message, and none of the messages brings the validator down.
#[test]
fn the_corpus_can_be_validated() {
    let Some(messages) = corpus::messages() else { return };
    let mut validator = Validator::default();
    let mut parser = Parser::default();
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut read, mut conformant) = (0, 0);
    for bytes in &messages {
        let Ok(message) = parser.parse(bytes) else { continue };
        read += 1;
        let findings = validator.validate(&message);
        conformant += usize::from(findings.is_empty());
        let mut last = (0, 0);
        let mut in_message: Vec<&str> = Vec::new();
        for finding in findings {
            let at = (finding.place.segment_index, finding.offset);
            assert!(at >= last, "findings are in message order");
            last = at;
            assert!(finding.offset <= message.bytes().len());
            assert!(message.segment_at(finding.place.segment_index as usize).is_some());
            counts.entry(finding.code.as_str()).or_default().0 += 1;
            if !in_message.contains(&finding.code.as_str()) {
                in_message.push(finding.code.as_str());
            }
        }
        for code in in_message {
            counts.entry(code).or_default().1 += 1;
        }
    }
    println!("{read} messages, {conformant} without a finding");
    for (code, (findings, messages)) in counts {
        println!("{code:<26} {findings:>7} findings in {messages:>6} messages");
    }
    assert!(conformant > 0 && conformant < read);
}

/// `PID[1]-3[2].4.1`, as deep as the finding goes.
fn place(message: &Message<'_>, finding: &Finding) -> String {
    let at = finding.place;
    let Some(segment) = message.segment_at(at.segment_index as usize) else { return "the message".into() };
    let mut out = format!("{}[{}]", String::from_utf8_lossy(&segment.id()), segment.occurrence());
    if at.field > 0 {
        write!(out, "-{}", at.field).unwrap();
    }
    if at.repetition > 1 {
        write!(out, "[{}]", at.repetition).unwrap();
    }
    for number in [at.component, at.subcomponent] {
        if number > 0 {
            write!(out, ".{number}").unwrap();
        }
    }
    out
}

fn inputs(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hl7"))
        .collect();
    files.sort();
    files
}
