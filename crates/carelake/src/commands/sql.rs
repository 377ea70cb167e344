//! `carelake sql`: ask a question.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use pipeline::audit::{Action, Entity};
use query::{Answer, AsOf, Engine, Options};

use crate::audit::Trail;
use crate::config::Config;
use crate::output::{self, Format};
use crate::prompt;
use crate::report::{self, Failure, Result};

#[derive(Debug, Args)]
pub(super) struct Sql {
    /// The question; without it, a prompt, or on no terminal what comes on the standard input, each up to a semicolon
    query: Option<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Ask the lake as it was: a version of the staging table, or a time such as 2026-01-31 or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "T", value_parser = as_of)]
    as_of: Option<AsOf>,
    /// Megabytes that a query may hold in memory; what needs more goes to temporary files
    #[arg(long, value_name = "MB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(16..))]
    memory: u32,
    /// Where the time zones of feeds are [default: ./carelake.toml, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Do not keep the prompt's history. It is a file in your state folder that only you can read; questions may name
    /// patients
    #[arg(long)]
    no_history: bool,
}

fn as_of(text: &str) -> std::result::Result<AsOf, String> {
    text.parse().map_err(|error: query::Error| match error.hint() {
        Some(hint) => format!("{error}: {hint}"),
        None => error.to_string(),
    })
}

impl Sql {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let offsets = Config::load(self.config.as_deref())?.feed_offsets();
        let memory = usize::try_from(self.memory).ok().map(|megabytes| megabytes << 20);
        let options = Options { as_of: self.as_of, memory, audit: true, offsets };
        let lake = crate::lake::open(lake).await?;
        let engine = Engine::open_with(&lake, options).await?;
        let asked = Asked { engine: Arc::new(engine), trail: Trail::open(&lake).await? };
        match &self.query {
            Some(query) => {
                answer(&asked, query, self.format).await?;
                Ok(ExitCode::SUCCESS)
            }
            None if std::io::stdin().is_terminal() => prompt::run(asked, self.format, !self.no_history).await,
            None => answer_all(&asked, self.format).await,
        }
    }
}

/// A lake that is asked, and where that is recorded.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) engine: Arc<Engine>,
    trail: Trail,
}

impl Asked {
    /// The answer to a question, recorded: what is printed for programs is an export.
    pub(crate) async fn answer(&self, query: &str, format: Format) -> Result<Answer> {
        let action = if format == Format::Table { Action::Query } else { Action::Export };
        let answered = self.engine.sql(query).await;
        self.trail.pass(action, Entity::Query(query.to_owned()), answered).await
    }
}

async fn answer(asked: &Asked, query: &str, format: Format) -> Result<()> {
    output::write(asked.answer(query, format).await?, format).await
}

/// Answers question after question from the standard input, each as soon as its semicolon ends a line: whoever writes into the
/// pipe may wait for the answer before asking on. One that fails is told and the next one asked.
async fn answer_all(asked: &Asked, format: Format) -> Result<ExitCode> {
    let mut text = String::new();
    let mut failed = false;
    let mut at_end = false;
    while !at_end {
        let read = std::io::stdin().lock().read_line(&mut text);
        at_end = read.map_err(|error| Failure::new(format!("cannot read the standard input: {error}")))? == 0;
        if !at_end && !prompt::is_complete(&text) {
            continue;
        }
        for question in prompt::questions(&text) {
            if let Err(failure) = answer(asked, &question, format).await {
                failed = true;
                report::failure(&failure);
            }
        }
        text.clear();
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
