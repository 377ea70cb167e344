//! `carelake replay`: staging, built anew from raw.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use pipeline::audit::{Action, Entity};
use pipeline::{ReplayProgress, Rules, Scope};

use super::errors::in_form;
use crate::audit::Trail;
use crate::progress;
use crate::report::Result;

#[derive(Debug, Args)]
pub(super) struct Replay {
    /// Only messages first received on this feed
    #[arg(long)]
    feed: Option<String>,
    /// Only messages first received at this time or later: a date, or RFC 3339; UTC
    #[arg(long, value_name = "T", value_parser = moment)]
    from: Option<i64>,
    /// Only messages first received before this time
    #[arg(long, value_name = "T", value_parser = moment)]
    to: Option<i64>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let lake = crate::lake::open(lake).await?;
        let entities = self.feed.iter().cloned().map(Entity::Feed).collect();
        Trail::open(&lake).await?.record(Action::Replay, entities).await?;
        let scope = Scope { feed: self.feed, from: self.from, to: self.to };
        let progress = std::sync::Arc::<ReplayProgress>::default();
        let shown = progress::show_replay(&progress);
        let outcome = pipeline::replay(&lake, &scope, &Rules::default(), &progress).await;
        shown.finish();
        writeln!(std::io::stdout(), "{}", in_form(outcome?, self.json)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn moment(text: &str) -> Result<i64, String> {
    pipeline::time::parse(text)
        .ok_or_else(|| "this is no moment: write 2026-01-31 or 2026-01-31T12:00:00Z".to_owned())
}
