//! Answers that are kept for a while: a request that is sent again under the same name gets the one it got before.
//!
//! They lie in a folder for each day, so that old ones are found without reading them. An answer of today or yesterday
//! counts: each is remembered for a day at least and two at most.

use bytes::Bytes;
use storage::{Lake, Put, answer_key, answers_prefix};

use crate::{Result, sha256, time};

const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// The answer that is kept under a name, if there is one that counts at the moment `now`, in microseconds since 1970.
pub async fn kept_answer(lake: &Lake, name: &str, now: i64) -> Result<Option<Bytes>> {
    let name = sha256(name.as_bytes());
    for day in days(now) {
        match lake.read(&answer_key(&day, &name)).await {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Keeps an answer, unless another was kept under the name meanwhile; gives the one that is kept.
pub async fn keep_answer(lake: &Lake, name: &str, now: i64, answer: Bytes) -> Result<Bytes> {
    let [today, _] = days(now);
    let key = answer_key(&today, &sha256(name.as_bytes()));
    match lake.put_new(&key, answer.clone()).await? {
        Put::Created => Ok(answer),
        Put::Existed => Ok(lake.read(&key).await?),
    }
}

/// Removes the answers that count no more; gives how many.
pub async fn forget_answers(lake: &Lake, now: i64) -> Result<u64> {
    let kept = days(now);
    let mut forgotten = 0;
    for object in lake.list(&answers_prefix()).await? {
        let day = object.key.as_ref().rsplit('/').nth(1).unwrap_or_default();
        // A clock that runs ahead elsewhere may have written of tomorrow.
        if day < kept[1].as_str() {
            lake.delete(&object.key).await?;
            forgotten += 1;
        }
    }
    Ok(forgotten)
}

/// Today and yesterday, as they stand in keys.
fn days(now: i64) -> [String; 2] {
    [now, now - DAY_MICROSECONDS].map(|moment| {
        let mut day = time::rfc3339_milliseconds(moment.div_euclid(1_000));
        day.truncate("2026-01-31".len());
        day
    })
}

#[cfg(test)]
mod tests {
    use storage::Location;

    use super::*;

    #[tokio::test]
    async fn an_answer_is_kept_for_a_day_and_then_forgotten() {
        let lake = Lake::at(Location::memory().unwrap());
        let now = time::parse("2026-01-31T23:59:00Z").unwrap();
        let (first, second) = (Bytes::from_static(b"first"), Bytes::from_static(b"second"));
        assert_eq!(kept_answer(&lake, "k", now).await.unwrap(), None);
        assert_eq!(keep_answer(&lake, "k", now, first.clone()).await.unwrap(), first);
        assert_eq!(keep_answer(&lake, "k", now, second).await.unwrap(), first);
        let next_day = now + DAY_MICROSECONDS;
        assert_eq!(forget_answers(&lake, next_day).await.unwrap(), 0);
        assert_eq!(kept_answer(&lake, "k", next_day).await.unwrap(), Some(first));
        assert_eq!(kept_answer(&lake, "other", next_day).await.unwrap(), None);
        assert_eq!(kept_answer(&lake, "k", now + 2 * DAY_MICROSECONDS).await.unwrap(), None);
        assert_eq!(forget_answers(&lake, now + 2 * DAY_MICROSECONDS).await.unwrap(), 1);
    }
}
