//! `carelake sweep`: removes what no commit names.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::errors::in_form;
use crate::report::Result;

#[derive(Debug, Args)]
pub(super) struct Sweep {
    /// Only what is older: a number with s, m, h or d. What processes that are at work have written is left in any case
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = age)]
    older_than: Duration,
    /// Only count it
    #[arg(long)]
    dry_run: bool,
    /// Print the counts as JSON
    #[arg(long)]
    json: bool,
}

impl Sweep {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let lake = crate::lake::open(lake).await?;
        let swept = pipeline::sweep(&lake, self.older_than, self.dry_run).await?;
        writeln!(std::io::stdout(), "{}", in_form(swept, self.json)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads a span of time from the command line.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    let unit = text.chars().next_back().unwrap_or_default();
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => 0,
    };
    let number = text.strip_suffix(unit).and_then(|number| number.parse::<u64>().ok());
    match number.and_then(|number| number.checked_mul(seconds)).filter(|_| seconds > 0) {
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err("this is no age: write 90m, 24h or 7d".to_owned()),
    }
}
