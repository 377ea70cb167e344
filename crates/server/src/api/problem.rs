//! What is wrong with a request, as RFC 9457 has it: what happened, and what to do. Never a value of a message, nor of the request.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use super::seams::{Denial, Refused, SqlProblem, SqlProblemKind};

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident => $status:ident, $slug:literal, $title:literal;)*) => {
        /// Every kind of problem. Their names are stable: programs rely on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Kind { $($(#[doc = $doc])* $name,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name, the last part of the member `type`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// What it is called for people.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// The HTTP status.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }
        }
    };
}

kinds! {
    /// A parameter or header cannot be used.
    BadRequest => BAD_REQUEST, "bad-request", "The request cannot be used";
    /// The body is cut off, or is not what it says it is.
    BadBody => BAD_REQUEST, "bad-body", "The body cannot be read";
    /// SQL that cannot be answered.
    BadQuery => BAD_REQUEST, "bad-query", "The query cannot be answered";
    /// Nobody knows who is calling.
    Unauthenticated => UNAUTHORIZED, "unauthenticated", "Credentials are needed";
    /// The caller may not do this.
    Forbidden => FORBIDDEN, "forbidden", "These credentials do not allow this";
    /// A page of another site sent the request.
    ForeignOrigin => FORBIDDEN, "foreign-origin", "The request comes from another site";
    /// There is no such address.
    NoSuchRoute => NOT_FOUND, "no-such-route", "There is nothing here";
    /// No feed of this name.
    UnknownFeed => NOT_FOUND, "unknown-feed", "There is no such feed";
    /// No message of this id.
    UnknownMessage => NOT_FOUND, "unknown-message", "There is no such message";
    /// No error of this id.
    UnknownError => NOT_FOUND, "unknown-error", "There is no such error";
    /// No query of this id is running.
    UnknownQuery => NOT_FOUND, "unknown-query", "There is no such query";
    /// No table of this name.
    UnknownTable => NOT_FOUND, "unknown-table", "There is no such table";
    /// No zone of this name.
    UnknownZone => NOT_FOUND, "unknown-zone", "There is no such zone";
    /// The address knows other methods.
    MethodNotAllowed => METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here";
    /// No form of the answer that the caller accepts.
    NotAcceptable => NOT_ACCEPTABLE, "not-acceptable", "There is no such form of the answer";
    /// The body came too slowly.
    SlowBody => REQUEST_TIMEOUT, "slow-body", "The body came too slowly";
    /// A request with the same idempotency key is under way.
    KeyInUse => CONFLICT, "key-in-use", "The same request is under way";
    /// A query of the same id is running.
    QueryIdInUse => CONFLICT, "query-id-in-use", "A query of this id is running";
    /// Somebody cancelled the query.
    QueryCancelled => CONFLICT, "query-cancelled", "The query was cancelled";
    /// The body, or what it unpacks to, is too large.
    TooLarge => PAYLOAD_TOO_LARGE, "too-large", "The body is too large";
    /// A media type that this address does not take.
    UnsupportedMediaType => UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The media type is not supported";
    /// A content encoding that is not known.
    UnsupportedEncoding => UNSUPPORTED_MEDIA_TYPE, "unsupported-encoding", "The content encoding is not supported";
    /// The host is not one of this server's.
    UnknownHost => MISDIRECTED_REQUEST, "unknown-host", "The host is not served here";
    /// There is no message in the body.
    NoMessage => UNPROCESSABLE_ENTITY, "no-message", "There is no message in the body";
    /// None of the messages can be converted, or the message cannot be shown so.
    UnreadableMessage => UNPROCESSABLE_ENTITY, "unreadable-message", "The message cannot be read";
    /// The idempotency key was used with another body.
    KeyReused => UNPROCESSABLE_ENTITY, "key-reused", "The idempotency key belongs to another body";
    /// The query needs more than it may have.
    QueryExhausted => UNPROCESSABLE_ENTITY, "query-exhausted", "The query needs too much";
    /// A fault of this program.
    Internal => INTERNAL_SERVER_ERROR, "internal", "The server failed";
    /// There is more to do than can be done.
    Overloaded => SERVICE_UNAVAILABLE, "overloaded", "The server is busy";
    /// The disk is full.
    Full => SERVICE_UNAVAILABLE, "full", "The lake is full";
    /// The server stops.
    Stopping => SERVICE_UNAVAILABLE, "stopping", "The server is about to stop";
    /// The lake's store fails.
    StoreFailed => SERVICE_UNAVAILABLE, "store-failed", "The lake's store failed";
    /// The server cannot do its work yet, or any more.
    NotReady => SERVICE_UNAVAILABLE, "not-ready", "The server is not ready";
    /// The query took longer than its limit.
    QueryTimeout => GATEWAY_TIMEOUT, "query-timeout", "The query took too long";
}

/// The media type of a problem.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// One problem, ready to be answered.
#[derive(Clone, Debug)]
pub struct Problem {
    kind: Kind,
    detail: String,
    hint: String,
    members: Vec<(String, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Who was turned away; not a part of the answer.
    denial: Option<Box<Denial>>,
}

impl Problem {
    /// A problem with what happened and what to do about it, each in a sentence that quotes nothing of the request.
    pub fn new(kind: Kind, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        let (detail, hint) = (detail.into(), hint.into());
        Self { kind, detail, hint, members: Vec::new(), headers: Vec::new(), denial: None }
    }

    /// Adds a member to the object.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: Value) -> Self {
        self.members.push((name.to_owned(), value));
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says for the audit that somebody was turned away, and who.
    #[must_use]
    pub fn with_denial(self, denial: Denial) -> Self {
        Self { denial: Some(Box::new(denial)), ..self }
    }

    /// Says when to try again.
    #[must_use]
    pub fn with_retry_after(self, seconds: u64) -> Self {
        self.with_header(RETRY_AFTER, seconds.max(1).into())
    }

    /// Of which kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What happened.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What to do about it.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// The headers that go with it.
    pub(super) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.headers
    }

    /// A fault of this program; `what` is for its log.
    pub(super) fn internal(what: &str) -> Self {
        tracing::error!(what, "a request failed");
        Self::new(
            Kind::Internal,
            "the server failed on this request",
            "try again; if it stays so, report it with what the server's log says",
        )
    }

    /// A parameter that cannot be used.
    pub(super) fn parameter(name: &str, wants: &str) -> Self {
        Self::new(
            Kind::BadRequest,
            format!("the parameter {name} cannot be used"),
            format!("it wants {wants}"),
        )
    }

    /// A message that nobody knows.
    pub(super) fn unknown_message() -> Self {
        Self::new(
            Kind::UnknownMessage,
            "no message of this id is staged or in error",
            "an id is 32 hex digits; one that was received a moment ago may be on its way, which its fate tells",
        )
    }

    fn body(&self) -> Value {
        let mut object = Map::new();
        object.insert("type".into(), format!("/docs#{}", self.kind.name()).into());
        object.insert("title".into(), self.kind.title().into());
        object.insert("status".into(), self.kind.status().as_u16().into());
        object.insert("detail".into(), self.detail.clone().into());
        object.insert("hint".into(), self.hint.clone().into());
        object.extend(self.members.clone());
        Value::Object(object)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.kind.status(), format!("{}\n", self.body())).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        // `layers.rs` takes it out again.
        let denial = self.denial.map(|denial| *denial).or(match self.kind {
            Kind::Unauthenticated | Kind::Forbidden => Some(Denial::new("refused")),
            Kind::ForeignOrigin => Some(Denial::new("foreign_origin")),
            _ => None,
        });
        if let Some(denial) = denial {
            response.extensions_mut().insert(denial);
        }
        response
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Overloaded { retry_after } => Self::new(
                Kind::Overloaded,
                "more arrives than can be kept at the moment",
                "send it again after the time in Retry-After: nothing is doubled",
            )
            .with_retry_after(retry_after.as_secs()),
            Refused::Full => Self::new(
                Kind::Full,
                "there is no room to keep this",
                "make room on the lake's disk; then send it again: nothing is doubled",
            )
            .with_retry_after(30),
            Refused::TooLarge => Self::new(
                Kind::TooLarge,
                "a message is larger than the feed's limit",
                "raise the limit, or look for a missing line end before the next MSH",
            ),
            Refused::UnknownFeed => Self::new(
                Kind::UnknownFeed,
                "no feed has this name",
                "use a feed of the configuration; a name has 1 to 100 letters, digits, '-', '_' and '.'",
            ),
            Refused::Stopping => Self::new(
                Kind::Stopping,
                "the server takes nothing more, because it is about to stop",
                "send it again when the server is back: nothing is doubled",
            )
            .with_retry_after(5),
            Refused::Failed => Self::new(
                Kind::StoreFailed,
                "the lake's store could not keep this",
                "send it again: nothing is doubled; the server's log says what the store said",
            )
            .with_retry_after(5),
        }
    }
}

impl From<SqlProblem> for Problem {
    fn from(problem: SqlProblem) -> Self {
        let SqlProblem { kind, text, hint } = problem;
        match kind {
            SqlProblemKind::Question => Self::new(
                Kind::BadQuery,
                text,
                hint.unwrap_or_else(|| {
                    "GET /v1/catalog lists the tables, GET /v1/catalog/TABLE their columns".into()
                }),
            ),
            SqlProblemKind::Exhausted => Self::new(
                Kind::QueryExhausted,
                text,
                hint.unwrap_or_else(|| "ask for fewer columns or rows".into()),
            ),
            SqlProblemKind::Lake => Self::new(
                Kind::StoreFailed,
                text,
                hint.unwrap_or_else(|| "the server's log says more".into()),
            )
            .with_retry_after(5),
        }
    }
}

impl From<pipeline::Error> for Problem {
    fn from(error: pipeline::Error) -> Self {
        match error {
            pipeline::Error::UnknownMessage { .. } => Self::unknown_message(),
            pipeline::Error::NotInError { .. } => Self::new(
                Kind::UnknownError,
                "no open error has this id",
                "GET /v1/errors lists what is in error now; what was staged since is there no more",
            ),
            pipeline::Error::UnknownFeed { .. } | pipeline::Error::FeedName { .. } => {
                Refused::UnknownFeed.into()
            }
            pipeline::Error::TableInUse => Self::new(
                Kind::Overloaded,
                "another replay changed the table meanwhile",
                "try again when it has ended",
            )
            .with_retry_after(5),
            pipeline::Error::Internal(what) => Self::internal(&what),
            // Keys may hold the names of files, and those the names of patients: they are for the log.
            error => {
                tracing::error!(%error, "the lake could not be read or written");
                Self::new(
                    Kind::StoreFailed,
                    "the lake could not be read or written",
                    "try again; the server's log says what the store said, and carelake verify what is damaged",
                )
                .with_retry_after(5)
            }
        }
    }
}
