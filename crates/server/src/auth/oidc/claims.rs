//! What a token says, and what that allows here.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::OidcSettings;
use crate::auth::{Feeds, Kind, Principal, Refusal, Scope};

/// Names are shortened to so many characters: they go into logs and the audit.
const LONGEST_NAME: usize = 200;
/// A `sub` has at most so many bytes (OpenID Connect Core, section 2). Shortened it could be somebody else's.
const LONGEST_ID: usize = 255;
/// Where a name for people is looked for, unless the settings say where.
const NAMES: [&str; 4] = ["preferred_username", "username", "client_id", "azp"];
/// In the feeds claim, every feed.
const ALL_FEEDS: &str = "*";

/// The claims of a token whose signature fits.
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    pub(super) fn of(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// Refuses tokens of others, and tokens for others.
    pub(super) fn check(&self, settings: &OidcSettings) -> Result<(), Refusal> {
        if self.text("iss") != Some(&settings.issuer) {
            return Err(Refusal::Invalid("another provider issued it"));
        }
        let is_one_of = |allowed: &[String], found: &str| allowed.iter().any(|allowed| allowed == found);
        match self.0.get("aud") {
            Some(audience) => {
                let is_for_us = texts(audience).iter().any(|found| is_one_of(&settings.audiences, found));
                if !is_for_us {
                    return Err(Refusal::Invalid("it is made for another audience"));
                }
            }
            None => {
                let client = self.text("client_id").filter(|client| is_one_of(&settings.clients, client));
                if client.is_none() || self.text("token_use") != Some("access") {
                    return Err(Refusal::Invalid("it has no audience (the claim aud)"));
                }
            }
        }
        Ok(())
    }

    /// Who has the token, and what it allows.
    pub(super) fn principal(&self, settings: &OidcSettings) -> Result<Principal, Refusal> {
        let id = self.text("sub").or_else(|| self.text("client_id"));
        let id = id.ok_or(Refusal::Invalid("it does not say whose it is (the claim sub)"))?;
        if id.len() > LONGEST_ID || id.chars().any(char::is_control) {
            return Err(Refusal::Invalid("its claim sub is too long, or not printable"));
        }
        let name = match &settings.name_claim {
            Some(claim) => self.find(claim).and_then(Value::as_str),
            None => NAMES.iter().find_map(|claim| self.text(claim)),
        };
        let values = self.find(&settings.scope_claim).map(words).unwrap_or_default();
        let scopes: BTreeSet<Scope> =
            values.iter().filter_map(|value| settings.scopes.get(*value)).flatten().copied().collect();
        Ok(Principal {
            id: id.to_owned(),
            name: readable(name.unwrap_or(id)),
            kind: Kind::Oidc,
            scopes,
            feeds: self.feeds(settings),
        })
    }

    fn feeds(&self, settings: &OidcSettings) -> Feeds {
        let Some(claim) = &settings.feeds_claim else { return Feeds::All };
        let names = self.find(claim).map(words).unwrap_or_default();
        if names.contains(&ALL_FEEDS) {
            return Feeds::All;
        }
        Feeds::Only(names.into_iter().map(str::to_owned).collect())
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim)?.as_str().filter(|text| !text.is_empty())
    }

    /// A claim of that name, or one inside of others where the name has dots.
    fn find(&self, name: &str) -> Option<&Value> {
        if let Some(claim) = self.0.get(name) {
            return Some(claim);
        }
        let mut parts = name.split('.');
        let first = self.0.get(parts.next()?)?;
        parts.try_fold(first, |claim, part| claim.get(part))
    }
}

/// The texts of a list, or the one text.
fn texts(claim: &Value) -> Vec<&str> {
    match claim {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The texts of a list, or the words of one text.
fn words(claim: &Value) -> Vec<&str> {
    match claim {
        Value::String(text) => text.split_whitespace().collect(),
        other => texts(other),
    }
}

/// A text that can stand in a line of a log.
fn readable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(LONGEST_NAME).collect()
}
