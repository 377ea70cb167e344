//! Who may come in, as the configuration has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use server::auth::{Authenticator, Oidc, OidcSettings, Scope, Tokens};
use server::gate::TokenGate;
use server::tls::{Acceptor, TlsSettings};
use storage::Lake;

use crate::config::{self, Config, Tls};
use crate::report::{Failure, Result};

pub(super) fn gate(config: &Config, lake: &Lake) -> Result<TokenGate> {
    let tokens = Tokens::of(lake.clone());
    let oidc = match &config.auth.oidc {
        None => None,
        Some(settings) => {
            let opened = Oidc::open(oidc(settings));
            Some(opened.map_err(|error| Failure::new(format!("the identity provider: {error}")))?)
        }
    };
    let authenticator = match config.needs_tokens() {
        true => Authenticator::required(tokens, oidc),
        false => Authenticator::open(tokens, oidc),
    };
    Ok(TokenGate::new(authenticator, config.http.requests_per_second.get()))
}

/// Clocks differ by a little.
const LEEWAY: Duration = Duration::from_secs(60);

fn oidc(settings: &config::Oidc) -> OidcSettings {
    let scopes: BTreeMap<String, BTreeSet<Scope>> = settings
        .scopes
        .iter()
        .map(|(value, scopes)| (value.as_str().to_owned(), scopes.iter().map(scope).collect()))
        .collect();
    let plain = OidcSettings::new(settings.issuer.to_string());
    OidcSettings {
        audiences: vec![settings.audience.as_str().to_owned()],
        algorithms: settings.algorithms.iter().filter_map(name).collect(),
        leeway: LEEWAY,
        scope_claim: settings.scopes_claim.as_str().to_owned(),
        scopes: if scopes.is_empty() { plain.scopes.clone() } else { scopes },
        keys_last: settings.jwks_refresh.0,
        ..plain
    }
}

/// What a signature is called, as in the configuration.
fn name(algorithm: &config::Algorithm) -> Option<String> {
    serde_json::to_value(algorithm).ok()?.as_str().map(str::to_owned)
}

fn scope(scope: &config::Scope) -> Scope {
    match scope {
        config::Scope::Ingest => Scope::Ingest,
        config::Scope::Read => Scope::Read,
        config::Scope::Sql => Scope::Sql,
        config::Scope::Admin => Scope::Admin,
    }
}

/// TLS for a door, if it has any, offering these protocols.
pub(super) fn tls(settings: Option<&Tls>, protocols: &[&str]) -> Result<Option<Arc<Acceptor>>> {
    let Some(Tls { certificate, key, client_ca }) = settings else { return Ok(None) };
    let settings = TlsSettings {
        certificate: certificate.as_path().to_owned(),
        key: key.as_path().to_owned(),
        client_ca: client_ca.as_ref().map(|file| file.as_path().to_owned()),
    };
    let opened = Acceptor::open_for(&settings, protocols);
    Ok(Some(Arc::new(opened.map_err(|error| Failure::new(format!("TLS: {error}")))?)))
}
