//! What messages travel in: batches and files of batches, and MLLP frames.

/// Wraps messages in one batch inside one file (FHS BHS … BTS FTS), with the counts the trailers owe.
pub fn batch(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"FHS|^~\\&|LAKEADT|LAKEGEN|CARELAKE|HUB|20260302000000||nightly.hl7||FILE1\r".to_vec();
    file.extend_from_slice(b"BHS|^~\\&|LAKEADT|LAKEGEN|CARELAKE|HUB|20260302000000||ADT||BATCH1\r");
    for message in messages {
        file.extend_from_slice(message);
    }
    file.extend_from_slice(format!("BTS|{}\rFTS|1\r", messages.len()).as_bytes());
    file
}

/// Puts each message in an MLLP frame: 0x0B, the message, 0x1C, CR.
pub fn mllp(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = Vec::new();
    for message in messages {
        stream.push(0x0B);
        stream.extend_from_slice(message);
        stream.extend_from_slice(&[0x1C, b'\r']);
    }
    stream
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_counts_its_messages() {
        let text = String::from_utf8(batch(&[b"MSH|a\r".to_vec(), b"MSH|b\r".to_vec()])).unwrap();
        assert!(
            text.starts_with("FHS|") && text.contains("\rBHS|") && text.ends_with("MSH|b\rBTS|2\rFTS|1\r")
        );
    }

    #[test]
    fn frames_follow_each_other() {
        assert_eq!(mllp(&[b"MSH|a\r".to_vec(), b"MSH|b\r".to_vec()]), b"\x0BMSH|a\r\x1C\r\x0BMSH|b\r\x1C\r");
    }
}
