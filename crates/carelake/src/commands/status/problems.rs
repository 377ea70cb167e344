//! What is wrong with a feed, and what to do about it.

use std::time::Duration;

use query::Feed;

use super::Kind;
use super::show::{amount, seconds};

/// From when on something is wrong, where that is for a person to say.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) silent_after: Option<Duration>,
    pub(super) lag_after: Duration,
}

/// One thing that is wrong with a feed.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) kind: Kind,
    pub(super) feed: String,
    pub(super) text: String,
    pub(super) hint: String,
}

/// All that is wrong with a feed.
pub(super) fn of(feed: &Feed, limits: &Limits) -> Vec<Problem> {
    let Feed { name, .. } = feed;
    let problem = |kind, text: String, hint: String| Problem {
        kind,
        feed: name.clone(),
        text: format!("feed {name}: {text}"),
        hint,
    };
    let mut problems = Vec::new();
    if feed.error > 0 {
        let what = if feed.error == 1 { "waits" } else { "wait" };
        problems.push(problem(
            Kind::Errors,
            format!("{} {what} in the error zone", amount(feed.error as f64, "message")),
            "carelake errors list tells why; carelake errors retry converts again what has been mended"
                .into(),
        ));
    }
    if let Some(why) = silence(feed, limits) {
        problems.push(problem(
            Kind::Silent,
            format!("silent for {}, {why}", seconds(feed.last_message_age)),
            "look at the sender and the connection: a feed that is meant to rest is left out with --fail-on errors,lag".into(),
        ));
    }
    if let Some(age) = feed.pending_age.filter(|age| *age > limits.lag_after.as_secs_f64()) {
        let what = if feed.pending == 1 { "waits" } else { "wait" };
        problems.push(problem(
            Kind::Lag,
            format!("{} {what} to be converted, for up to {}", amount(feed.pending as f64, "message"), seconds(age)),
            "see that carelake serve runs, keeps up and has room on the disk; without it any carelake ingest finishes what a dead one left"
                .into(),
        ));
    }
    problems
}

/// Why a feed is silent, if it is.
fn silence(feed: &Feed, limits: &Limits) -> Option<String> {
    if let Some(limit) = limits.silent_after {
        let is_silent = feed.last_message_age > limit.as_secs_f64();
        return is_silent.then(|| format!("longer than the {} it may be", seconds(limit.as_secs_f64())));
    }
    if !feed.silence.is_unusual {
        return None;
    }
    Some(match (feed.silence.missed, feed.silence.longest_before) {
        (Some(missed), _) if missed >= 1.0 => {
            format!("a time in which {} came in other weeks", amount(missed.round(), "message"))
        }
        (_, Some(longest)) => format!("and at most {} in the weeks before", seconds(longest)),
        _ => "longer than is usual".into(),
    })
}
