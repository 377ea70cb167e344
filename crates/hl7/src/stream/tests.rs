use super::PieceKind::{BatchHeader, BatchTrailer, FileHeader, FileTrailer, Framing, Junk, Message, TooLong};
use super::*;

fn split(bytes: &[u8]) -> Vec<(PieceKind, String)> {
    split_with(bytes, 1 << 20)
}

fn split_with(bytes: &[u8], limit: usize) -> Vec<(PieceKind, String)> {
    pieces(bytes, limit)
        .map(|piece| {
            let range = piece.offset as usize..piece.end() as usize;
            (piece.kind, bytes[range].escape_ascii().to_string())
        })
        .collect()
}

/// The same as [`split_with`], but with chunks of `chunk` bytes and a buffer that forgets.
fn split_in_chunks(bytes: &[u8], limit: usize, chunk: usize) -> Vec<Piece> {
    let mut splitter = Splitter::new(limit);
    let (mut buffer, mut found, mut given) = (Vec::new(), Vec::new(), 0);
    loop {
        let at_end = given == bytes.len();
        loop {
            let step = splitter.advance(&buffer, at_end);
            if let Some(piece) = step.piece {
                let is_kept = !matches!(piece.kind, Framing | TooLong);
                assert!(
                    !is_kept || buffer[..step.consumed] == bytes[piece.offset as usize..piece.end() as usize]
                );
                found.push(piece);
            }
            buffer.drain(..step.consumed);
            if step.piece.is_none() {
                break;
            }
        }
        assert!(buffer.len() <= limit + (64 << 10) + 64 + chunk, "the buffer grew to {}", buffer.len());
        if at_end {
            assert!(buffer.is_empty());
            return found;
        }
        let next = bytes.len().min(given + chunk);
        buffer.extend_from_slice(&bytes[given..next]);
        given = next;
    }
}

fn expect(bytes: &[u8], expected: &[(PieceKind, &str)]) {
    let found = split(bytes);
    let found: Vec<_> = found.iter().map(|(kind, text)| (*kind, text.as_str())).collect();
    assert_eq!(found, expected);
    for chunk in [1, 2, 3, 7, 64] {
        let in_chunks = split_in_chunks(bytes, 1 << 20, chunk);
        assert_eq!(in_chunks, pieces(bytes, 1 << 20).collect::<Vec<_>>(), "in chunks of {chunk}");
    }
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

#[test]
fn nothing_and_nothing_but_blanks() {
    expect(b"", &[]);
    expect(b"\r\n \0\x1A", &[(Framing, "\\r\\n \\x00\\x1a")]);
    expect(b"\xEF\xBB", &[(Junk, "\\xef\\xbb")]);
}

#[test]
fn a_message_ends_before_its_last_terminator() {
    for end in ["", "\r", "\n", "\r\n", "\r\n\r\n", "\r \t\r", "\0\0", "\x1A", "\r\n\x1A", "\x0B\r"] {
        let file = format!("MSH|^~\\&|A\rPID|1| {end}");
        let mut expected = vec![(Message, "MSH|^~\\\\&|A\\rPID|1| ".to_owned())];
        if !end.is_empty() {
            expected.push((Framing, end.as_bytes().escape_ascii().to_string()));
        }
        assert_eq!(split(file.as_bytes()), expected, "{end:?}");
    }
}

#[test]
fn letters_in_text_begin_no_message() {
    for text in [
        "MSHERRY^JOHN",
        "MSH CLINIC",
        "x|MSH|^~\\&|y",
        "\rMSHERRY",
        "\rMSH CLINIC",
        "\r MSH|12345678|",
        "\nMSH-3 is",
    ] {
        let file = format!("MSH|^~\\&|MSH CLINIC\rNTE|1||{text}\rPID|1");
        assert_eq!(split(file.as_bytes()).len(), 1, "{text:?}");
    }
}

#[test]
fn messages_follow_each_other() {
    expect(
        b"\xEF\xBB\xBF\n  MSH|^~\\&|A\n\n\xEF\xBB\xBFmsh|^~\\&|B\rMSH|\r\x0BMSH#*~#",
        &[
            (Framing, "\\xef\\xbb\\xbf\\n  "),
            (Message, "MSH|^~\\\\&|A"),
            (Framing, "\\n\\n\\xef\\xbb\\xbf"),
            (Message, "msh|^~\\\\&|B"),
            (Framing, "\\r"),
            (Message, "MSH|"),
            (Framing, "\\r\\x0b"),
            (Message, "MSH#*~#"),
        ],
    );
}

#[test]
fn mllp_blocks() {
    expect(
        b"\x0BMSH|^~\\&|A\rPID|1\x1C\x0BMSH|^~\\&|B\x0Bb\r\x1C\rtext\r\x0BMSH|^~\\&|C\x0BMSH|^~\\&|D",
        &[
            (Framing, "\\x0b"),
            (Message, "MSH|^~\\\\&|A\\rPID|1"),
            (Framing, "\\x1c\\x0b"),
            (Message, "MSH|^~\\\\&|B\\x0bb"),
            (Framing, "\\r\\x1c\\r"),
            (Junk, "text"),
            (Framing, "\\r\\x0b"),
            (Message, "MSH|^~\\\\&|C"),
            (Framing, "\\x0b"),
            (Message, "MSH|^~\\\\&|D"),
        ],
    );
}

#[test]
fn batches_and_their_companions() {
    expect(
        b"FHS|^~\\&|A\rSFT|x\rBHS|^~\\&\rMSH|^~\\&|A\rSFT|y\rBTS|1\rnote\rFTS\r",
        &[
            (FileHeader, "FHS|^~\\\\&|A\\rSFT|x"),
            (Framing, "\\r"),
            (BatchHeader, "BHS|^~\\\\&"),
            (Framing, "\\r"),
            (Message, "MSH|^~\\\\&|A\\rSFT|y"),
            (Framing, "\\r"),
            (BatchTrailer, "BTS|1"),
            (Framing, "\\r"),
            (Junk, "note"),
            (Framing, "\\r"),
            (FileTrailer, "FTS"),
            (Framing, "\\r"),
        ],
    );
}

#[test]
fn text_outside_messages_is_junk() {
    expect(
        b"/* header */\nPID|1\n\nMSH|^~\\&|A\nPID|1",
        &[(Junk, "/* header */\\nPID|1"), (Framing, "\\n\\n"), (Message, "MSH|^~\\\\&|A\\nPID|1")],
    );
    expect(b"I'm just a random number: 42", &[(Junk, "I\\'m just a random number: 42")]);
}

#[test]
fn utf_16_in_both_byte_orders() {
    // The second message holds characters with the bytes of CR, LF, VT and FS in either half.
    let text =
        "MSH|^~\\&|A\rPID|1\r\nMSH|^~\\&|\u{0D0A}\u{0B1C}\u{0D00}\u{000B}\u{0100}\u{0D4D}\r\rMSH|^~\\&|C\r";
    for big in [false, true] {
        for (mark, front) in [("\u{FEFF}", 2), ("\u{FEFF}\r ", 6), ("", 0)] {
            let bytes = utf16(&format!("{mark}{text}"), big);
            let found: Vec<_> = pieces(&bytes, 1 << 20).collect();
            let lengths: Vec<_> = found.iter().map(|piece| (piece.kind, piece.length)).collect();
            let mut expected = vec![(Framing, front)];
            expected.retain(|(_, length)| *length > 0);
            expected.extend([
                (Message, 32),
                (Framing, 4),
                (Message, 30),
                (Framing, 4),
                (Message, 20),
                (Framing, 2),
            ]);
            assert_eq!(lengths, expected, "big: {big}, mark: {mark:?}");
            let encoding = if big { Encoding::Utf16Be } else { Encoding::Utf16Le };
            assert!(
                found.iter().filter(|piece| piece.kind == Message).all(|piece| piece.encoding == encoding)
            );
            for chunk in [1, 2, 3, 5] {
                assert_eq!(split_in_chunks(&bytes, 1 << 20, chunk), found);
            }
        }
    }
}

#[test]
fn utf_16_between_mllp_blocks_of_one_byte() {
    for big in [false, true] {
        let mut bytes = Vec::new();
        for _ in 0..2 {
            bytes.push(0x0B);
            bytes.extend(utf16("MSH|^~\\&|A\rPID|1\r", big));
            bytes.extend([0x1C, 0x0D]);
        }
        let found: Vec<_> = pieces(&bytes, 1 << 20).map(|piece| (piece.kind, piece.length)).collect();
        assert_eq!(
            found,
            [(Framing, 1), (Message, 32), (Framing, 5), (Message, 32), (Framing, 4)],
            "big: {big}"
        );
    }
}

#[test]
fn a_message_over_the_limit_is_one_piece_and_the_next_one_is_found() {
    let limit = 100;
    let long = format!("MSH|^~\\&|A\r{}", "NTE|1||some text\r".repeat(20_000));
    let file = format!("{long}\r\rMSH|^~\\&|B\r");
    let found = split_in_chunks(file.as_bytes(), limit, 1000);
    let kinds: Vec<_> = found.iter().map(|piece| (piece.kind, piece.length)).collect();
    assert_eq!(kinds, [(TooLong, long.len() as u64 - 1), (Framing, 3), (Message, 10), (Framing, 1)]);

    let barely = format!("MSH|^~\\&|A|{}\r\r", "x".repeat(90));
    assert_eq!(split_with(barely.as_bytes(), limit)[0].0, TooLong);
    let just = format!("MSH|^~\\&|A|{}\r\r", "x".repeat(89));
    assert_eq!(split_with(just.as_bytes(), limit)[0].0, Message);
}

#[test]
fn endless_blanks_end_a_message_and_cost_no_memory() {
    for blank in ["\r", "\0", "\r\n"] {
        let file = format!("MSH|^~\\&|A{}MSH|^~\\&|B", blank.repeat(200_000));
        let found = split_in_chunks(file.as_bytes(), 100, 4096);
        assert_eq!((found[0].kind, found[0].length), (Message, 10));
        assert_eq!((found[1].kind, found[1].length), (Framing, 200_000 * blank.len() as u64));
        // Behind NULs there is no segment start while a message is open; behind so many, none is.
        assert_eq!((found[2].kind, found[2].length), (Message, 10));
    }
}

#[test]
fn junk_over_the_limit_comes_in_parts() {
    let file = format!("{}\rMSH|^~\\&|B", "junk ".repeat(40_000));
    let found = split_in_chunks(file.as_bytes(), 1000, 777);
    assert_eq!(found, pieces(file.as_bytes(), 1000).collect::<Vec<_>>());
    assert_eq!(found.iter().filter(|piece| piece.kind == Junk && piece.length == 1000).count(), 200);
    assert_eq!(found.last().map(|piece| piece.kind), Some(Message));
}
