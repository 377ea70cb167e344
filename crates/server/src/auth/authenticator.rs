//! Who sends a request: one question, whatever kind of token answers it.

use super::token::PREFIX;
use super::{Oidc, Principal, Refusal, Token, Tokens};

/// No header that is let in is longer, in bytes.
const LONGEST_HEADER: usize = 16 * 1_024;

/// Recognises principals by the header `Authorization`.
#[derive(Debug)]
pub struct Authenticator {
    tokens: Tokens,
    oidc: Option<Oidc>,
    is_open: bool,
}

impl Authenticator {
    /// Everybody needs a token.
    pub fn required(tokens: Tokens, oidc: Option<Oidc>) -> Self {
        Self { tokens, oidc, is_open: false }
    }

    /// Whoever sends no token is the local user, who may do all: for doors that only this machine reaches.
    ///
    /// A token that is sent all the same must be good, and allows what it says.
    pub fn open(tokens: Tokens, oidc: Option<Oidc>) -> Self {
        Self { tokens, oidc, is_open: true }
    }

    /// The lake's tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Whether a token is not needed.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Who sends this value of the header `Authorization`.
    pub async fn authenticate(&self, authorization_header: Option<&str>) -> Result<Principal, Refusal> {
        let Some(header) = authorization_header else {
            return if self.is_open { Ok(Principal::local()) } else { Err(Refusal::Missing) };
        };
        let text = bearer(header)?;
        if text.starts_with(PREFIX) {
            let token = Token::parse(text).ok_or(Refusal::Invalid("it is not whole"))?;
            return self.tokens.authenticate(&token).await;
        }
        match &self.oidc {
            Some(oidc) => oidc.authenticate(text).await,
            None => Err(Refusal::Invalid("it is no token of a lake")),
        }
    }
}

/// The token of a lake that a header is meant to be, good or not.
pub(crate) fn claimed_token(authorization_header: &str) -> Option<Token> {
    Token::parse(bearer(authorization_header).ok()?)
}

/// The token in a header of the scheme `Bearer`.
fn bearer(header: &str) -> Result<&str, Refusal> {
    if header.len() > LONGEST_HEADER {
        return Err(Refusal::Invalid("it is too long"));
    }
    let header = header.trim();
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::Invalid("the header Authorization is not of the scheme Bearer"));
    }
    match token.trim() {
        "" => Err(Refusal::Missing),
        token => Ok(token),
    }
}
