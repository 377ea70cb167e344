//! The API tokens of a lake, known without asking the lake at every request.
//!
//! The lake is looked at when somebody shows a token, at most once in a while however many do; records never change,
//! so each is read once. A lake that cannot be looked at leaves in force what is known, for a short time.

mod known;

use std::sync::Arc;
use std::time::{Duration, Instant};

use pipeline::time::now;
use pipeline::{Lake, Put, check_feed, token_key, token_revoked_key};
use tokio::sync::Mutex;
use tokio::time::timeout;

use self::known::Known;
use super::token::is_id;
use super::{Error, Feeds, Kind, NewToken, Principal, Record, Refusal, Result, Token};

const LONGEST_NAME: usize = 100;
/// How long one look at the lake may take.
const LOOK: Duration = Duration::from_secs(10);

/// How soon tokens that others made or revoked are seen.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// The lake is not looked at again before.
    rest: Duration,
    /// What is known counts no longer when the lake could not be looked at for so long.
    keep: Duration,
}

/// The tokens of a lake. Cheap to ask; shared by all requests.
pub struct Tokens {
    lake: Lake,
    pace: Pace,
    known: std::sync::Mutex<Arc<Known>>,
    looking: Mutex<()>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tokens").field("lake", &self.lake).finish_non_exhaustive()
    }
}

/// A token as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// What the lake keeps of it.
    pub record: Arc<Record>,
    /// Whether somebody revoked it.
    pub is_revoked: bool,
}

/// Whether a token lets anybody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    Valid,
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

impl Listed {
    /// Its state at a moment, in microseconds since 1970.
    pub fn state(&self, now: i64) -> State {
        match () {
            () if self.is_revoked => State::Revoked,
            () if self.record.has_expired(now) => State::Expired,
            () => State::Valid,
        }
    }
}

impl Tokens {
    /// The tokens of this lake. Nothing is read before the first one is shown.
    pub fn of(lake: Lake) -> Self {
        Self::at_pace(lake, Pace { rest: Duration::from_secs(2), keep: Duration::from_secs(30) })
    }

    fn at_pace(lake: Lake, pace: Pace) -> Self {
        Self { lake, pace, known: std::sync::Mutex::default(), looking: Mutex::default() }
    }

    /// Makes a token. This is the only time that it can be had.
    pub async fn create(&self, mut new: NewToken) -> Result<(Record, Token)> {
        let now = now();
        check(&new, now)?;
        // Records hold milliseconds.
        new.expires_at = new.expires_at.map(|expires_at| expires_at / 1_000 * 1_000);
        loop {
            let token = Token::random()?;
            let record = Record::of(&token, new.clone(), now / 1_000 * 1_000);
            let json = serde_json::to_vec_pretty(&record)
                .map_err(|error| pipeline::Error::Internal(error.to_string()))?;
            let key = token_key(token.id());
            let put = self.lake.put_new(&key, json.into()).await.map_err(pipeline::Error::from)?;
            if put == Put::Created {
                self.look_soon();
                return Ok((record, token));
            }
        }
    }

    /// All tokens, the oldest first. A damaged record is left out, with a warning in the log.
    pub async fn list(&self) -> Result<Vec<Listed>> {
        let known = Known::default().next(&self.lake).await?;
        let mut listed: Vec<Listed> = known.listed().collect();
        listed.sort_by(|left, right| {
            (left.record.created_at, &left.record.id).cmp(&(right.record.created_at, &right.record.id))
        });
        Ok(listed)
    }

    /// Revokes a token for good; whether it was not revoked already.
    ///
    /// Other processes on the lake see it within seconds.
    pub async fn revoke(&self, id: &str) -> Result<bool> {
        if !is_id(id) {
            return Err(Error::NoId);
        }
        // A damaged record can be revoked too: it is enough that there is one.
        if !self.lake.exists(&token_key(id)).await.map_err(pipeline::Error::from)? {
            return Err(Error::UnknownToken { id: id.into() });
        }
        let mark = format!("{}\n", pipeline::time::rfc3339_milliseconds(now() / 1_000));
        let put =
            self.lake.put_new(&token_revoked_key(id), mark.into()).await.map_err(pipeline::Error::from)?;
        self.look_soon();
        Ok(put == Put::Created)
    }

    /// Who has this token.
    pub async fn authenticate(&self, token: &Token) -> Result<Principal, Refusal> {
        self.authenticate_at(token, now()).await
    }

    async fn authenticate_at(&self, token: &Token, now: i64) -> Result<Principal, Refusal> {
        let known = self.known().await?;
        // One answer for an unknown id and a wrong secret; and only who has the secret is told its state.
        let is_its_record = |listed: &Listed| listed.record.is_of(token);
        let Some(listed) = known.find(token.id()).filter(is_its_record) else {
            return Err(Refusal::Invalid("the lake does not know it"));
        };
        match listed.state(now) {
            State::Revoked => Err(Refusal::Revoked),
            State::Expired => Err(Refusal::Expired),
            State::Valid => Ok(Principal {
                id: listed.record.id.clone(),
                name: listed.record.name.clone(),
                kind: Kind::Token,
                scopes: listed.record.scopes.clone(),
                feeds: listed.record.feeds.clone(),
            }),
        }
    }

    /// The name of a token, if the lake was seen to have it, good or not. The lake is not asked.
    pub fn name_of(&self, id: &str) -> Option<String> {
        Some(self.current().find(id)?.record.name.clone())
    }

    /// What is known, after a look at the lake if one is due.
    async fn known(&self) -> Result<Arc<Known>, Refusal> {
        let known = self.current();
        if known.was_tried_within(self.pace.rest) {
            return self.if_fresh(known);
        }
        let _looking = match self.looking.try_lock() {
            Ok(looking) => looking,
            // Somebody is looking; what they see is for the next one, unless nothing usable is known yet.
            Err(_) if known.was_seen_within(self.pace.keep) => return Ok(known),
            Err(_) => self.looking.lock().await,
        };
        let known = self.current();
        if known.was_tried_within(self.pace.rest) {
            return self.if_fresh(known);
        }
        let next = match timeout(LOOK, known.next(&self.lake)).await {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the lake's tokens cannot be read; those known stay in force for a short time");
                known.tried()
            }
            Err(_) => {
                tracing::warn!(
                    "reading the lake's tokens takes too long; those known stay in force for a short time"
                );
                known.tried()
            }
        };
        self.if_fresh(self.replace(next))
    }

    fn if_fresh(&self, known: Arc<Known>) -> Result<Arc<Known>, Refusal> {
        if known.was_seen_within(self.pace.keep) {
            return Ok(known);
        }
        Err(Refusal::Unavailable("the lake's tokens cannot be read"))
    }

    fn current(&self) -> Arc<Known> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn replace(&self, next: Known) -> Arc<Known> {
        let next = Arc::new(next);
        *self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = next.clone();
        next
    }

    /// The next one who shows a token finds what this process has just changed.
    fn look_soon(&self) {
        let due = self.current().due();
        self.replace(due);
    }
}

/// Refuses a token that nobody could use, or that would allow more than it says.
fn check(new: &NewToken, now: i64) -> Result<()> {
    let length = new.name.chars().count();
    if length > LONGEST_NAME || new.name.trim().is_empty() || new.name.chars().any(char::is_control) {
        return Err(Error::Name);
    }
    if new.scopes.is_empty() {
        return Err(Error::NoScope);
    }
    if let Feeds::Only(names) = &new.feeds {
        names.iter().try_for_each(|name| check_feed(name))?;
        if let Some(scope) = new.scopes.iter().find(|scope| !scope.is_by_feed()) {
            return Err(Error::NotByFeed(*scope));
        }
    }
    if new.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Error::AlreadyExpired);
    }
    Ok(())
}

/// Whether less than `span` has passed since a moment.
fn is_within(moment: Option<Instant>, span: Duration) -> bool {
    moment.is_some_and(|moment| moment.elapsed() < span)
}

#[cfg(test)]
mod tests;
