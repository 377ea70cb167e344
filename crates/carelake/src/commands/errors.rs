//! `carelake errors`: what is in the error zone, and why.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use pipeline::Rules;
use pipeline::audit::{Action as Audited, Entity};
use pipeline::time::rfc3339_milliseconds;
use serde::Serialize;

use super::show::parse_id;
use crate::audit::Trail;
use crate::report::{Failure, Result};

#[derive(Debug, Args)]
pub(super) struct Errors {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// One line for each: id, when, code, feed, origin, where, reason
    List,
    /// The report of one
    Show {
        /// Its id, as listed
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Convert again, after what stood in the way is mended
    Retry {
        /// Ids, as listed; all if there is none
        #[arg(value_name = "ID")]
        ids: Vec<String>,
        /// Refuse messages that break their own version of the standard
        #[arg(long)]
        strict: bool,
        /// Print the outcome as JSON
        #[arg(long)]
        json: bool,
    },
}

impl Errors {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let lake = crate::lake::open(lake).await?;
        let trail = Trail::open(&lake).await?;
        let mut stdout = std::io::stdout().lock();
        match self.action {
            Action::List => {
                for entry in pipeline::errors(&lake).await? {
                    writeln!(
                        stdout,
                        "{}  {}  {:<16}  {}  {}  byte {}  {}",
                        entry.message_id,
                        rfc3339_milliseconds(entry.received_at.div_euclid(1_000)),
                        entry.code,
                        entry.feed,
                        entry.origin,
                        entry.offset,
                        entry.reason,
                    )?;
                }
            }
            Action::Retry { ids, strict, json } => {
                let ids = ids.iter().map(|id| parse_id(id)).collect::<Result<Vec<_>>>()?;
                let entities = ids.iter().map(|id| Entity::Error(id.to_string())).collect();
                trail.record(Audited::Retry, entities).await?;
                let rules = Rules { strict, ..Rules::default() };
                let outcome = pipeline::retry(&lake, &ids, &rules).await?;
                writeln!(stdout, "{}", in_form(outcome, json)?)?;
            }
            Action::Show { id } => {
                let id = parse_id(&id)?;
                let report = pipeline::error_report(&lake, id).await;
                let report = trail.pass(Audited::ViewError, Entity::Error(id.to_string()), report).await?;
                stdout.write_all(&report)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// An outcome as its line, or as JSON.
pub(super) fn in_form(outcome: impl Display + Serialize, json: bool) -> Result<String> {
    match json {
        true => serde_json::to_string(&outcome).map_err(|error| Failure::new(error.to_string())),
        false => Ok(outcome.to_string()),
    }
}
