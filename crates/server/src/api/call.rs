//! One request, before its body: who calls, and for what.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Uri};
use pipeline::MessageId;

use super::parameters::Parameters;
use super::problem::{Kind, Problem};
use super::seams::{Caller, Scope, Sight};
use super::state::State;
use crate::traces::Parent;

/// A request, before its body.
pub(super) struct Call {
    pub(super) state: State,
    pub(super) headers: HeaderMap,
    pub(super) uri: Uri,
    pub(super) peer: Option<SocketAddr>,
    /// The request, for spans below it.
    pub(super) trace: Parent,
}

impl FromRequestParts<State> for Call {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
        let trace = parts.extensions.get::<Parent>().cloned().unwrap_or_default();
        Ok(Self { state: state.clone(), headers: parts.headers.clone(), uri: parts.uri.clone(), peer, trace })
    }
}

impl Call {
    /// Lets the caller in.
    pub(super) async fn admit(&self, scope: Scope) -> Result<Caller, Problem> {
        let caller = self.state.gate.admit(&self.headers, self.peer, scope).await?;
        self.state.witness.let_in(&caller).await?;
        Ok(caller)
    }

    /// The parameters behind the question mark.
    pub(super) fn parameters(&self, known: &[&str]) -> Result<Parameters, Problem> {
        Parameters::of(&self.uri, known)
    }

    /// Has it noted what the caller is about to see or do.
    pub(super) async fn note(&self, caller: &Caller, sight: Sight) -> Result<(), Problem> {
        self.state.witness.saw(caller, sight).await
    }

    /// A header as text, if it is there and is text.
    pub(super) fn header(&self, name: impl Into<HeaderName>) -> Option<&str> {
        self.headers.get(name.into())?.to_str().ok()
    }
}

/// The one name in a path, such as that of a feed.
pub(super) struct Named(pub(super) String);

impl FromRequestParts<State> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Problem::new(
                Kind::BadRequest,
                "a name in the address is no text",
                "what is not ASCII is written as UTF-8 with percent signs",
            )),
        }
    }
}

/// The message id in a path; what is none names no message.
pub(super) fn message_id(text: &str) -> Result<MessageId, Problem> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| MessageId::parse(text)).flatten().ok_or_else(Problem::unknown_message)
}
