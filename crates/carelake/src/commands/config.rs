//! `carelake config`: the configuration that `carelake serve` would run with.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::{CommandLine, Effective};
use crate::report::{self, Result};

#[derive(Debug, Args)]
pub(super) struct Config {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say whether it is right, or everything that is wrong with it
    Check(File),
    /// Print all values and where each comes from; of secrets only that they are set
    Show(File),
}

#[derive(Debug, Args)]
struct File {
    /// The file [default: ./carelake.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Config {
    pub(super) fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let (Action::Check(File { config }) | Action::Show(File { config })) = &self.action;
        let line = CommandLine { lake, ..CommandLine::default() };
        let effective = Effective::load(config.as_deref(), line)?;
        let mut stdout = std::io::stdout().lock();
        match self.action {
            Action::Show(_) => stdout.write_all(effective.to_toml().as_bytes())?,
            Action::Check(_) => {
                writeln!(stdout, "{}", outcome(&effective))?;
                for door in effective.open_doors() {
                    report::warning(format_args!("{door}: insecure = true allows it"));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn outcome(effective: &Effective) -> String {
    let file = match &effective.file {
        Some(file) => file.display().to_string(),
        None => "no file".to_owned(),
    };
    let (values, by_environment) = effective.given_values();
    let values = match values {
        0 => "all values are the defaults".to_owned(),
        1 => "1 value is not the default".to_owned(),
        values => format!("{values} values are not the defaults"),
    };
    match by_environment {
        0 => format!("ok: {file}, {values}"),
        by_environment => format!("ok: {file}, {values}, {by_environment} by the environment"),
    }
}
