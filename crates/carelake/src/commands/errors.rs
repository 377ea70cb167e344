//! `carelake errors`: what is in the error zone, and why.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use pipeline::time::rfc3339_milliseconds;

use super::show::parse_id;
use crate::report::Result;

#[derive(Debug, Args)]
pub(super) struct Errors {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// One line for each: id, when, code, feed, where, reason
    List,
    /// The report of one
    Show {
        /// Its id, as listed
        #[arg(value_name = "ID")]
        id: String,
    },
}

impl Errors {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let lake = crate::lake::open(lake).await?;
        let mut stdout = std::io::stdout().lock();
        match self.action {
            Action::List => {
                for entry in pipeline::errors(&lake).await? {
                    writeln!(
                        stdout,
                        "{}  {}  {:<16}  {}  byte {}  {}",
                        entry.message_id,
                        rfc3339_milliseconds(entry.received_at.div_euclid(1_000)),
                        entry.code,
                        entry.feed,
                        entry.offset,
                        entry.reason,
                    )?;
                }
            }
            Action::Show { id } => {
                stdout.write_all(&pipeline::error_report(&lake, parse_id(&id)?).await?)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
