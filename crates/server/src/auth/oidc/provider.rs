//! The identity provider, asked over HTTP.

use std::time::Duration;

use reqwest::{Client, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::settings::{OidcSettings, is_safe};
use crate::auth::{Error, Result};
use crate::outward;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer, in bytes.
const LONGEST: usize = 1 << 20;

/// Fetches what the provider publishes. Nothing is sent but the request.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: String,
    client: Client,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// Why there are no keys; for the log.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreachable {
    #[error("{0} cannot be fetched: {1}")]
    Http(String, #[source] reqwest::Error),
    #[error("{0} answers with status {1}")]
    Status(String, u16),
    #[error("{0} answers with more than 1 MiB")]
    TooLong(String),
    #[error("{0} does not answer with what it should")]
    Shape(String),
    #[error("the discovery document is that of another issuer")]
    OtherIssuer,
    #[error("the discovery document names a jwks_uri that is not https")]
    UnsafeKeys,
}

impl Provider {
    pub(super) fn open(settings: &OidcSettings) -> Result<Self> {
        let url = Url::parse(&settings.issuer).ok();
        let client = outward::client(url.as_ref(), PATIENCE).map_err(|error| Error::Oidc {
            key: "issuer",
            reason: format!("cannot be asked: {error}"),
            hint: "look at the certificates that this machine trusts",
        })?;
        Ok(Self { issuer: settings.issuer.clone(), client })
    }

    /// The keys that the provider publishes now, as JWKs.
    pub(super) async fn keys(&self) -> Result<Vec<Value>, Unreachable> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let discovery: Discovery = self.fetch(&address).await?;
        if discovery.issuer != self.issuer {
            return Err(Unreachable::OtherIssuer);
        }
        if !is_safe(&discovery.jwks_uri) {
            return Err(Unreachable::UnsafeKeys);
        }
        let set: KeySet = self.fetch(&discovery.jwks_uri).await?;
        Ok(set.keys)
    }

    async fn fetch<T: DeserializeOwned>(&self, address: &str) -> Result<T, Unreachable> {
        let failed = |error: reqwest::Error| Unreachable::Http(address.into(), error.without_url());
        let mut response = self.client.get(address).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(Unreachable::Status(address.into(), response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LONGEST {
                return Err(Unreachable::TooLong(address.into()));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|_| Unreachable::Shape(address.into()))
    }
}
