//! What must hold for any bytes: the bodies of the fuzz targets, which the tests of `hl7` run as well.
//!
//! Each function takes bytes from a fuzzer and panics if something does not hold.

use hl7::ack::{Fault, Outcome, Reply, Request};
use hl7::charset::{Charset, HiddenBytes, detect};
use hl7::escape::{escape, unescape};
use hl7::json::TreeWriter;
use hl7::mllp::{Decoder, END, Event, START, frame};
use hl7::stream::{Piece, PieceKind, Splitter, pieces};
use hl7::timestamp::{Time, Timestamp};
use hl7::{Delimiters, Parser};

/// The pieces of a stream tile it, and are the same however it is cut into chunks.
pub fn stream(data: &[u8]) {
    let (settings, bytes) = settings::<3>(data);
    let limit = 16 << (settings[0] % 12);
    let whole: Vec<_> = pieces(bytes, limit).collect();
    let mut end = 0;
    for piece in &whole {
        assert_eq!(piece.offset, end, "a gap or an overlap");
        assert!(piece.length > 0, "an empty piece");
        end = piece.end();
    }
    assert_eq!(end, bytes.len() as u64, "bytes are left over");
    let chunks = [usize::from(settings[1]) + 1, usize::from(settings[2] % 7) + 1];
    let cut = in_chunks(bytes, limit, &chunks);
    // The first difference only: there may be thousands of pieces.
    assert_eq!(cut.iter().zip(&whole).find(|(cut, whole)| cut != whole), None);
    assert_eq!(cut.len(), whole.len());
}

/// The frames of a connection are the same however its bytes are cut; what is framed comes back.
pub fn mllp(data: &[u8]) {
    let (settings, bytes) = settings::<3>(data);
    let limit = 16 << (settings[0] % 12);
    let whole = mllp_events(bytes, limit, bytes.len().max(1));
    let told: u64 = whole.iter().map(|(_, length, _)| length).sum();
    assert!(told <= bytes.len() as u64, "more bytes than came");
    for piece in [settings[1] as usize + 1, settings[2] as usize % 7 + 1] {
        assert_eq!(mllp_events(bytes, limit, piece), whole);
    }
    let plain: Vec<u8> = bytes.iter().copied().filter(|byte| !matches!(*byte, START | END)).collect();
    let mut framed = Vec::new();
    frame(&plain, &mut framed);
    let events = mllp_events(&framed, plain.len(), 1 + settings[1] as usize);
    assert_eq!(events, [("frame", plain.len() as u64, plain)]);
}

/// The kind of each event, its length, and the bytes of frames.
fn mllp_events(bytes: &[u8], limit: usize, piece: usize) -> Vec<(&'static str, u64, Vec<u8>)> {
    let mut decoder = Decoder::new(limit);
    let mut events = Vec::new();
    let mut take = |decoder: &mut Decoder| {
        while let Some(event) = decoder.next() {
            events.push(match event {
                Event::Frame(bytes) => ("frame", bytes.len() as u64, bytes.to_vec()),
                Event::TooLong { length, .. } => ("too long", length, Vec::new()),
                Event::CutOff { length } => ("cut off", length, Vec::new()),
                Event::Skipped { length } => ("skipped", length, Vec::new()),
            });
        }
    };
    for piece in bytes.chunks(piece) {
        decoder.feed(piece);
        take(&mut decoder);
    }
    decoder.close();
    take(&mut decoder);
    events
}

/// Whatever a message is, its answer can be read, and names the same control ID if the message could be read.
pub fn ack(data: &[u8]) {
    let (settings, bytes) = settings::<1>(data);
    let request = Request::read(bytes);
    let outcomes = [Outcome::Accepted, Outcome::Failed, Outcome::Rejected];
    let Some(code) = request.code(outcomes[usize::from(settings[0] % 3)]) else { return };
    let place = Some(("PID", [1, 5, 0, 0, 0]));
    let fault = Fault { code: 207, name: "Application error", text: "the disk is full", place };
    let fault = (!code.is_accept()).then_some(fault);
    let mut answer = Vec::new();
    request.write(code, &Reply { time: "20260131", control_id: "1", fault }, &mut answer);
    let mut parser = Parser::default();
    let answered = parser.parse(&answer).map(|answer| answer.segments().count());
    assert_eq!(answered.ok(), Some(if code.is_accept() { 2 } else { 3 }));
}

/// Escaped text comes back; anything can be unescaped.
pub fn escapes(data: &[u8]) {
    let (settings, bytes) = settings::<7>(data);
    let delimiters = delimiters(&settings);
    let charset = charset(settings[6]);
    let mut text = String::from("kept");
    unescape(bytes, &delimiters, charset, &mut text);
    assert!(text.starts_with("kept"));
    let original = String::from_utf8_lossy(bytes);
    let mut raw = Vec::new();
    escape(&original, &delimiters, &mut raw);
    text.clear();
    let odd = unescape(&raw, &delimiters, Charset::Utf8, &mut text);
    assert_eq!(text, original);
    assert!(!odd.fallback);
    assert!(!odd.malformed || delimiters.escape.is_none());
}

/// Whatever the charset, bytes are text, and are had back from it where they fell back; hidden bytes are in
/// order.
pub fn charsets(data: &[u8]) {
    let (settings, bytes) = settings::<3>(data);
    let declared = &bytes[..bytes.len().min(usize::from(settings[0] % 32))];
    let detected = detect(declared, bytes, (settings[1] > 127).then(|| charset(settings[1]))).charset;
    for charset in [detected, charset(settings[2])] {
        let mut text = String::new();
        if charset.decode_into(bytes, &mut text) {
            let mut back = Vec::new();
            assert!(Charset::Windows1252.encode_into(&text, &mut back));
            assert_eq!(back, bytes);
        }
        let mut out = String::new();
        assert_eq!(charset.decode(bytes, &mut out).text, text);
        let hidden = HiddenBytes::new(charset, bytes, Some(b'\\'));
        let mut covers = hidden.clone();
        let mut end = 0;
        for range in hidden {
            assert!(end <= range.start && range.start < range.end && range.end <= bytes.len());
            assert!(!covers.covers(end) || end == range.start);
            assert!(covers.covers(range.start) && covers.covers(range.end - 1));
            end = range.end;
        }
    }
}

/// Timestamps are written as they were read.
pub fn timestamps(data: &[u8]) {
    if let Some(timestamp) = Timestamp::parse(data) {
        assert_eq!(timestamp.to_string().as_bytes(), data);
        timestamp.to_rfc_3339();
        timestamp.unix_microseconds(0);
    }
    if let Some(time) = Time::parse(data) {
        assert_eq!(time.to_string().as_bytes(), data);
    }
}

/// Parsing, listing and writing never fail but by an error, and give the same whatever was parsed before.
pub fn parse(data: &[u8]) {
    const OTHER: &[u8] = b"MSH#*~!%#A##\xFF#####ORU*R01#1#P#2.3\rPID#1##A*B%C\rOBX#1#CE#x##a*b~c\rZZZ#!F!\r";
    let mut used = (Parser::default(), TreeWriter::default());
    report(OTHER, &mut used);
    let with_used = report(data, &mut used);
    let with_fresh = report(data, &mut (Parser::default(), TreeWriter::default()));
    assert_eq!(with_used, with_fresh);
    report(&data[..data.len() / 2], &mut used);
}

/// All that the engine says of a message, as text.
fn report(bytes: &[u8], (parser, writer): &mut (Parser, TreeWriter)) -> String {
    let message = match parser.parse(bytes) {
        Ok(message) => message,
        Err(error) => {
            assert!(error.offset() <= bytes.len());
            return error.to_string();
        }
    };
    let mut report = String::new();
    message.write_leaves(&mut report);
    let document = writer.write(&message);
    report.push_str(core::str::from_utf8(document).expect("a JSON document is text"));
    report
        + &format!(
            "{:?}{:?}{:?}",
            message.charset(),
            message.warnings(),
            writer.warnings().collect::<Vec<_>>()
        )
}

/// The pieces of a stream that comes in chunks, the sizes being used in turn.
pub fn in_chunks(bytes: &[u8], limit: usize, chunks: &[usize]) -> Vec<Piece> {
    let mut splitter = Splitter::new(limit);
    let mut chunks = chunks.iter().cycle();
    let (mut found, mut start, mut given) = (Vec::new(), 0, 0);
    loop {
        let at_end = given == bytes.len();
        loop {
            let step = splitter.advance(&bytes[start..given], at_end);
            if let Some(piece) = step.piece {
                if !matches!(piece.kind, PieceKind::Framing | PieceKind::TooLong) {
                    assert_eq!((piece.offset, piece.length), (start as u64, step.consumed as u64));
                }
                found.push(piece);
            }
            start += step.consumed;
            if step.piece.is_none() {
                break;
            }
        }
        if at_end {
            assert_eq!(start, bytes.len());
            return found;
        }
        given = bytes.len().min(given + chunks.next().map_or(1, |&size| size));
    }
}

/// The first bytes as settings, zero if there are not so many, and the rest.
fn settings<const COUNT: usize>(data: &[u8]) -> ([u8; COUNT], &[u8]) {
    data.split_first_chunk().map_or(([0; COUNT], data), |(settings, rest)| (*settings, rest))
}

/// Delimiters of all kinds, some of them absent or the same.
fn delimiters(settings: &[u8]) -> Delimiters {
    if settings[0].is_multiple_of(2) {
        return Delimiters::STANDARD;
    }
    let possible: Vec<u8> = (0..=127).filter(|&byte| Delimiters::can_delimit(byte)).collect();
    let choose = |setting: u8| possible[usize::from(setting) % possible.len()];
    let maybe = |setting: u8| (setting < 200).then(|| choose(setting));
    Delimiters {
        field: choose(settings[0]),
        component: choose(settings[1]),
        repetition: choose(settings[2]),
        escape: maybe(settings[3]),
        subcomponent: maybe(settings[4]),
        truncation: maybe(settings[5]),
    }
}

fn charset(setting: u8) -> Charset {
    const NAMES: [&str; 22] = [
        "ASCII",
        "UNICODE UTF-8",
        "8859/1",
        "8859/2",
        "8859/3",
        "8859/4",
        "8859/5",
        "8859/6",
        "8859/7",
        "8859/8",
        "8859/9",
        "8859/15",
        "windows-1252",
        "ISO IR87",
        "ISO IR13",
        "Shift_JIS",
        "EUC-JP",
        "GB 18030-2000",
        "BIG-5",
        "KS X 1001",
        "CNS 11643-1992",
        "windows-1251",
    ];
    Charset::from_name(NAMES[usize::from(setting) % NAMES.len()].as_bytes()).unwrap_or(Charset::Ascii)
}
