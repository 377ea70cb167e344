//! `carelake verify`: the ledger, to the byte.

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use crate::report::{self, Failure, Result};

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let lake = crate::lake::open(lake).await?;
        let begun = Instant::now();
        let pipeline::Verified { summary, problems } = pipeline::verify(&lake).await?;
        let seconds = begun.elapsed().as_secs_f64();
        let megabytes = summary.raw_bytes as f64 / 1e6;
        for problem in &problems.kept {
            report::error(problem, Some(problem.kind.hint()));
        }
        for (kind, more) in problems.more() {
            report::error(format_args!("and {more} more like the last of these: {}", kind.text()), None);
        }
        if summary.pending > 0 {
            report::note(format_args!("{} messages wait to be converted", summary.pending));
        }
        if summary.left_behind > 0 {
            report::note(format_args!(
                "{} objects that no commit names take up space: carelake sweep removes them",
                summary.left_behind
            ));
        }
        let mut stdout = std::io::stdout();
        if self.json {
            let mut line = serde_json::to_value(summary).map_err(|error| Failure::new(error.to_string()))?;
            line["problems"] = json!(problems.counts);
            line["seconds"] = json!(seconds);
            line["megabytes_per_second"] = json!(megabytes / seconds);
            writeln!(stdout, "{line}")?;
        } else {
            let pipeline::Summary { raw_objects, rows, values, documents, errors, .. } = summary;
            writeln!(
                stdout,
                "raw: {raw_objects} objects, {megabytes:.1} MB, hashed and held against the receipts"
            )?;
            writeln!(
                stdout,
                "staging: {rows} rows, {values} values equal to their bytes, {documents} documents"
            )?;
            if summary.values_moved + summary.values_unread + summary.rows_unread > 0 {
                writeln!(
                    stdout,
                    "  of these {} values at the component of a newer version, {} values and {} rows in other character sets or escapes compared by number only",
                    summary.values_moved, summary.values_unread, summary.rows_unread
                )?;
            }
            writeln!(stdout, "errors: {errors}")?;
            writeln!(stdout, "{seconds:.1} s, {:.0} MB/s", megabytes / seconds)?;
            writeln!(stdout, "{} pending={}", summary.accounting, summary.pending)?;
        }
        Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
