//! What must be known of an identity provider.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::time::Duration;

use jsonwebtoken::{Algorithm, AlgorithmFamily};
use reqwest::Url;

use crate::auth::{Error, Result, Scope};
use crate::outward::is_this_machine;

/// Clocks that differ by more than this are out of order.
const LONGEST_LEEWAY: Duration = Duration::from_secs(300);

/// An identity provider, and what its tokens allow here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcSettings {
    /// The provider, exactly as its tokens name it in `iss`: an https URL, or http on this machine.
    pub issuer: String,
    /// Of these, one must be in a token's `aud`.
    pub audiences: Vec<String>,
    /// Of these, one must be the `client_id` of an access token that has no `aud` (as those of Amazon Cognito have none).
    /// Tokens without `aud` are refused if there is none.
    pub clients: Vec<String>,
    /// The algorithms that tokens may be signed with, by their JWA names; asymmetric ones only.
    pub algorithms: Vec<String>,
    /// How far clocks may differ; at most five minutes.
    pub leeway: Duration,
    /// The claim whose values give scopes: a list, or words in one text. Dots lead into objects (`realm_access.roles`)
    /// unless a claim has the whole name.
    pub scope_claim: String,
    /// What each value of that claim allows. Values that are not here allow nothing.
    pub scopes: BTreeMap<String, BTreeSet<Scope>>,
    /// The claim that names the feeds which a token may use, `*` being all. With it, a token that lacks the claim may
    /// use none; without it, every token may use all.
    pub feeds_claim: Option<String>,
    /// The claim that has a name for people to read.
    pub name_claim: Option<String>,
    /// The provider is not asked for its keys more often.
    pub refetch_after: Duration,
    /// Keys older than this are fetched again; they stay in force until that succeeds.
    pub keys_last: Duration,
}

impl OidcSettings {
    /// A provider whose tokens allow nothing yet: it needs an audience and scopes.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: Vec::new(),
            clients: Vec::new(),
            algorithms: ["RS256", "ES256", "PS256", "EdDSA"].map(str::to_owned).into(),
            leeway: Duration::from_secs(30),
            scope_claim: "scope".into(),
            scopes: BTreeMap::new(),
            feeds_claim: None,
            name_claim: None,
            refetch_after: Duration::from_secs(10),
            keys_last: Duration::from_secs(600),
        }
    }

    /// Refuses what cannot be, or would let in too many; gives the algorithms.
    pub(super) fn check(&self) -> Result<Vec<Algorithm>> {
        let refuse = |key, reason: &str, hint| Err(Error::Oidc { key, reason: reason.into(), hint });
        if !is_safe(&self.issuer) {
            return refuse(
                "issuer",
                "is not an https URL",
                "write it as the provider's tokens have it in iss",
            );
        }
        if self.audiences.is_empty() && self.clients.is_empty() {
            return refuse(
                "audiences",
                "is empty: tokens made for any other program would be let in",
                "name the audience that the provider writes for this lake, or clients whose tokens have none",
            );
        }
        if self.scopes.values().all(BTreeSet::is_empty) {
            return refuse(
                "scopes",
                "is empty: nobody could do anything",
                "say what each value of the claim allows",
            );
        }
        if self.leeway > LONGEST_LEEWAY {
            return refuse("leeway", "is more than five minutes", "set the clocks right");
        }
        if self.algorithms.is_empty() {
            return refuse("algorithms", "is empty", "RS256 is what most providers use");
        }
        self.algorithms.iter().map(|name| algorithm(name)).collect()
    }
}

fn algorithm(name: &str) -> Result<Algorithm> {
    let known = Algorithm::from_str(name).ok().filter(|known| known.family() != AlgorithmFamily::Hmac);
    known.ok_or_else(|| Error::Oidc {
        key: "algorithms",
        reason: format!("has {name:?}, which is not an asymmetric algorithm known here"),
        hint: "there are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA",
    })
}

/// Whether what is fetched from there is what the provider sent: https, or a server on this machine.
pub(super) fn is_safe(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    match url.scheme() {
        "https" => true,
        "http" => is_this_machine(&url),
        _ => false,
    }
}
