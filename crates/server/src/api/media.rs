//! Media types: what a body is, and what the caller wants to have.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};

use super::problem::{Kind, Problem};

/// HL7 v2 as its delimiters have it.
pub(super) const HL7: &str = "application/hl7-v2";
/// One JSON object a line.
pub(super) const NDJSON: &str = "application/x-ndjson";
/// A stream of Arrow IPC.
pub(super) const ARROW: &str = "application/vnd.apache.arrow.stream";

/// What a body of messages is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Messages, one after another.
    Messages,
    /// Files of messages.
    Files,
}

/// The media type of a body, in lower case and without parameters; empty if it has none.
pub(super) fn of_body(headers: &HeaderMap) -> String {
    let header = headers.get(CONTENT_TYPE).and_then(|header| header.to_str().ok()).unwrap_or_default();
    header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// What a body of messages is; without a media type it is taken for messages.
pub(super) fn content(headers: &HeaderMap) -> Result<Content, Problem> {
    match of_body(headers).as_str() {
        "multipart/form-data" => Ok(Content::Files),
        "" | "text/plain" | "application/octet-stream" => Ok(Content::Messages),
        media if is_hl7(media) => Ok(Content::Messages),
        _ => Err(unsupported(
            "application/hl7-v2, text/plain, application/octet-stream or multipart/form-data",
        )),
    }
}

/// HL7 over HTTP has written its media type in several ways.
pub(super) fn is_hl7(media: &str) -> bool {
    matches!(
        media,
        "application/hl7-v2" | "application/hl7-v2+er7" | "x-application/hl7-v2+er7" | "x-application/hl7-v2"
    )
}

/// A body that is something else than what is taken here.
pub(super) fn unsupported(wants: &str) -> Problem {
    Problem::new(
        Kind::UnsupportedMediaType,
        "the body is of a media type that is not taken here",
        format!("send {wants}, and say so in Content-Type"),
    )
}

/// The first form, in the caller's order of preference, that the header `Accept` allows; the first of all without one.
pub(super) fn accepted<T: Copy>(headers: &HeaderMap, forms: &[(&str, T)]) -> Result<T, Problem> {
    let mut wanted: Vec<(String, u32)> = Vec::new();
    for header in headers.get_all(ACCEPT) {
        for range in header.to_str().unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f64>().ok()).unwrap_or(1.0);
            if !media.is_empty() {
                wanted.push((media, (quality.clamp(0.0, 1.0) * 1_000.0) as u32));
            }
        }
    }
    if wanted.is_empty() {
        wanted.push(("*/*".into(), 1_000));
    }
    // Of equal quality, the more exact and then the earlier is preferred.
    wanted.sort_by_key(|(media, quality)| (std::cmp::Reverse(*quality), media.contains('*')));
    let fits = |range: &str, media: &str| {
        range == "*/*"
            || range == media
            || range.strip_suffix('*').is_some_and(|kind| kind.ends_with('/') && media.starts_with(kind))
    };
    let is_refused = |media: &str| wanted.iter().any(|(range, quality)| *quality == 0 && range == media);
    for (range, quality) in &wanted {
        let form = forms.iter().find(|(media, _)| *quality > 0 && fits(range, media) && !is_refused(media));
        if let Some((_, form)) = form {
            return Ok(*form);
        }
    }
    let media: Vec<&str> = forms.iter().map(|(media, _)| *media).collect();
    Err(Problem::new(
        Kind::NotAcceptable,
        "no form of the answer is one that the header Accept allows",
        format!("there are: {}", media.join(", ")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMS: [(&str, u8); 3] = [("application/json", 1), ("text/csv", 2), (NDJSON, 3)];

    fn accept(header: Option<&'static str>) -> Option<u8> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(ACCEPT, axum::http::HeaderValue::from_static(header));
        }
        accepted(&headers, &FORMS).ok()
    }

    #[test]
    fn the_caller_gets_what_it_prefers() {
        assert_eq!(accept(None), Some(1));
        assert_eq!(accept(Some("*/*")), Some(1));
        assert_eq!(accept(Some("text/csv")), Some(2));
        assert_eq!(accept(Some("text/*;q=0.5, application/x-ndjson;q=0.9")), Some(3));
        assert_eq!(accept(Some("application/json;q=0, */*")), Some(2));
        assert_eq!(accept(Some("*/*, text/csv")), Some(2));
        assert_eq!(accept(Some("image/png")), None);
    }
}
