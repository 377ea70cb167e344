//! The commands, one file each. To add one: its file, a line for the module, a line in [`Command`].

mod catalog;
mod config;
mod convert;
mod errors;
mod ingest;
mod init;
mod inspect;
mod maintain;
mod replay;
mod serve;
mod show;
mod sql;
mod status;
mod sweep;
mod token;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::Result;

/// A healthcare data lake in one program
#[derive(Debug, Parser)]
#[command(name = "carelake", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Arguments {
    /// The lake: a folder [default: the variable CARELAKE_LAKE, then ./lake]
    #[arg(long, global = true, value_name = "LAKE")]
    lake: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a lake
    Init(init::Init),
    /// Land and convert files, folders, or the standard input (-)
    Ingest(ingest::Ingest),
    /// Print messages as JSON documents, one a line
    Convert(convert::Convert),
    /// Print messages as trees with names and values
    Inspect(inspect::Inspect),
    /// Ask a question in SQL
    Sql(sql::Sql),
    /// List the tables, or the columns of one
    Catalog(catalog::Catalog),
    /// Print one message
    Show(show::Show),
    /// Look into the error zone
    Errors(errors::Errors),
    /// Open the doors: MLLP, HTTP, watched folders
    Serve(serve::Serve),
    /// Build staging anew from raw, while others ingest and ask
    Replay(replay::Replay),
    /// Put small files together and remove what older states alone need
    Maintain(maintain::Maintain),
    /// Remove what interrupted work left behind
    Sweep(sweep::Sweep),
    /// Look at the configuration
    Config(config::Config),
    /// Say who may use the doors of a lake
    Token(token::Token),
    /// Tell whether every feed is alive
    Status(status::Status),
    /// Prove that nothing is lost, doubled or changed
    Verify(verify::Verify),
}

pub(crate) use catalog::{print_columns, print_tables};
pub(crate) use sql::Asked;

/// Runs the command that was given.
pub(crate) async fn run(Arguments { lake, command }: Arguments) -> Result<ExitCode> {
    let lake = lake.as_deref();
    match command {
        Command::Init(command) => command.run(lake).await,
        Command::Ingest(command) => command.run(lake).await,
        Command::Convert(command) => command.run(),
        Command::Inspect(command) => command.run(),
        Command::Sql(command) => command.run(lake).await,
        Command::Catalog(command) => command.run(lake).await,
        Command::Show(command) => command.run(lake).await,
        Command::Errors(command) => command.run(lake).await,
        Command::Serve(command) => command.run(lake).await,
        Command::Replay(command) => command.run(lake).await,
        Command::Maintain(command) => command.run(lake).await,
        Command::Sweep(command) => command.run(lake).await,
        Command::Config(command) => command.run(lake),
        Command::Token(command) => command.run(lake).await,
        Command::Status(command) => command.run(lake).await,
        Command::Verify(command) => command.run(lake).await,
    }
}
