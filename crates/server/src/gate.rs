//! Who the API lets in: principals by their tokens, each so often a second.

use std::net::SocketAddr;
use std::time::Instant;

use async_trait::async_trait;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};

use crate::api::{self, Caller, Denial, Gate, Identity, Kind, Problem};
use crate::auth::{Authenticator, Feeds, Principal, RateLimit, Refusal, Scope, claimed_token};

/// Principals whose rates are counted at the same time.
const COUNTED: usize = 10_000;

/// The gate of a server.
#[derive(Debug)]
pub struct TokenGate {
    authenticator: Authenticator,
    rates: RateLimit,
}

impl TokenGate {
    /// A gate that lets each principal make so many requests a second.
    pub fn new(authenticator: Authenticator, per_second: u32) -> Self {
        Self { authenticator, rates: RateLimit::new(per_second, per_second.saturating_mul(2), COUNTED) }
    }
}

impl TokenGate {
    /// The problem of a refusal, with who it is that was refused, as far as that is known.
    fn refused(&self, refusal: &Refusal, header: Option<&str>) -> Problem {
        let mut denial = Denial::new(refusal.word());
        let claimed = header.and_then(claimed_token);
        let named = claimed.and_then(|token| Some((self.authenticator.tokens().name_of(token.id())?, token)));
        if let Some((known_as, token)) = named {
            match refusal {
                // Only who has the secret is told its state.
                Refusal::Expired | Refusal::Revoked => {
                    denial.who = Some(Identity { name: format!("token:{}", token.id()), known_as });
                }
                _ => denial.token = Some(token.id().to_owned()),
            }
        }
        problem(refusal).with_denial(denial)
    }
}

#[async_trait]
impl Gate for TokenGate {
    async fn admit(
        &self,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
        scope: api::Scope,
    ) -> Result<Caller, Problem> {
        let header = match headers.get(AUTHORIZATION).map(|header| header.to_str()) {
            None => None,
            Some(Ok(header)) => Some(header),
            Some(Err(_)) => return Err(self.refused(&Refusal::Invalid("it is no text"), None)),
        };
        let principal = self.authenticator.authenticate(header).await;
        let principal = principal.map_err(|refusal| self.refused(&refusal, header))?;
        if let Err(wait) = self.rates.allow(&principal.key(), Instant::now()) {
            let problem = Problem::new(
                Kind::Overloaded,
                "too many requests with these credentials",
                "send fewer a second",
            );
            return Err(problem.with_retry_after(wait.as_secs().max(1)));
        }
        require(&principal, scope).map_err(|refusal| {
            let denial = Denial { who: Some(identity(&principal)), ..Denial::new(refusal.word()) };
            problem(&refusal).with_denial(denial)
        })?;
        let feeds = match &principal.feeds {
            Feeds::All => None,
            Feeds::Only(feeds) => Some(feeds.iter().cloned().collect()),
        };
        let is_admin = require(&principal, api::Scope::Admin).is_ok();
        let Identity { name, known_as } = identity(&principal);
        Ok(Caller { name, known_as, feeds, is_admin, peer })
    }
}

fn require(principal: &Principal, scope: api::Scope) -> Result<(), Refusal> {
    principal.require(match scope {
        api::Scope::Any => return Ok(()),
        api::Scope::Ingest => Scope::Ingest,
        api::Scope::Read => Scope::Read,
        api::Scope::Sql => Scope::Sql,
        api::Scope::Admin => Scope::Admin,
    })
}

fn identity(principal: &Principal) -> Identity {
    Identity { name: principal.key(), known_as: principal.name.clone() }
}

fn problem(refusal: &Refusal) -> Problem {
    let kind = match refusal.status() {
        401 => Kind::Unauthenticated,
        403 => Kind::Forbidden,
        _ => Kind::NotReady,
    };
    let problem = Problem::new(kind, refusal.to_string(), refusal.hint());
    match refusal.challenge() {
        Some(challenge) => problem.with_header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge)),
        None => problem,
    }
}
