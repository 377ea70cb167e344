//! `carelake convert`: messages as JSON documents, without a lake.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use hl7::json::{Names, TreeWriter};
use hl7::{Options, Parser, Validator};
use pipeline::Reason;

use crate::messages::{self, Found, Input};
use crate::report::{self, Result};
use crate::rows::RowWriter;

#[derive(Debug, Args)]
pub(super) struct Convert {
    /// A file, or - for the standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// tree: groups and segments nested; flat: the row of the staging table
    #[arg(long, value_enum, default_value_t = Shape::Tree)]
    shape: Shape,
    /// How positions are called in a tree
    #[arg(long, value_enum, default_value_t = NameStyle::Canonical)]
    names: NameStyle,
    /// Refuse messages that break their own version of the standard
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    Tree,
    Flat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum NameStyle {
    /// The same in all versions, as in the tables
    Canonical,
    /// The long names of the message's own version
    Standard,
    /// PID-5 and the like
    Short,
}

impl Convert {
    pub(super) fn run(self) -> Result<ExitCode> {
        let options = Options::default();
        let limit = options.limits.message_bytes;
        let input = messages::open(self.file.as_deref())?;
        let mut converter = Converter::new(&self, &options);
        let mut out = BufWriter::new(std::io::stdout().lock());
        let (mut number, mut failed) = (0_u64, 0_u64);
        let outcome = messages::each(input, limit, |found| {
            number += 1;
            let (offset, converted) = match found {
                Found::Message { offset, bytes } => {
                    (offset, converter.convert(offset, bytes, number, &mut out)?)
                }
                Found::Junk { offset, .. } => (offset, Err(Reason::no_message())),
                Found::TooLong { offset } => (offset, Err(Reason::too_long(limit))),
            };
            if let Err(reason) = converted {
                failed += 1;
                let at = offset + reason.offset;
                report::error(
                    format_args!("message {number} at byte {at}: {}: {}", reason.code.text(), reason.text),
                    Some(&reason.hint),
                );
                for breach in &reason.breaches {
                    let at = offset + breach.offset as u64;
                    report::detail(format_args!(
                        "{} at {}, byte {at}: expected {}",
                        breach.code, breach.path, breach.expected
                    ));
                }
            }
            Ok(())
        })?;
        out.flush()?;
        if outcome == Input::Empty {
            report::warning("the input is empty");
        }
        if outcome == Input::WithoutMessage && failed == 0 {
            failed = 1;
            let reason = Reason::no_message();
            report::error(format_args!("no_message: {}", reason.text), Some(&reason.hint));
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

struct Converter {
    shape: Shape,
    strict: bool,
    parser: Parser,
    validator: Validator,
    writer: TreeWriter,
    rows: RowWriter,
}

impl Converter {
    fn new(command: &Convert, options: &Options) -> Self {
        let names = match command.names {
            NameStyle::Canonical => Names::Canonical,
            NameStyle::Standard => Names::Standard,
            NameStyle::Short => Names::Short,
        };
        Self {
            shape: command.shape,
            strict: command.strict,
            parser: Parser::new(options.clone()),
            validator: Validator::default(),
            writer: TreeWriter::new(names, options),
            rows: RowWriter::of(
                command.file.as_ref().map_or_else(|| "-".into(), |file| file.display().to_string()),
            ),
        }
    }

    /// Writes one message; the inner error is the message's, the outer that of the output.
    fn convert(
        &mut self,
        offset: u64,
        bytes: &[u8],
        number: u64,
        out: &mut impl Write,
    ) -> Result<Result<(), Reason>> {
        let message = match self.parser.parse(bytes) {
            Ok(message) => message,
            Err(error) => return Ok(Err(error.into())),
        };
        if self.strict
            && let Some(reason) = Reason::strict(&message, self.validator.validate(&message))
        {
            return Ok(Err(reason));
        }
        if self.shape == Shape::Flat {
            out.write_all(&self.rows.line(&message, number, offset)?)?;
            return Ok(Ok(()));
        }
        out.write_all(self.writer.write(&message))?;
        out.write_all(b"\n")?;
        Ok(Ok(()))
    }
}
