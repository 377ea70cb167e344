//! What is done with every request, whatever it asks: who it may come from, how many there may be, what every answer says.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, MatchedPath, Request, State as Extract};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::FutureExt;
use hyper::body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::problem::{Kind, Problem};
use super::seams::{Denial, TurnedAway};
use super::state::State;
use crate::traces::{Span, method_name};

/// What is always answered, because it tells how the server is.
const ALWAYS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Surrounds every request.
pub(super) async fn around(Extract(state): Extract<State>, mut request: Request, next: Next) -> Response {
    let asked = Asked::of(&request);
    let mut span = trace(&state, &asked, &mut request);
    let mut response = match enter(&state, &request) {
        Ok(permit) => {
            let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
            let mut response = answered.unwrap_or_else(|_| Problem::internal("a panic").into_response());
            asked.note_denial(&state, &mut response).await;
            span.answered(response.status());
            match permit {
                Some(permit) => response.map(|body| Body::new(Held { body, _permit: permit, _span: span })),
                None => response,
            }
        }
        Err(problem) => {
            let mut response = problem.into_response();
            asked.note_denial(&state, &mut response).await;
            span.answered(response.status());
            response
        }
    };
    protect(response.headers_mut());
    response
}

/// What is left of a request for its audit and its span.
struct Asked {
    method: Method,
    /// The address as the router has it.
    route: Option<MatchedPath>,
    peer: Option<SocketAddr>,
}

impl Asked {
    fn of(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            route: request.extensions().get().cloned(),
            peer: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer),
        }
    }

    fn route(&self) -> Option<&str> {
        self.route.as_ref().map(MatchedPath::as_str)
    }

    /// Has it noted if somebody was turned away.
    async fn note_denial(&self, state: &State, response: &mut Response) {
        let Some(denial) = response.extensions_mut().remove::<Denial>() else { return };
        // Names in an address are the caller's, and may be anything.
        let request = format!("{} {}", method_name(&self.method), self.route().unwrap_or("elsewhere"));
        state.witness.turned_away(TurnedAway { denial, peer: self.peer, request }).await;
    }
}

/// The span of a request, for those that come below it to find.
fn trace(state: &State, asked: &Asked, request: &mut Request) -> Span {
    if !state.traces.is_on() || ALWAYS.contains(&request.uri().path()) {
        return Span::default();
    }
    let span = state.traces.request(&asked.method, asked.route(), request.headers());
    request.extensions_mut().insert(span.parent());
    span
}

/// Nothing else has this address.
pub(super) async fn no_such_route() -> Problem {
    Problem::new(
        Kind::NoSuchRoute,
        "no operation has this address",
        "GET /openapi.json lists all, /docs shows them",
    )
}

/// The address has other methods, which the router lists in `Allow`.
pub(super) async fn other_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Problem::new(
        Kind::MethodNotAllowed,
        "this address does not know the method",
        "use one of those that the header Allow lists",
    )
    .into_response()
}

fn enter(state: &State, request: &Request) -> Result<Option<OwnedSemaphorePermit>, Problem> {
    check_host(state, request)?;
    check_origin(request.headers(), request)?;
    if ALWAYS.contains(&request.uri().path()) {
        return Ok(None);
    }
    let permit = state.permits.clone().try_acquire_owned().map_err(|_| {
        Problem::new(
            Kind::Overloaded,
            "as many requests are under way as may at the same time",
            "send it again a little later: nothing is doubled",
        )
        .with_retry_after(1)
    })?;
    Ok(Some(permit))
}

/// A page may give its own name this machine's address; then the browser takes both for the same site.
fn check_host(state: &State, request: &Request) -> Result<(), Problem> {
    if state.hosts.is_empty() {
        return Ok(());
    }
    let host = host(request).map(without_port).unwrap_or_default();
    if state.hosts.iter().any(|own| own.eq_ignore_ascii_case(host)) {
        return Ok(());
    }
    Err(Problem::new(
        Kind::UnknownHost,
        "this server is not called by the name in Host",
        "use the address that the server printed when it started",
    ))
}

/// A page of another site may send requests that need no permission, in the name of whoever looks at it.
fn check_origin(headers: &HeaderMap, request: &Request) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let is_foreign = match headers.get(ORIGIN) {
        Some(origin) => {
            let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            origin.is_none_or(|(_, authority)| {
                !host(request).is_some_and(|host| host.eq_ignore_ascii_case(authority))
            })
        }
        // Whoever follows a link sees the answer themselves.
        None => {
            matches!(text(HeaderName::from_static("sec-fetch-site")), Some("cross-site" | "same-site"))
                && text(HeaderName::from_static("sec-fetch-mode")) != Some("navigate")
        }
    };
    if !is_foreign {
        return Ok(());
    }
    Err(Problem::new(
        Kind::ForeignOrigin,
        "a page of another site sent this request",
        "send it from a program, or from a page of this server such as /docs",
    ))
}

/// The name that the request is for, with its port.
fn host(request: &Request) -> Option<&str> {
    let in_address = request.uri().authority().map(axum::http::uri::Authority::as_str);
    in_address.or_else(|| request.headers().get(HOST)?.to_str().ok())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// What tells browsers to keep, run and show nothing that they need not.
fn protect(headers: &mut HeaderMap) {
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// A body that counts as under way until it has been sent.
struct Held {
    body: Body,
    _permit: OwnedSemaphorePermit,
    _span: Span,
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
