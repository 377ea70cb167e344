//! Columns and `unmapped` together hold every value of every message.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use hl7::stream::PieceKind;

#[test]
fn every_leaf_is_in_the_row() {
    for (path, bytes) in crate::inputs() {
        assert_row_holds(&path.display().to_string(), &bytes, &crate::batch(&[&bytes]), 0);
    }
}

#[test]
fn every_leaf_of_the_corpus_is_in_its_row() {
    let Some(messages) = corpus() else { return };
    let mut parser = hl7::Parser::default();
    let readable: Vec<&[u8]> =
        messages.iter().map(Vec::as_slice).filter(|bytes| parser.parse(bytes).is_ok()).collect();
    assert!(readable.len() > 3_000, "the corpus was not read");
    for (number, chunk) in readable.chunks(500).enumerate() {
        let batch = crate::batch(chunk);
        for (row, bytes) in chunk.iter().enumerate() {
            assert_row_holds(&format!("corpus message {}", number * 500 + row), bytes, &batch, row);
        }
    }
}

fn assert_row_holds(name: &str, bytes: &[u8], batch: &RecordBatch, row: usize) {
    let mut held = texts_by_segment(batch, row);
    let mut parser = hl7::Parser::default();
    let message = parser.parse(bytes).unwrap();
    let mut scratch = String::new();
    message.leaves(|at, value| {
        let text = message.text(value, &mut scratch).text.to_owned();
        let count = held.get_mut(&(at.segment_index, text)).filter(|count| **count > 0);
        match count {
            Some(count) => *count -= 1,
            None => panic!(
                "{name}: segment {} field {} component {} is not in the row",
                at.segment_index, at.field, at.component
            ),
        }
    });
}

/// How often each text stands in the columns and in `unmapped` of a row, by the segment it came from.
fn texts_by_segment(batch: &RecordBatch, row: usize) -> HashMap<(u32, String), usize> {
    let values = crate::row_values(batch, row);
    let mut segment_of: HashMap<&str, u32> = HashMap::new();
    for (path, text) in &values {
        if let Some(segment) = path.strip_suffix(".segment_index") {
            segment_of.insert(segment, text.parse().unwrap());
        }
    }
    let mut held = HashMap::new();
    for (path, text) in &values {
        // `pid.…`, `obx[3].…`, `unmapped[7].value`: the segment is what stands before the first dot.
        let Some((segment, below)) = path.split_once('.') else { continue };
        let is_value =
            if segment.starts_with("unmapped") { below == "value" } else { !below.ends_with("_index") };
        if is_value {
            *held.entry((segment_of[segment], text.clone())).or_default() += 1;
        }
    }
    held
}

/// Every message of the public corpus, if it is there.
fn corpus() -> Option<Vec<Vec<u8>>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let root = std::env::var_os("CARELAKE_CORPUS").map_or(beside, PathBuf::from);
    if !root.join("MANIFEST.tsv").is_file() {
        println!("skipped: no corpus at {}", root.display());
        return None;
    }
    let (mut messages, mut folders) = (Vec::new(), vec![root.join("open")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for piece in hl7::stream::pieces(&bytes, 128 << 20) {
                if piece.kind == PieceKind::Message {
                    messages.push(bytes[piece.offset as usize..][..piece.length as usize].to_vec());
                }
            }
        }
    }
    Some(messages)
}
