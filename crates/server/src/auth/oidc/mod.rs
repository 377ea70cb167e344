//! Tokens of an identity provider: signed JWTs whose keys the provider publishes.
//!
//! What a token says of itself is believed only after its signature fits, and the signature only by an algorithm that
//! the settings allow and the published key is for. Secrets shared with the provider are never used.

mod claims;
mod keys;
mod provider;
mod settings;

use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};

use self::claims::Claims;
use self::keys::{Key, Keys};
use self::provider::Provider;
pub use self::settings::OidcSettings;
use super::{Principal, Refusal, Result};

/// Recognises the tokens of one identity provider.
#[derive(Debug)]
pub struct Oidc {
    settings: OidcSettings,
    algorithms: Vec<Algorithm>,
    keys: Arc<Keys>,
}

impl Oidc {
    /// Takes the settings up. The provider is asked when the first token is shown: it need not be there yet.
    pub fn open(settings: OidcSettings) -> Result<Self> {
        let algorithms = settings.check()?;
        let provider = Provider::open(&settings)?;
        let keys = Keys::of(provider, settings.refetch_after, settings.keys_last);
        Ok(Self { settings, algorithms, keys: Arc::new(keys) })
    }

    /// Who has this token.
    pub async fn authenticate(&self, token: &str) -> Result<Principal, Refusal> {
        let header = decode_header(token)
            .map_err(|_| Refusal::Invalid("it is no JWT, or is signed in a way that is not known"))?;
        if !self.algorithms.contains(&header.alg) {
            return Err(Refusal::Invalid("it is signed with an algorithm that is not allowed"));
        }
        if header.crit.is_some() {
            return Err(Refusal::Invalid("its header asks for an extension that is not known"));
        }
        let keys = self.keys.for_token(header.kid.as_deref(), header.alg).await?;
        let claims = self.signed_claims(token, &header, &keys)?;
        claims.check(&self.settings)?;
        claims.principal(&self.settings)
    }

    /// The claims, once the signature of one of the keys fits and the time is right.
    fn signed_claims(&self, token: &str, header: &Header, keys: &[Arc<Key>]) -> Result<Claims, Refusal> {
        let mut validation = Validation::new(header.alg);
        validation.leeway = self.settings.leeway.as_secs();
        validation.validate_nbf = true;
        // A token without `aud` can be good, and one whose `iss` is a list is not: both are checked with the claims.
        validation.validate_aud = false;
        for key in keys {
            match decode(token, key.decoding(), &validation) {
                Ok(decoded) => return Ok(Claims::of(decoded.claims)),
                Err(error) => match error.kind() {
                    ErrorKind::InvalidSignature => {}
                    ErrorKind::ExpiredSignature => return Err(Refusal::Expired),
                    ErrorKind::ImmatureSignature => return Err(Refusal::Invalid("it is not valid yet")),
                    ErrorKind::MissingRequiredClaim(_) => {
                        return Err(Refusal::Invalid("it has no expiry (the claim exp)"));
                    }
                    _ => return Err(Refusal::Invalid("it cannot be read")),
                },
            }
        }
        Err(Refusal::Invalid("its signature does not fit"))
    }
}

#[cfg(test)]
mod tests;
