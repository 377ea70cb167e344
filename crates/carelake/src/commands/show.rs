//! `carelake show`: one message.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use hl7::json::TreeWriter;
use hl7::{Options, Parser};
use pipeline::audit::{Action, Entity};
use pipeline::{Lake, MessageId};
use query::Engine;
use serde_json::{Value, json};

use crate::audit::Trail;
use crate::output::write_ndjson;
use crate::report::{Failure, Result};

#[derive(Debug, Args)]
pub(super) struct Show {
    /// The message's id: 32 hex digits, the column message_id
    #[arg(value_name = "MESSAGE_ID")]
    id: String,
    /// How it is printed
    #[arg(long = "as", value_enum, default_value_t = As::Er7)]
    form: As,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum As {
    /// One segment a line
    Er7,
    /// The tree
    Json,
    /// One value a line, with its path
    Leaves,
    /// Exactly the bytes received
    Raw,
    /// What became of it, as one object: each time it was received and what its sender was answered, its row and the commit that
    /// made it, what is wrong with it
    Fate,
}

impl Show {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let id = parse_id(&self.id)?;
        let lake = crate::lake::open(lake).await?;
        let trail = Trail::open(&lake).await?;
        if self.form == As::Fate {
            let fate = fate(&lake, id).await;
            let fate = trail.pass(Action::ViewMessage, Entity::Message(id.to_string()), fate).await?;
            writeln!(std::io::stdout(), "{fate:#}")?;
            return Ok(ExitCode::SUCCESS);
        }
        let bytes = pipeline::message_bytes(&lake, id).await;
        let bytes = trail.pass(Action::ViewMessage, Entity::Message(id.to_string()), bytes).await?;
        let mut stdout = std::io::stdout().lock();
        if self.form == As::Raw {
            stdout.write_all(&bytes)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut parser = Parser::new(Options::default());
        let message = parser.parse(&bytes).map_err(|error| {
            Failure::new(error.to_string()).with_hint("--as raw prints the bytes as they are")
        })?;
        match self.form {
            As::Er7 | As::Raw => {
                for segment in message.segments() {
                    stdout.write_all(segment.raw())?;
                    stdout.write_all(b"\n")?;
                }
            }
            As::Json => {
                stdout.write_all(TreeWriter::default().write(&message))?;
                stdout.write_all(b"\n")?;
            }
            As::Fate => {}
            As::Leaves => {
                let mut leaves = String::new();
                message.write_leaves(&mut leaves);
                stdout.write_all(leaves.as_bytes())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What became of a message.
async fn fate(lake: &Lake, id: MessageId) -> Result<Value> {
    let engine = Engine::open(lake).await?;
    let of = async |(table, columns)| {
        let query = format!("SELECT {columns} FROM {table} WHERE message_id = '{id}' ORDER BY received_at");
        let mut lines = Vec::new();
        for batch in engine.sql(&query).await?.collect().await? {
            write_ndjson(&batch, &mut lines)?;
        }
        let rows: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(&lines).into_iter().collect();
        rows.map_err(|error| Failure::new(error.to_string()))
    };
    let [receipts, rows, errors] = pipeline::FATE;
    let (receipts, rows, errors) = (of(receipts).await?, of(rows).await?, of(errors).await?);
    if receipts.is_empty() && rows.is_empty() && errors.is_empty() {
        return Err(pipeline::Error::UnknownMessage { id: id.to_string() }.into());
    }
    let commit = if rows.is_empty() { None } else { pipeline::row_commit(lake, id).await? };
    let commit = commit.map(|commit| commit.to_json());
    Ok(
        json!({"message_id": id.to_string(), "receipts": receipts, "rows": rows, "commit": commit, "errors": errors}),
    )
}

/// Reads an id from the command line.
pub(super) fn parse_id(text: &str) -> Result<MessageId> {
    MessageId::parse(text).ok_or_else(|| {
        Failure::new("this is no message id").with_hint("an id is 32 hex digits, as in the column message_id")
    })
}
