//! An access in the shape of FHIR R4's AuditEvent.
//!
//! Its type is one of the codes that DICOM has for audits (PS3.16, CID 400), its subtype our own word for the action.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Access, Action, Entity, Outcome};
use crate::time::rfc3339_milliseconds;

/// What the names of our own codes and extensions begin with.
pub(super) const VOCABULARY: &str = "https://github.com/carelake/carelake/fhir/";

const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";

/// The event, without what chains it to others. `source` is the program that tells of it.
pub(super) fn event(access: &Access, source: &str, id: &str) -> Value {
    let (code, display) = dicom_code(access.action);
    let entities: Vec<Value> = access.what.iter().map(entity).collect();
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": id,
        "type": { "system": DICOM, "code": code, "display": display },
        "subtype": [{ "system": format!("{VOCABULARY}action"), "code": access.action.name() }],
        "action": kind_of_action(access.action),
        "recorded": rfc3339_milliseconds(access.at.div_euclid(1_000)),
        "outcome": outcome_code(access.outcome),
        "agent": [{
            "who": {
                "identifier": {
                    "system": format!("{VOCABULARY}who/{}", access.who.kind.name()),
                    "value": access.who.id,
                },
                "display": access.who.name,
            },
            "requestor": true,
            "network": { "address": access.from, "type": network_type(&access.from) },
        }],
        "source": {
            "observer": { "display": source },
            "type": [{
                "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                "code": "4",
                "display": "Application Server",
            }],
        },
    });
    // FHIR has no empty lists.
    if !entities.is_empty() {
        event["entity"] = entities.into();
    }
    event
}

fn entity(entity: &Entity) -> Value {
    let kind = json!({ "system": format!("{VOCABULARY}entity"), "code": entity.kind() });
    match entity {
        Entity::Query(text) => json!({
            "type": kind,
            "role": {
                "system": "http://terminology.hl7.org/CodeSystem/object-role",
                "code": "24",
                "display": "Query",
            },
            "query": STANDARD.encode(text),
        }),
        other => json!({
            "what": {
                "identifier": { "system": format!("{VOCABULARY}entity/{}", other.kind()), "value": other.text() },
            },
            "type": kind,
        }),
    }
}

fn dicom_code(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::Query | Action::Search => ("110112", "Query"),
        Action::ViewMessage | Action::ViewError => ("110110", "Patient Record"),
        Action::Export => ("110106", "Export"),
        Action::Retry | Action::Replay => ("110100", "Application Activity"),
        Action::SignIn => ("110114", "User Authentication"),
        Action::TokenCreated | Action::TokenRevoked | Action::Refused | Action::Config => {
            ("110113", "Security Alert")
        }
        Action::AuditStarted => ("110134", "Audit Recording Started"),
    }
}

/// FHIR's create, read, update, delete, execute.
fn kind_of_action(action: Action) -> &'static str {
    match action {
        Action::TokenCreated => "C",
        Action::ViewMessage | Action::ViewError | Action::Export => "R",
        Action::TokenRevoked | Action::Config => "U",
        Action::Query
        | Action::Search
        | Action::Retry
        | Action::Replay
        | Action::SignIn
        | Action::Refused
        | Action::AuditStarted => "E",
    }
}

fn outcome_code(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "0",
        Outcome::Failed => "4",
    }
}

/// 2 is an address of the internet, 1 the name of a machine.
fn network_type(address: &str) -> &'static str {
    let is_ip =
        address.parse::<std::net::IpAddr>().is_ok() || address.parse::<std::net::SocketAddr>().is_ok();
    if is_ip { "2" } else { "1" }
}
