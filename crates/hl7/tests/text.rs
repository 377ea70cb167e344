//! Charsets and escape sequences on the public corpus.

use std::collections::BTreeMap;
use std::fs;

use hl7::Delimiters;
use hl7::charset::{CharsetWarning, detect};
use hl7::escape::unescape;
use hl7::stream::{PieceKind, pieces};

use crate::corpus;

#[test]
fn the_charset_of_each_message_explains_all_its_values() {
    let Some(corpus) = corpus::folder() else { return };
    let manifest = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let (mut declared_as, mut malformed) = (BTreeMap::new(), 0);
    let mut fallbacks = Vec::new();
    for row in manifest.lines().skip(1) {
        let path = row.split('\t').next().unwrap();
        let bytes = fs::read(corpus.join(path)).unwrap();
        for piece in pieces(&bytes, 1 << 27).filter(|piece| piece.kind == PieceKind::Message) {
            let message = &bytes[piece.offset as usize..piece.end() as usize];
            let delimiters = Delimiters::from_header(message).unwrap();
            let header = message.split(|&byte| matches!(byte, b'\r' | b'\n')).next().unwrap();
            let declared = header.split(|&byte| byte == delimiters.field).nth(17).unwrap_or_default();
            let found = detect(declared, message, None);
            *declared_as.entry((found.charset.name(), found.warning.map(name))).or_insert(0) += 1;
            let mut text = String::new();
            let body = &message[header.len()..];
            for value in body.split(|&byte| byte == delimiters.field || byte == b'\r' || byte == b'\n') {
                let odd = unescape(value, &delimiters, found.charset, &mut text);
                malformed += usize::from(odd.malformed);
                if odd.fallback {
                    fallbacks.push(path.to_owned());
                }
            }
        }
    }
    println!("{declared_as:#?}, {malformed} values with malformed escape sequences");
    fallbacks.dedup();
    assert_eq!(fallbacks, [""; 0]);
}

fn name(warning: CharsetWarning) -> &'static str {
    match warning {
        CharsetWarning::Undeclared => "undeclared",
        CharsetWarning::Unknown => "unknown",
        CharsetWarning::Wrong => "wrong",
    }
}
