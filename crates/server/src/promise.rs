//! What a sender is answered once its message is safe, as far as that is known before: it stands in the receipt.

use hl7::ack::{Code, Outcome, Request};
use pipeline::Answer;

use crate::feeds::Acknowledge;

/// For bytes that are answered in HTTP's own words.
pub(crate) const BY_HTTP: Answer = Answer { accepted: Some("http"), no_message: Some("http") };

/// For a message that is answered with an acknowledgment.
pub(crate) fn acknowledgment(message: &[u8], acknowledge: Acknowledge) -> Answer {
    let request = Request::read(message);
    let word = |outcome| request.code(outcome).map_or("none", Code::as_str);
    let accepted = match acknowledge {
        Acknowledge::Durable => word(Outcome::Accepted),
        Acknowledge::Converted => match (word(Outcome::Accepted), word(Outcome::Failed)) {
            ("none", "none") => "none",
            _ => "after conversion",
        },
    };
    Answer { accepted: Some(accepted), no_message: Some(word(Outcome::Rejected)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_that_of_the_acknowledgment() {
        let of = |asked: &str, acknowledge| {
            let message = format!("MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.5|||{asked}\rPID|1\r");
            let Answer { accepted, no_message } = acknowledgment(message.as_bytes(), acknowledge);
            (accepted.unwrap(), no_message.unwrap())
        };
        assert_eq!(of("", Acknowledge::Durable), ("AA", "AR"));
        assert_eq!(of("AL|NE", Acknowledge::Durable), ("CA", "CR"));
        assert_eq!(of("NE|NE", Acknowledge::Durable), ("none", "none"));
        assert_eq!(of("NE|NE", Acknowledge::Converted), ("none", "none"));
        assert_eq!(of("ER|NE", Acknowledge::Converted), ("after conversion", "CR"));
        assert_eq!(of("", Acknowledge::Converted), ("after conversion", "AR"));
    }
}
