//! Bodies of JSON, with problems that tell the place and quote nothing.

use axum::http::HeaderMap;
use serde::de::DeserializeOwned;

use super::media;
use super::problem::{Kind, Problem};

/// Reads a body as what is wanted.
pub(super) fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    if !matches!(media::of_body(headers).as_str(), "" | "application/json") {
        return Err(media::unsupported("application/json"));
    }
    serde_json::from_slice(body).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => {
                "has a member that is not known, missing, or of another kind"
            }
            _ => "is no JSON",
        };
        Problem::new(
            Kind::BadBody,
            format!("the body {what} (line {}, column {})", error.line(), error.column()),
            "GET /openapi.json says what the body holds",
        )
    })
}
