//! `carelake serve`: a lake with its doors open.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::config::{CommandLine, Effective};
use crate::report::Result;
use crate::serving;

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The configuration [default: ./carelake.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Let doors that other machines can reach go without TLS and authentication
    #[arg(long)]
    insecure: bool,
}

impl Serve {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let line = CommandLine { lake, insecure: self.insecure };
        let effective = Effective::load(self.config.as_deref(), line)?;
        serving::serve(effective).await
    }
}
