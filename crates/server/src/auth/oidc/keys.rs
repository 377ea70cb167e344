//! The provider's keys, kept and renewed.
//!
//! An unknown key makes the provider be asked again, but not more often than once in a while, whoever sends what; and
//! while the provider does not answer, the keys that are known stay in force.

use std::str::FromStr;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use tokio::sync::Mutex;

use super::provider::Provider;
use crate::auth::Refusal;

/// Of a longer list the rest is left out.
const MOST_KEYS: usize = 64;
const NO_PROVIDER: Refusal = Refusal::Unavailable("the identity provider does not answer");

/// The keys of one provider.
#[derive(Debug)]
pub(super) struct Keys {
    provider: Provider,
    refetch_after: Duration,
    last: Duration,
    known: std::sync::Mutex<Known>,
    fetching: Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    keys: Arc<[Arc<Key>]>,
    /// When they were fetched.
    fetched: Option<Instant>,
    /// When it was last tried, and whether that went well.
    tried: Option<(Instant, bool)>,
}

/// One public key.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

impl Keys {
    pub(super) fn of(provider: Provider, refetch_after: Duration, last: Duration) -> Self {
        Self { provider, refetch_after, last, known: std::sync::Mutex::default(), fetching: Mutex::default() }
    }

    /// The keys that can have signed a token: that of its key id, or without one all of its algorithm. Never none.
    pub(super) async fn for_token(
        self: &Arc<Self>,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Vec<Arc<Key>>, Refusal> {
        let known = self.known();
        let found = known.find(id, algorithm);
        if !found.is_empty() {
            if known.fetched.is_none_or(|fetched| fetched.elapsed() > self.last) {
                self.renew();
            }
            return Ok(found);
        }
        self.fetch_unless_tried().await;
        let known = self.known();
        let found = known.find(id, algorithm);
        if !found.is_empty() {
            return Ok(found);
        }
        match known.tried {
            Some((_, true)) => {
                Err(Refusal::Invalid("it is signed with a key that the provider does not publish"))
            }
            _ => Err(NO_PROVIDER),
        }
    }

    /// Fetches in the background: a token whose key is known need not wait.
    fn renew(self: &Arc<Self>) {
        if self.was_just_tried() || self.fetching.try_lock().is_err() {
            return;
        }
        let keys = self.clone();
        tokio::spawn(async move { keys.fetch_unless_tried().await });
    }

    /// Asks the provider, unless it was asked just now; whoever comes meanwhile waits for the answer.
    async fn fetch_unless_tried(&self) {
        let _fetching = self.fetching.lock().await;
        if self.was_just_tried() {
            return;
        }
        let begun = Instant::now();
        let fetched = self.provider.keys().await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.tried = Some((begun, fetched.is_ok()));
        match fetched {
            Ok(keys) => {
                known.keys = keys.iter().filter_map(Key::of).take(MOST_KEYS).collect();
                known.fetched = Some(begun);
            }
            Err(reason) => tracing::warn!(
                %reason,
                kept = known.keys.len(),
                "the identity provider's keys cannot be fetched; those known stay in force"
            ),
        }
    }

    fn was_just_tried(&self) -> bool {
        self.known().tried.is_some_and(|(tried, _)| tried.elapsed() < self.refetch_after)
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Known {
    fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<Arc<Key>> {
        let is_it = |key: &&Arc<Key>| {
            key.algorithms.contains(&algorithm) && (id.is_none() || key.id.as_deref() == id)
        };
        self.keys.iter().filter(is_it).cloned().collect()
    }
}

impl Key {
    /// A published key, if it is one that checks signatures and is not a shared secret.
    fn of(published: &Value) -> Option<Arc<Self>> {
        let jwk: Jwk = serde_json::from_value(published.clone()).ok()?;
        if jwk.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
            return None;
        }
        let operations = jwk.common.key_operations.as_ref();
        if operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
            return None;
        }
        let mut algorithms = algorithms_of(&jwk.algorithm);
        if let Some(named) = published.get("alg") {
            let named = Algorithm::from_str(named.as_str()?).ok()?;
            algorithms.retain(|algorithm| *algorithm == named);
        }
        if algorithms.is_empty() {
            return None;
        }
        let decoding = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Arc::new(Self { id: jwk.common.key_id, algorithms, decoding }))
    }

    pub(super) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

/// The algorithms that a key of this kind can be for; none for a secret.
fn algorithms_of(key: &AlgorithmParameters) -> Vec<Algorithm> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match key {
        AlgorithmParameters::RSA(_) => vec![RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => vec![ES256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => vec![ES384],
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => vec![EdDSA],
        _ => Vec::new(),
    }
}
