//! `carelake inspect`: messages as trees with names and values, and what is odd about them.

use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use hl7::dictionary::Slot;
use hl7::json::TreeWriter;
use hl7::{Field, Finding, Message, Options, Outline, Parser, Part, Segment, Validator, Warning};
use pipeline::Reason;

use crate::messages::{self, Found, Input};
use crate::report::{self, Result};

/// Bytes shown on either side of a place.
const AROUND: usize = 36;

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// A file, or - for the standard input
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Also show, and fail on, what breaks the message's own version of the standard
    #[arg(long)]
    strict: bool,
}

impl Inspect {
    pub(super) fn run(self) -> Result<ExitCode> {
        let options = Options::default();
        let limit = options.limits.message_bytes;
        let input = messages::open(self.file.as_deref())?;
        let mut inspector = Inspector {
            parser: Parser::new(options),
            validator: self.strict.then(Validator::default),
            outline: Outline::default(),
            writer: TreeWriter::default(),
        };
        let mut out = BufWriter::new(std::io::stdout().lock());
        let (mut number, mut refused, mut broken) = (0_u64, 0_u64, 0_u64);
        let outcome = messages::each(input, limit, |found| {
            number += 1;
            if number > 1 {
                writeln!(out)?;
            }
            let (offset, bytes, inspected) = match found {
                Found::Message { offset, bytes } => (offset, bytes, inspector.inspect(bytes, &mut out)?),
                Found::Junk { offset, bytes } => (offset, bytes, Err(Reason::no_message())),
                Found::TooLong { offset } => (offset, &[][..], Err(Reason::too_long(limit))),
            };
            match inspected {
                Ok(findings) => broken += u64::from(findings > 0),
                Err(reason) => {
                    refused += 1;
                    let within = usize::try_from(reason.offset).unwrap_or_default();
                    writeln!(out, "no message: {} at byte {}", reason.code.text(), offset + reason.offset)?;
                    point_at(bytes, within, &mut out)?;
                    out.flush()?;
                    report::error(format_args!("message {number}: {}", reason.text), Some(&reason.hint));
                }
            }
            Ok(())
        })?;
        out.flush()?;
        if outcome == Input::Empty {
            report::warning("the input is empty");
        }
        let is_fine = refused == 0 && broken == 0;
        Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

struct Inspector {
    parser: Parser,
    /// Only when asked to be strict.
    validator: Option<Validator>,
    outline: Outline,
    writer: TreeWriter,
}

impl Inspector {
    /// Prints one message; gives the number of findings, none unless asked to be strict.
    fn inspect(&mut self, bytes: &[u8], out: &mut impl Write) -> Result<Result<usize, Reason>> {
        let Self { parser, validator, outline, writer } = self;
        let message = match parser.parse(bytes) {
            Ok(message) => message,
            Err(error) => return Ok(Err(error.into())),
        };
        outline.trace(&message, Options::default().limits.nesting);
        let structure = match message.structure_name() {
            "" => "no structure",
            name => name,
        };
        writeln!(
            out,
            "{structure}, version {}, {}, {} segments, {} bytes",
            message.version().as_str(),
            message.charset().name(),
            message.segments().len(),
            message.bytes().len()
        )?;
        print_segments(&message, outline, out)?;
        writer.write(&message);
        let warnings: Vec<Warning> = message.warnings().iter().chain(writer.warnings()).copied().collect();
        for warning in &warnings {
            print_warning(&message, warning, out)?;
        }
        let findings = validator.as_mut().map_or(&[][..], |validator| validator.validate(&message));
        for finding in findings {
            print_finding(&message, finding, out)?;
        }
        Ok(Ok(findings.len()))
    }
}

fn print_segments(message: &Message<'_>, outline: &Outline, out: &mut impl Write) -> Result<()> {
    let mut group = 0;
    for (segment, placed) in message.segments().zip(outline.segments()) {
        if placed.group != group {
            print_new_groups(outline, placed.group, segment.index(), out)?;
            group = placed.group;
        }
        print_segment(&segment, depth(outline, group), out)?;
    }
    Ok(())
}

/// Prints the heads of the groups that a segment opens, the outermost first.
fn print_new_groups(
    outline: &Outline,
    group: usize,
    segment_index: usize,
    out: &mut impl Write,
) -> Result<()> {
    let groups = outline.groups();
    let mut opened = Vec::new();
    let mut at = group;
    while at != 0 && groups[at].first_segment as usize == segment_index {
        opened.push(at);
        at = groups[at].parent;
    }
    for group in opened.into_iter().rev() {
        writeln!(out, "{}{}", indent(depth(outline, group) - 1), groups[group].name)?;
    }
    Ok(())
}

/// In how many groups a group stands, itself included; 0 is the message.
fn depth(outline: &Outline, mut group: usize) -> usize {
    let mut depth = 0;
    while group != 0 {
        group = outline.groups()[group].parent;
        depth += 1;
    }
    depth
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

fn print_segment(segment: &Segment<'_>, depth: usize, out: &mut impl Write) -> Result<()> {
    let id = String::from_utf8_lossy(&segment.id()).into_owned();
    writeln!(out, "{}{id}", indent(depth))?;
    for field in segment.fields() {
        let slot = segment.definition().and_then(|definition| definition.field(field.number()));
        print_field(&id, &field, slot, depth + 1, out)?;
    }
    Ok(())
}

fn print_field(
    id: &str,
    field: &Field<'_>,
    slot: Option<&'static Slot>,
    depth: usize,
    out: &mut impl Write,
) -> Result<()> {
    let name = slot.map_or("", Slot::name);
    for (repetition, part) in field.repetitions().enumerate() {
        let mut path = format!("{id}-{}", field.number());
        if repetition > 0 {
            path.push_str(&format!("[{}]", repetition + 1));
        }
        print_part(&part, &path, name, slot, depth, out)?;
    }
    Ok(())
}

/// Prints a part that is one value, or the parts it is made of.
fn print_part(
    part: &Part<'_>,
    path: &str,
    name: &str,
    slot: Option<&'static Slot>,
    depth: usize,
    out: &mut impl Write,
) -> Result<()> {
    if part.raw().is_empty() {
        return Ok(());
    }
    if part.parts().nth(1).is_none() {
        // A value that is not divided at all belongs to the innermost first position.
        writeln!(out, "{}{path:<14} {name:<48} {}", indent(depth), visible(&part.text()))?;
        return Ok(());
    }
    for (position, inner) in part.parts().enumerate() {
        let inner_slot = slot.and_then(|slot| slot.datatype().component(position + 1));
        let inner_name = inner_slot.map_or_else(|| name.to_owned(), |slot| format!("{name}.{}", slot.name()));
        print_part(&inner, &format!("{path}.{}", position + 1), &inner_name, inner_slot, depth, out)?;
    }
    Ok(())
}

fn print_warning(message: &Message<'_>, warning: &Warning, out: &mut impl Write) -> Result<()> {
    let place = tables::describe_place(message, &warning.place);
    let place = if place.is_empty() { "the message".to_owned() } else { place };
    writeln!(out, "warning: {} at {place}, byte {}", warning.code, warning.offset)?;
    point_at(message.bytes(), warning.offset, out)
}

fn print_finding(message: &Message<'_>, finding: &Finding, out: &mut impl Write) -> Result<()> {
    let place = tables::describe_place(message, &finding.place);
    let Finding { code, offset, expected, .. } = finding;
    writeln!(out, "{code} at {place}, byte {offset}: expected {expected}")?;
    point_at(message.bytes(), *offset, out)
}

/// Prints the bytes around a place, on one line, and a caret under the place.
fn point_at(bytes: &[u8], offset: usize, out: &mut impl Write) -> Result<()> {
    let offset = offset.min(bytes.len());
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let line_start = bytes[..offset].iter().rposition(is_line_end).map_or(0, |at| at + 1);
    let line_end = bytes[offset..].iter().position(is_line_end).map_or(bytes.len(), |at| offset + at);
    let start = line_start.max(offset.saturating_sub(AROUND));
    let end = line_end.min(offset + AROUND);
    let before = visible(&String::from_utf8_lossy(&bytes[start..offset]));
    let after = visible(&String::from_utf8_lossy(&bytes[offset..end]));
    writeln!(out, "  {before}{after}")?;
    writeln!(out, "  {}^", " ".repeat(before.chars().count()))?;
    Ok(())
}

/// The text with control characters made visible, so that a terminal shows it on one line.
fn visible(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{b7}' } else { character }).collect()
}
