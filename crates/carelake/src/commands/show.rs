//! `carelake show`: one message.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use hl7::json::TreeWriter;
use hl7::{Options, Parser};
use pipeline::MessageId;
use pipeline::audit::{Action, Entity};

use crate::audit::Trail;
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
}

impl Show {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let id = parse_id(&self.id)?;
        let lake = crate::lake::open(lake).await?;
        let trail = Trail::open(&lake).await?;
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
            As::Leaves => {
                let mut leaves = String::new();
                message.write_leaves(&mut leaves);
                stdout.write_all(leaves.as_bytes())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads an id from the command line.
pub(super) fn parse_id(text: &str) -> Result<MessageId> {
    MessageId::parse(text).ok_or_else(|| {
        Failure::new("this is no message id").with_hint("an id is 32 hex digits, as in the column message_id")
    })
}
