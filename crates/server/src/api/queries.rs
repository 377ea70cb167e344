//! Questions that are being answered, so that they can be cancelled and are not too many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::problem::{Kind, Problem};

/// Characters of an id, at most.
const LONGEST: usize = 64;

/// Questions that are being answered.
pub(super) struct Queries {
    running: Mutex<HashMap<String, Running>>,
    most: usize,
}

struct Running {
    owner: String,
    cancelled: CancellationToken,
}

/// A question's place among them, until it is dropped.
pub(super) struct Ticket {
    queries: Arc<Queries>,
    pub(super) id: String,
    pub(super) cancelled: CancellationToken,
}

impl Queries {
    /// At most so many at the same time.
    pub(super) fn new(most: usize) -> Self {
        Self { running: Mutex::default(), most }
    }

    /// Takes a question up, under the id that its owner gave or a new one.
    pub(super) fn begin(self: &Arc<Self>, id: Option<&str>, owner: &str) -> Result<Ticket, Problem> {
        let id = match id {
            Some(id) if is_id(id) => id.to_owned(),
            Some(_) => {
                return Err(Problem::new(
                    Kind::BadRequest,
                    "the header X-Query-Id cannot be used",
                    format!("it wants 1 to {LONGEST} letters, digits, '-' and '_'"),
                ));
            }
            None => random_id()?,
        };
        let mut running = self.running();
        if running.contains_key(&id) {
            return Err(Problem::new(
                Kind::QueryIdInUse,
                "a query of this id is running",
                "use another X-Query-Id, or none",
            ));
        }
        if running.len() >= self.most {
            return Err(Problem::new(
                Kind::Overloaded,
                "as many queries are running as may at the same time",
                "ask again when one has ended",
            )
            .with_retry_after(1));
        }
        let cancelled = CancellationToken::new();
        running.insert(id.clone(), Running { owner: owner.to_owned(), cancelled: cancelled.clone() });
        Ok(Ticket { queries: self.clone(), id, cancelled })
    }

    /// Whose question has the id.
    pub(super) fn owner(&self, id: &str) -> Option<String> {
        self.running().get(id).map(|running| running.owner.clone())
    }

    /// Cancels a question; whether there was one.
    pub(super) fn cancel(&self, id: &str) -> bool {
        self.running().get(id).map(|running| running.cancelled.cancel()).is_some()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.queries.running().remove(&self.id);
    }
}

/// 32 hex digits that nobody can guess.
pub(super) fn random_id() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| Problem::internal("there are no random numbers"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain)
}
