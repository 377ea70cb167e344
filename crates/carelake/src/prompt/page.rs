//! Long answers go through a pager.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

/// Prints to the terminal, by a pager if it is longer than a screen.
pub(super) fn print(text: &str) -> io::Result<()> {
    const SCREEN: usize = 40;
    let is_long = text.lines().count() > SCREEN || text.lines().any(|line| line.len() > 200);
    if is_long && io::stdout().is_terminal() && page(text).is_ok() {
        return Ok(());
    }
    writeln!(io::stdout(), "{text}")
}

fn page(text: &str) -> io::Result<()> {
    let pager = std::env::var("PAGER").ok().filter(|pager| !pager.is_empty());
    let mut words = pager.as_deref().unwrap_or("less -SFRX").split_whitespace();
    let program = words.next().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let mut child = Command::new(program).args(words).stdin(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A pager that is left early closes its end.
        let _ = stdin.write_all(text.as_bytes());
    }
    child.wait().map(drop)
}
