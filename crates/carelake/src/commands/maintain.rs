//! `carelake maintain`: one pass of what a running server does by itself.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use pipeline::{Compacted, Expired, Maintained, Maintenance};

use super::errors::in_form;
use super::sweep::age;
use super::verify::amount;
use crate::report::{self, Result};

#[derive(Debug, Args)]
pub(super) struct Maintain {
    /// How long each state of the tables can be asked with --as-of: a number with s, m, h or d
    #[arg(long, value_name = "AGE", default_value = "7d", value_parser = age)]
    retention: Duration,
    /// Files of like size that are put together, at least
    #[arg(long, value_name = "N", default_value_t = Maintenance::default().least_files, value_parser = files)]
    least_files: usize,
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,
}

impl Maintain {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let lake = crate::lake::open(lake).await?;
        let Self { retention, least_files, json } = self;
        let settings = Maintenance { retention, least_files, ..Maintenance::default() };
        let begun = Instant::now();
        let maintained = pipeline::maintain(&lake, &settings).await?;
        let Maintained { staging, errors, expired, waits_for_replay } = maintained;
        if waits_for_replay {
            report::note(format_args!("a replay is under way: nothing is done until it has ended"));
        }
        let unreadable = staging.unreadable + errors.unreadable;
        if unreadable > 0 {
            report::note(format_args!(
                "{unreadable} files cannot be read and are left as they are: carelake verify names them"
            ));
        }
        let mut stdout = std::io::stdout();
        if json {
            writeln!(stdout, "{}", in_form(maintained, true)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        for (table, compacted) in [("staging", staging), ("errors", errors)] {
            let Compacted { files_before, files_after, merged_files, written_files, rows, .. } = compacted;
            writeln!(
                stdout,
                "{table}: {files_before} files, now {files_after}; {merged_files} of {} became {written_files} of {}, {rows} rows",
                amount(compacted.merged_bytes as f64),
                amount(compacted.written_bytes as f64)
            )?;
        }
        let Expired { commits, checkpoints, data_files, documents, bytes } = expired;
        writeln!(
            stdout,
            "removed: {commits} commits, {checkpoints} checkpoints, {data_files} data files, {documents} documents and lists, {}",
            amount(bytes as f64)
        )?;
        writeln!(stdout, "{:.1} s", begun.elapsed().as_secs_f64())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn files(text: &str) -> Result<usize, String> {
    let number = text.parse::<usize>().ok().filter(|number| *number >= 2);
    number.ok_or_else(|| "this is no number of files: write 2 or more".to_owned())
}
