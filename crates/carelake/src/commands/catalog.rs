//! `carelake catalog`: what there is to ask.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use query::{Engine, Options};

use crate::report::Result;

#[derive(Debug, Args)]
pub(super) struct Catalog {
    /// A table, to list its columns
    table: Option<String>,
}

impl Catalog {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let options = Options { audit: true, ..Options::default() };
        let engine = Engine::open_with(&crate::lake::open(lake).await?, options).await?;
        match self.table {
            None => print_tables(&engine).await?,
            Some(table) => print_columns(&engine, &table).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Lists the tables.
pub(crate) async fn print_tables(engine: &Engine) -> Result<()> {
    let tables = engine.tables().await?;
    let mut stdout = std::io::stdout().lock();
    for table in tables {
        let rows = table.rows.map_or_else(|| "?".to_owned(), |rows| rows.to_string());
        writeln!(stdout, "{:<18} {rows:>10} rows  {}", table.name, table.description)?;
    }
    Ok(())
}

/// Lists the columns of a table.
pub(crate) async fn print_columns(engine: &Engine, table: &str) -> Result<()> {
    let columns = engine.columns(table).await?;
    let mut stdout = std::io::stdout().lock();
    let width = columns.iter().map(|column| column.name.len()).max().unwrap_or_default();
    for column in columns {
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let percent = column.rows as f64 * 100.0 / column.of.max(1) as f64;
        let since = column.since.map(|since| pipeline::time::rfc3339_milliseconds(since / 1_000));
        writeln!(
            stdout,
            "{:<width$}  {:<18} {:<4} {:<6} {:>10} values  {percent:>5.1} % of rows  since {}",
            column.name,
            or_dash(&column.path),
            or_dash(column.hl7_type),
            column.data_type,
            column.filled,
            since.as_deref().and_then(|since| since.get(..10)).unwrap_or("-"),
        )?;
    }
    Ok(())
}
