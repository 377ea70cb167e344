//! The prompt: question after question, with history and completion.

mod completion;
mod history;
mod page;

use std::io::Write;
use std::process::ExitCode;
use std::time::Instant;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Editor};

use crate::commands::Asked;
use crate::output::{self, Format};
use crate::report::{self, Failure, Result};
use completion::Names;

const HELP: &str = "\
  SELECT …;        a question, on as many lines as you like, up to a semicolon
  Tab              completes tables, columns and HL7 paths: pid.patient_name.
  \\d               the tables
  \\d TABLE         the columns of a table
  \\x               rows as lists of names and values, or as a table again
  \\q               leaves, as Ctrl-D does
  Ctrl-C           stops the question that is being answered
";

/// Asks until the person leaves.
pub(crate) async fn run(asked: Asked, format: Format, keeps_history: bool) -> Result<ExitCode> {
    let config = Config::builder().completion_type(CompletionType::List).auto_add_history(true).build();
    let mut editor: Editor<Names, FileHistory> =
        Editor::with_config(config).map_err(|error| Failure::new(format!("no prompt: {error}")))?;
    editor.set_helper(Some(Names::new(asked.engine.clone())));
    let history = keeps_history.then(history::file).flatten();
    if let Some(history) = &history {
        // A history that cannot be read is as good as none.
        let _ = editor.load_history(history);
    }
    let mut prompt = Prompt { asked, format, is_vertical: false };
    writeln!(std::io::stderr(), "\\? tells what can be typed here.")?;
    loop {
        let line = match editor.readline("carelake> ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(Failure::new(format!("no prompt: {error}"))),
        };
        if matches!(line.trim(), "\\q" | "quit" | "exit") {
            break;
        }
        if let Err(failure) = prompt.take(line.trim()).await {
            report::failure(&failure);
        }
        if let Some(history) = &history {
            history::save(&mut editor, history);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a text ends with a semicolon that is not in quotes.
pub(crate) fn is_complete(text: &str) -> bool {
    let open_quote = text.chars().fold(None, |quote, character| match quote {
        None if matches!(character, '\'' | '"') => Some(character),
        Some(open) if open == character => None,
        _ => quote,
    });
    open_quote.is_none() && text.trim_end().ends_with(';')
}

/// The questions of a text, each up to a semicolon that is not in quotes.
pub(crate) fn questions(text: &str) -> Vec<String> {
    let mut questions = vec![String::new()];
    let mut quote = None;
    for character in text.chars() {
        match (quote, character) {
            (None, ';') => questions.push(String::new()),
            _ => {
                match quote {
                    None if matches!(character, '\'' | '"') => quote = Some(character),
                    Some(open) if open == character => quote = None,
                    _ => {}
                }
                if let Some(question) = questions.last_mut() {
                    question.push(character);
                }
            }
        }
    }
    questions
        .iter()
        .map(|question| question.trim().to_owned())
        .filter(|question| !question.is_empty())
        .collect()
}

struct Prompt {
    asked: Asked,
    format: Format,
    is_vertical: bool,
}

impl Prompt {
    async fn take(&mut self, line: &str) -> Result<()> {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            [] => Ok(()),
            ["\\?" | "help"] => Ok(write!(std::io::stdout(), "{HELP}")?),
            ["\\x"] => {
                self.is_vertical = !self.is_vertical;
                Ok(())
            }
            ["\\d"] => crate::commands::print_tables(&self.asked.engine).await,
            ["\\d", table] => crate::commands::print_columns(&self.asked.engine, table).await,
            [command, ..] if command.starts_with('\\') => {
                Err(Failure::new(format!("{command} is not known here")).with_hint("\\? tells what is"))
            }
            _ => {
                for question in questions(line) {
                    self.answer(&question).await?;
                }
                Ok(())
            }
        }
    }

    /// Answers one question, or stops when Ctrl-C is typed.
    async fn answer(&self, question: &str) -> Result<()> {
        let began = Instant::now();
        let answering = async {
            let answer = self.asked.answer(question, self.format).await?;
            if self.format != Format::Table {
                output::write(answer, self.format).await?;
                return Ok(None);
            }
            let schema = answer.schema();
            let batches = answer.collect().await?;
            let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
            let text = if self.is_vertical {
                output::vertical(&batches)?
            } else {
                output::table(&schema, &batches)?
            };
            Ok::<_, Failure>(Some((rows, text)))
        };
        let answered = tokio::select! {
            answered = answering => answered?,
            _ = tokio::signal::ctrl_c() => return Err(Failure::new("stopped")),
        };
        let took = began.elapsed();
        if let Some((rows, text)) = answered {
            page::print(&text)?;
            let plural = if rows == 1 { "" } else { "s" };
            writeln!(std::io::stderr(), "{rows} row{plural} in {:.0} ms", took.as_secs_f64() * 1_000.0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::questions;

    #[test]
    fn a_semicolon_in_quotes_ends_no_question() {
        assert_eq!(
            questions("SELECT ';' ;\n\nSELECT 2\n; SELECT \"a;b\""),
            ["SELECT ';'", "SELECT 2", "SELECT \"a;b\""]
        );
    }
}
