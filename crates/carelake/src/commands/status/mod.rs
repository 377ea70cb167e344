//! `carelake status`: is every feed alive, and is everything it sent where it belongs?

mod problems;
mod show;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use query::{Engine, Feed};
use serde_json::json;

use super::sweep::age;
use crate::report::{self, Failure, Result};
use problems::{Limits, Problem};

/// What the columns mean, below the options.
const EXPLAINED: &str = "\
Looks at every feed that sent a message in the last nine weeks, or in the span.

The lag is the time from receiving a message to the commit that made its row visible, to the millisecond; rows in files that \
a replay or a compaction rewrote do not tell it and are left out. What is usual for the last 60 minutes is told by the same \
60 minutes on the same weekday in the eight weeks before: mean, standard deviation, and z, how many deviations they are off. \
A feed is silent when what came in the same span of each of those weeks, ten messages or more on average, is missing, or when \
its silence is half as long again as its longest in that time. Of a younger feed nothing is said.

Exit code: 0 when all is well, 1 when something that --fail-on names is found. Anything else that is found is a warning.";

#[derive(Debug, Args)]
#[command(after_help = EXPLAINED)]
pub(super) struct Status {
    /// Count messages received so recently: a number with s, m, h or d
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = age)]
    since: Duration,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
    /// What makes the exit code 1
    #[arg(long, value_enum, value_delimiter = ',', default_value = "errors,silent,lag")]
    fail_on: Vec<Kind>,
    /// A feed is silent after so long, whatever is usual
    #[arg(long, value_name = "AGE", value_parser = age)]
    silent_after: Option<Duration>,
    /// Messages may wait for so long to be converted
    #[arg(long, value_name = "AGE", default_value = "1m", value_parser = age)]
    lag_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For reading
    Table,
    /// One object
    Json,
}

/// What can be wrong with a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Messages of the span are in the error zone
    Errors,
    /// It has been silent for longer than is usual
    Silent,
    /// Messages wait to be converted
    Lag,
    /// Nothing
    None,
}

impl Status {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let engine = Engine::open(&crate::lake::open(lake).await?).await?;
        let feeds = engine.feeds(self.since).await?;
        let limits = Limits { silent_after: self.silent_after, lag_after: self.lag_after };
        let problems: Vec<Problem> = feeds.iter().flat_map(|feed| problems::of(feed, &limits)).collect();
        let has_failed = problems.iter().any(|problem| self.fail_on.contains(&problem.kind));
        match self.format {
            Form::Table => write!(std::io::stdout(), "{}", show::table(&feeds, self.since))?,
            Form::Json => writeln!(std::io::stdout(), "{}", self.json(&feeds, &problems, has_failed)?)?,
        }
        for problem in &problems {
            if self.fail_on.contains(&problem.kind) {
                report::error(&problem.text, Some(&problem.hint));
            } else {
                report::warning(&problem.text);
            }
        }
        Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn json(&self, feeds: &[Feed], problems: &[Problem], has_failed: bool) -> Result<String> {
        let problems: Vec<_> = problems
            .iter()
            .map(|problem| {
                json!({
                    "kind": problem.kind.to_possible_value().map(|value| value.get_name().to_owned()),
                    "feed": problem.feed,
                    "text": problem.text,
                    "hint": problem.hint,
                })
            })
            .collect();
        let status = json!({
            "ok": !has_failed,
            "since_seconds": self.since.as_secs(),
            "feeds": feeds.iter().map(show::json).collect::<Vec<_>>(),
            "problems": problems,
        });
        serde_json::to_string(&status).map_err(|error| Failure::new(error.to_string()))
    }
}
