//! `carelake init`: make a lake.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use pipeline::audit::is_audited;
use storage::Lake;

use crate::report::{Failure, Result};
use crate::{audit, lake};

#[derive(Debug, Args)]
pub(super) struct Init {
    /// Where: a folder that need not exist yet [default: ./lake]
    #[arg(value_name = "LAKE")]
    place: Option<String>,
    /// Record every access to it, and refuse those that cannot be recorded. For good; a lake that is there can be made one
    #[arg(long)]
    audited: bool,
}

impl Init {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        if let (Some(place), Some(lake)) = (self.place.as_deref(), lake)
            && place != lake
        {
            return Err(Failure::new("two lakes are named").with_hint("give either LAKE or --lake"));
        }
        let location = lake::location(self.place.as_deref().or(lake))?;
        let made = pipeline::init(location.clone()).await;
        let lake = match made {
            // Interrupted before it was declared, or made without.
            Err(pipeline::Error::Storage(storage::Error::LakeExists { .. })) if self.audited => {
                let lake = Lake::open(location).await?;
                if is_audited(&lake).await? {
                    made?;
                }
                lake
            }
            made => {
                let lake = made?;
                writeln!(std::io::stdout(), "made a lake at {}", lake.shown())?;
                lake
            }
        };
        if self.audited {
            audit::declare(&lake).await?;
            writeln!(std::io::stdout(), "every access to {} is recorded from now on", lake.shown())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
