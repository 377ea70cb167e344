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
        if summary.drops_waiting > 0 {
            report::note(format_args!(
                "{} files lie in the raw zone and wait to be taken up: carelake serve takes them up",
                summary.drops_waiting
            ));
        }
        if summary.left_behind > 0 {
            report::note(format_args!(
                "{} objects that the tables do not name now take up space: carelake maintain removes what was replaced, carelake sweep what was broken off",
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
                "raw: {raw_objects} objects, {}, hashed and held against the receipts",
                amount(summary.raw_bytes as f64)
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
            if summary.audit_events > 0 {
                writeln!(stdout, "audit: {} events, held against their chains", summary.audit_events)?;
            }
            writeln!(stdout, "{seconds:.1} s, {}/s", amount(summary.raw_bytes as f64 / seconds.max(0.001)))?;
            writeln!(stdout, "{} pending={}", summary.accounting, summary.pending)?;
        }
        Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Bytes with two or three digits that say something.
pub(super) fn amount(bytes: f64) -> String {
    match bytes {
        ..999.5 => format!("{bytes:.0} B"),
        ..9_950.0 => format!("{:.1} kB", bytes / 1e3),
        ..999_500.0 => format!("{:.0} kB", bytes / 1e3),
        ..9_950_000.0 => format!("{:.1} MB", bytes / 1e6),
        _ => format!("{:.0} MB", bytes / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::amount;

    #[test]
    fn amounts_say_something_however_small() {
        for (bytes, text) in [
            (0.0, "0 B"),
            (412.4, "412 B"),
            (999.4, "999 B"),
            (999.6, "1.0 kB"),
            (9_949.0, "9.9 kB"),
            (9_951.0, "10 kB"),
            (999_499.0, "999 kB"),
            (999_501.0, "1.0 MB"),
            (2_540_000.0, "2.5 MB"),
            (9_951_000.0, "10 MB"),
            (31_721_602.0, "32 MB"),
        ] {
            assert_eq!(amount(bytes), text);
        }
    }
}
