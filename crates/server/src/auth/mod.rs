//! Who may do what: API tokens of the lake, tokens of an identity provider, and the scopes that both give.
//!
//! Nothing here keeps or tells a secret: of a token only its hash is stored, and no refusal, log line or `Debug`
//! output holds any part of what a client sent.

mod authenticator;
mod error;
pub mod oidc;
mod principal;
mod rate_limit;
mod refusal;
mod scope;
mod token;
mod tokens;

pub use authenticator::Authenticator;
pub(crate) use authenticator::claimed_token;
pub use error::{Error, Result};
pub use oidc::{Oidc, OidcSettings};
pub use principal::{Kind, Principal};
pub use rate_limit::RateLimit;
pub use refusal::{Lack, Refusal};
pub use scope::{Feeds, Scope};
pub use token::{NewToken, Record, Token};
pub use tokens::{Listed, State, Tokens};
