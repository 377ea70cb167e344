//! `carelake ingest`: land and convert.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use pipeline::{Event, FeedRules, Input, Settings};

use crate::config::Config;
use crate::progress;
use crate::report::{self, Failure, Result};
use crate::serving::{self, feeds};

#[derive(Debug, Args)]
pub(super) struct Ingest {
    /// Files, folders with all that is in them, or - for the standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The sender's stream these messages belong to
    #[arg(long, default_value = "default")]
    feed: String,
    /// Where the feed's rules are [default: ./carelake.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Refuse messages that break their own version of the standard
    #[arg(long)]
    strict: bool,
    /// Print the accounting line as JSON
    #[arg(long)]
    json: bool,
}

impl Ingest {
    /// The rules of the feed, as the doors of `carelake serve` have them.
    fn settings(&self) -> Result<Settings> {
        let config = Config::load(self.config.as_deref())?;
        let feeds = feeds::by_name(&Arc::new(feeds::feeds(&config)?));
        let mut feed = feeds.of(&self.feed);
        if self.strict {
            feed = Arc::new(FeedRules { strict: true, ..FeedRules::clone(&feed) });
        }
        let limits = serving::rules(&config).options.limits;
        Ok(Settings { feed, feeds, limits, ..Settings::default() })
    }

    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let lake = crate::lake::open(lake).await?;
        let settings = self.settings()?;
        let mut unreadable = false;
        let inputs = Input::expand(&self.paths);
        let progress = progress::show(&settings.progress, &inputs);
        let accounting = pipeline::ingest(&lake, inputs, &settings, |event| {
            // The bar shows it.
            if let Event::Landed { .. } = event {
                return;
            }
            progress.suspend(|| match event {
                Event::Landed { .. } => {}
                Event::Empty(input) => report::warning(format_args!("{} is empty", input.path().display())),
                Event::Batch(input, warning) => report::warning(format_args!(
                    "{} at byte {}: {}",
                    input.path().display(),
                    warning.offset,
                    warning.code
                )),
                Event::Changed(input) => report::warning(format_args!(
                    "{} was written to while it was read; ingest it again when it is complete",
                    input.path().display()
                )),
                Event::Unreadable(error @ pipeline::Error::LeftOut { .. }) => report::warning(error),
                Event::ReusedControlIds(messages) => report::warning(format_args!(
                    "{messages} messages were staged whose control ID (MSH-10) another message of the same sender has, with \
                     other content; the table reused_control_ids lists them"
                )),
                Event::Recovered(accounting) => {
                    report::note(format_args!("finished what an interrupted run had begun: {accounting}"))
                }
                Event::Checkpoint(error) => report::note(format_args!(
                    "a checkpoint could not be written, so that opening the lake takes longer: {error}"
                )),
                Event::Unreadable(error) => {
                    unreadable = true;
                    report::failure(&error.into());
                }
            })
        });
        let accounting = accounting.await;
        progress.finish();
        let accounting = accounting?;
        let mut stdout = std::io::stdout();
        if self.json {
            let line = serde_json::to_string(&accounting).map_err(|error| Failure::new(error.to_string()))?;
            writeln!(stdout, "{line}")?;
        } else {
            writeln!(stdout, "{accounting}")?;
        }
        if accounting.error > 0 {
            report::note("carelake errors list tells what could not be read, and why");
        }
        let is_whole = accounting.is_complete() && !unreadable;
        Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
