//! What callers of the API see and do goes to the audit zone before they see it.

use async_trait::async_trait;
use pipeline::audit::{Access, Action, Audit, Entity, Who, WhoKind};
use server::api::{Caller, Kind, Problem, Sight, Witness};

/// Writes the accesses of one server.
pub(super) struct AuditWitness(pub(super) Audit);

#[async_trait]
impl Witness for AuditWitness {
    async fn saw(&self, caller: &Caller, sight: Sight) -> Result<(), Problem> {
        let from = caller.peer.map_or_else(|| "unknown".to_owned(), |peer| peer.ip().to_string());
        let (action, entities) = told(sight);
        let access = Access::new(action, who(&caller.name), &from);
        let access = entities.into_iter().fold(access, Access::about);
        self.0.record(access).await.map_err(|error| {
            tracing::error!(%error, "an access could not be recorded, and was refused");
            Problem::new(
                Kind::StoreFailed,
                "the access could not be recorded, so nothing is shown",
                "look at the server's log; the disk may be full",
            )
        })
    }
}

/// The caller as the gate names it: how it was recognised, a colon, its id.
fn who(name: &str) -> Who {
    let (kind, id) = name.split_once(':').unwrap_or(("", name));
    let kind = match kind {
        "local" => WhoKind::Local,
        "token" => WhoKind::Token,
        "oidc" => WhoKind::Oidc,
        _ => WhoKind::Unknown,
    };
    Who { id: id.to_owned(), name: name.to_owned(), kind }
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
