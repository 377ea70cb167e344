//! `carelake sql`: ask a question.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;

use clap::Args;
use query::{AsOf, Engine, Options};

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
        let memory = usize::try_from(self.memory).ok().map(|megabytes| megabytes << 20);
        let options = Options { as_of: self.as_of, memory };
        let engine = Engine::open_with(&crate::lake::open(lake).await?, options).await?;
        match &self.query {
            Some(query) => {
                answer(&engine, query, self.format).await?;
                Ok(ExitCode::SUCCESS)
            }
            None if std::io::stdin().is_terminal() => {
                prompt::run(engine, self.format, !self.no_history).await
            }
            None => answer_all(&engine, self.format).await,
        }
    }
}

async fn answer(engine: &Engine, query: &str, format: Format) -> Result<()> {
    output::write(engine.sql(query).await?, format).await
}

/// Answers question after question from the standard input, each as soon as its semicolon ends a line: whoever writes into the
/// pipe may wait for the answer before asking on. One that fails is told and the next one asked.
async fn answer_all(engine: &Engine, format: Format) -> Result<ExitCode> {
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
            if let Err(failure) = answer(engine, &question, format).await {
                failed = true;
                report::failure(&failure);
            }
        }
        text.clear();
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
