//! `carelake init`: make a lake.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use crate::lake;
use crate::report::{Failure, Result};

#[derive(Debug, Args)]
pub(super) struct Init {
    /// Where: a folder that need not exist yet [default: ./lake]
    #[arg(value_name = "LAKE")]
    place: Option<String>,
}

impl Init {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        if let (Some(place), Some(lake)) = (self.place.as_deref(), lake)
            && place != lake
        {
            return Err(Failure::new("two lakes are named").with_hint("give either LAKE or --lake"));
        }
        let lake = pipeline::init(lake::location(self.place.as_deref().or(lake))?).await?;
        writeln!(std::io::stdout(), "made a lake at {}", lake.shown())?;
        Ok(ExitCode::SUCCESS)
    }
}
