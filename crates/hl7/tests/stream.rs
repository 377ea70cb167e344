//! The splitter on generated streams and on the public corpus.

use std::collections::BTreeMap;
use std::fs;

use hl7::stream::{Piece, PieceKind, pieces};
use proptest::prelude::*;

use crate::corpus;
use crate::fuzz::targets::in_chunks;

/// What streams are made of.
const PARTS: &[&[u8]] = &[
    b"MSH|^~\\&|A|B",
    b"MSH",
    b"MSH|",
    b"MSHERRY",
    b"msh#*~#",
    b"MSH|^",
    b"\r",
    b"\n",
    b"\r\n",
    b"\x0B",
    b"\x1C",
    b"\x1C\r",
    b" ",
    b"\0",
    b"\xEF\xBB\xBF",
    b"\xEF\xBB",
    b"\xFF\xFE",
    b"\xFE\xFF",
    b"\x1A",
    b"FHS|^~\\&",
    b"BHS|^~\\&",
    b"BTS|1",
    b"FTS",
    b"SFT|x",
    b"PID|1",
    b"text",
    b"M\0S\0H\0|\0^\0~\0",
    b"\0M\0S\0H\0|\0^\0~",
    b"\r\0",
    b"\0\r",
    b"x\0",
    b"\0x",
    &[b'x'; 300],
    &[b'\r'; 300],
];

/// Streams in which every rule meets every other.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(PARTS), 0..40).prop_map(|parts| parts.concat())
}

fn assert_tiling(bytes: &[u8], found: &[Piece]) {
    let mut end = 0;
    for piece in found {
        assert_eq!(piece.offset, end);
        assert!(piece.length > 0);
        end = piece.end();
    }
    assert_eq!(end, bytes.len() as u64);
}

/// Shows the first difference only: there are thousands of pieces.
fn assert_same(found: &[Piece], expected: &[Piece]) {
    let different = found.iter().zip(expected).find(|(found, expected)| found != expected);
    assert_eq!(different, None);
    assert_eq!(found.len(), expected.len());
}

proptest! {
    #[test]
    fn pieces_tile_the_stream_however_it_is_cut(
        bytes in prop_oneof![4 => stream(), 1 => prop::collection::vec(any::<u8>(), 0..300)],
        chunks in prop::collection::vec(1_usize..40, 1..8),
        limit in prop_oneof![Just(16_usize), Just(1000), Just(1 << 20)],
    ) {
        let whole: Vec<_> = pieces(&bytes, limit).collect();
        assert_tiling(&bytes, &whole);
        assert_same(&in_chunks(&bytes, limit, &chunks), &whole);
    }

    /// Past the limit the splitter forgets bytes; the blanks it waits through make that 64 KiB later.
    #[test]
    fn long_streams_too(
        parts in prop::collection::vec((stream(), 1_usize..3000), 1..6),
        chunks in prop::collection::vec(1_usize..9000, 1..8),
        limit in 16_usize..5000,
    ) {
        let bytes: Vec<u8> = parts.iter().flat_map(|(part, times)| part.repeat(*times)).take(300_000).collect();
        let whole: Vec<_> = pieces(&bytes, limit).collect();
        assert_tiling(&bytes, &whole);
        assert_same(&in_chunks(&bytes, limit, &chunks), &whole);
    }
}

/// Where the splitter does not find as many messages as the manifest counts: the manifest leaves out headers
/// that end after `MSH|` or `MSH|^~`, which are messages too, if broken ones.
const OTHER_COUNTS: &[(&str, usize)] = &[
    ("open/ballerina/_extracted/hl7v24/tests/parser_tests.bal.001.hl7", 2),
    ("open/ballerina/_extracted/hl7v25/tests/parser_tests.bal.001.hl7", 2),
    ("open/ballerina/_extracted/hl7v26/tests/parser_tests.bal.001.hl7", 2),
    ("open/ballerina/_extracted/hl7v27/tests/parser_tests.bal.001.hl7", 2),
    ("open/ballerina/_extracted/hl7v28/tests/parser_tests.bal.001.hl7", 2),
    ("open/cosyte/test/fixtures/batch/malformed-mid-batch.hl7", 3),
    ("open/cosyte/test/fixtures/stream/malformed-mid-stream.hl7", 3),
];

#[test]
fn the_corpus_has_as_many_messages_as_its_manifest_says() {
    let Some(corpus) = corpus::folder() else { return };
    let manifest = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut lines = manifest.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name: &str| header.iter().position(|&title| title == name).unwrap();
    let (path, count) = (column("path"), column("n_msh"));
    let mut different = BTreeMap::new();
    let (mut files, mut messages, mut junk) = (0, 0, 0);
    for row in lines {
        let bytes = fs::read(corpus.join(row[path])).unwrap();
        let found: Vec<_> = pieces(&bytes, 1 << 27).collect();
        assert_tiling(&bytes, &found);
        let found_messages = found.iter().filter(|piece| piece.kind == PieceKind::Message).count();
        if found_messages != row[count].parse::<usize>().unwrap() {
            different.insert(row[path].to_owned(), found_messages);
        }
        files += 1;
        messages += found_messages;
        junk += found.iter().filter(|piece| piece.kind == PieceKind::Junk).count();
    }
    println!("{files} files: {messages} messages, {junk} pieces of junk");
    let expected: BTreeMap<_, _> =
        OTHER_COUNTS.iter().map(|&(path, count)| (path.to_owned(), count)).collect();
    assert_eq!(different, expected);
}
