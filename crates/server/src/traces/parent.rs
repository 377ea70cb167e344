//! The header `traceparent` of W3C Trace Context, level 1: `00-<trace>-<span>-<flags>`.
//!
//! `tracestate` is not read: what callers write there is theirs, and no span of ours holds any of it.

use axum::http::HeaderMap;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The span that a request continues, if it names one; a header that is not whole is as good as none.
pub(super) fn remote(headers: &HeaderMap) -> Option<SpanContext> {
    let mut values = headers.get_all("traceparent").iter();
    let text = values.next()?.to_str().ok()?;
    // Two of them contradict each other.
    if values.next().is_some() {
        return None;
    }
    read(text)
}

fn read(text: &str) -> Option<SpanContext> {
    const LENGTH: usize = 55;
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (hex(parts.next()?, 2)?, hex(parts.next()?, 32)?, hex(parts.next()?, 16)?, hex(parts.next()?, 2)?);
    // Later versions may have more behind these, and the same here.
    let is_whole = match version {
        "ff" => false,
        "00" => text.len() == LENGTH,
        _ => true,
    };
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    (is_whole && context.is_valid()).then_some(context)
}

/// So many lower-case hex digits.
fn hex(text: &str, digits: usize) -> Option<&str> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (is_hex && text.len() == digits).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_whole_header_is_read_and_any_other_is_none() {
        let context = read(WHOLE).unwrap();
        assert_eq!(context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.span_id().to_string(), "b7ad6b7169203331");
        assert!(context.is_sampled() && context.is_remote());
        assert!(!read(&WHOLE.replace("-01", "-00")).unwrap().is_sampled());
        assert!(read(&format!("{}-what comes later", WHOLE.replacen("00", "cc", 1))).is_some());
        let others = [
            String::new(),
            WHOLE.replacen("00", "ff", 1),
            format!("{WHOLE}-more"),
            WHOLE.to_uppercase(),
            WHOLE.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            WHOLE.replace("b7ad6b7169203331", &"0".repeat(16)),
            WHOLE[..54].to_owned(),
            WHOLE.replace('-', "_"),
        ];
        for other in others {
            assert!(read(&other).is_none(), "{other}");
        }
        let mut headers = HeaderMap::new();
        headers.append("traceparent", WHOLE.parse().unwrap());
        assert!(remote(&headers).is_some());
        headers.append("traceparent", WHOLE.parse().unwrap());
        assert!(remote(&headers).is_none());
    }
}
