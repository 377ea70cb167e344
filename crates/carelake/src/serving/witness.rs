//! What callers of the API see and do goes to the audit zone before they see it; who came in goes there now and then, and who was
//! turned away.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pipeline::audit::{Access, Action, Audit, Entity, Outcome, Who, WhoKind};
use server::api::{Caller, Denial, Identity, Kind, Problem, Sight, TurnedAway, Witness};
use tokio_util::sync::CancellationToken;

use super::refusals::{RefusalKind, Refusals, SPAN};

/// How long a token may be used after it was recorded that it was.
const AGAIN: Duration = Duration::from_secs(3_600);
/// Tokens of which that is known.
const KNOWN: usize = 10_000;

/// Writes the accesses of one server.
#[derive(Debug)]
pub(super) struct AuditWitness {
    audit: Audit,
    /// When it was last recorded that a caller came in.
    let_in: Mutex<HashMap<String, Instant>>,
    refusals: Refusals<Access>,
}

impl AuditWitness {
    pub(super) fn new(audit: Audit) -> Self {
        Self { audit, let_in: Mutex::default(), refusals: Refusals::default() }
    }

    /// Records how many were turned away that were only counted, until the shutdown.
    pub(super) async fn keep_counting(&self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(SPAN / 4)).await.is_some() {
            self.record_counted(self.refusals.take_due(Instant::now())).await;
        }
    }

    /// Records what is left of them, when nobody comes any more.
    pub(super) async fn close(&self) {
        self.record_counted(self.refusals.take_all()).await;
    }

    async fn record_counted(&self, counted: Vec<(Access, u64)>) {
        for (access, times) in counted {
            self.record_refusal(access.about(Entity::Times(times.to_string()))).await;
        }
    }

    async fn record_refusal(&self, access: Access) {
        if let Err(error) = self.audit.record(access).await {
            tracing::error!(%error, "that somebody was turned away could not be recorded");
        }
    }

    /// Whether it is to be recorded now that a caller came in.
    fn is_due(&self, name: &str) -> bool {
        let mut let_in = self.let_in.lock().unwrap_or_else(PoisonError::into_inner);
        if let_in.get(name).is_some_and(|at| at.elapsed() < AGAIN) {
            return false;
        }
        if let_in.len() >= KNOWN {
            let_in.clear();
        }
        let_in.insert(name.to_owned(), Instant::now());
        true
    }
}

#[async_trait]
impl Witness for AuditWitness {
    async fn saw(&self, caller: &Caller, sight: Sight) -> Result<(), Problem> {
        let (action, entities) = told(sight);
        let access = Access::new(action, who(&caller.name, &caller.known_as), address(caller.peer));
        let access = entities.into_iter().fold(access, Access::about);
        self.audit.record(access).await.map_err(|error| {
            tracing::error!(%error, "an access could not be recorded, and was refused");
            Problem::new(
                Kind::StoreFailed,
                "the access could not be recorded, so nothing is shown",
                "look at the server's log; the disk may be full",
            )
        })
    }

    async fn let_in(&self, caller: &Caller) -> Result<(), Problem> {
        let who = who(&caller.name, &caller.known_as);
        // Who needs no token uses none.
        if who.kind == WhoKind::Local || !self.is_due(&caller.name) {
            return Ok(());
        }
        let token = (who.kind == WhoKind::Token).then(|| Entity::Token(who.id.clone()));
        let access = Access::new(Action::SignIn, who, address(caller.peer));
        let access = token.into_iter().fold(access, Access::about);
        self.audit.record(access).await.map_err(|error| {
            self.let_in.lock().unwrap_or_else(PoisonError::into_inner).remove(&caller.name);
            tracing::error!(%error, "the use of a token could not be recorded, and was refused");
            Problem::new(
                Kind::StoreFailed,
                "the use of these credentials could not be recorded, so they are refused",
                "send it again; if it stays so, look at the server's log; the disk may be full",
            )
        })
    }

    async fn turned_away(&self, request: TurnedAway) {
        let TurnedAway { denial, peer, request } = request;
        let Denial { cause, who: known, token } = denial;
        let name = known.as_ref().map(|known| known.name.clone()).or_else(|| token.clone());
        let who = match &known {
            Some(Identity { name, known_as }) => who(name, known_as),
            None => Who { id: "unknown".into(), name: "unknown".into(), kind: WhoKind::Unknown },
        };
        let access = Access::new(Action::Refused, who, address(peer))
            .with_outcome(Outcome::Failed)
            .about(Entity::Request(request))
            .about(Entity::Reason(cause.to_owned()));
        let access = token.map(Entity::Token).into_iter().fold(access, Access::about);
        let kind = RefusalKind { cause, name };
        if let Some(access) = self.refusals.count(kind, access, Instant::now()) {
            self.record_refusal(access).await;
        }
    }
}

fn address(peer: Option<SocketAddr>) -> String {
    peer.map_or_else(|| "unknown".to_owned(), |peer| peer.ip().to_string())
}

/// The caller as the gate names it: how it was recognised, a colon, its id; and its name for people.
fn who(name: &str, known_as: &str) -> Who {
    let (kind, id) = name.split_once(':').unwrap_or(("", name));
    let kind = match kind {
        "local" => WhoKind::Local,
        "token" => WhoKind::Token,
        "oidc" => WhoKind::Oidc,
        _ => WhoKind::Unknown,
    };
    Who { id: id.to_owned(), name: known_as.to_owned(), kind }
}

fn told(sight: Sight) -> (Action, Vec<Entity>) {
    match sight {
        Sight::Query { text, .. } => (Action::Query, vec![Entity::Query(text)]),
        Sight::Message { id, .. } => (Action::ViewMessage, vec![Entity::Message(id)]),
        Sight::Search { text } => (Action::Search, vec![Entity::Query(text)]),
        Sight::Errors => (Action::ViewError, vec![Entity::Request("errors".into())]),
        Sight::Error { id } => (Action::ViewError, vec![Entity::Error(id)]),
        Sight::Retry { ids } => (Action::Retry, ids.into_iter().map(Entity::Error).collect()),
        Sight::Zone { zone, prefix } => (Action::Search, vec![Entity::Request(format!("{zone}/{prefix}"))]),
        other => (Action::Config, vec![Entity::Request(other.word().into())]),
    }
}
