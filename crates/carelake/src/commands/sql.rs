//! `carelake sql`: ask a question.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use clap::Args;
use query::Engine;

use crate::output::{self, Format};
use crate::report::{self, Result};

#[derive(Debug, Args)]
pub(super) struct Sql {
    /// The question; without it they are read from the standard input, each up to a semicolon
    query: Option<String>,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl Sql {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let engine = Engine::open(&crate::lake::open(lake).await?).await?;
        match &self.query {
            Some(query) => {
                answer(&engine, query, self.format).await?;
                Ok(ExitCode::SUCCESS)
            }
            None => prompt(&engine, self.format).await,
        }
    }
}

async fn answer(engine: &Engine, query: &str, format: Format) -> Result<()> {
    let answer = engine.sql(query).await?;
    output::write(answer, format).await
}

/// Answers question after question; one that fails is told and the next one asked.
async fn prompt(engine: &Engine, format: Format) -> Result<ExitCode> {
    let stdin = std::io::stdin();
    let is_terminal = stdin.is_terminal();
    let mut question = String::new();
    let mut failed = false;
    loop {
        if is_terminal {
            let sign = if question.is_empty() { "carelake> " } else { "       -> " };
            write!(std::io::stderr(), "{sign}")?;
        }
        let at_end = stdin.lock().read_line(&mut question)? == 0;
        if !at_end && !question.trim_end().ends_with(';') {
            continue;
        }
        let text = question.trim().trim_end_matches(';').trim();
        if !text.is_empty()
            && let Err(failure) = answer(engine, text, format).await
        {
            failed = true;
            report::failure(&failure);
        }
        question.clear();
        if at_end {
            return Ok(if failed && !is_terminal { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
    }
}
