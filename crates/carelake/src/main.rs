//! The program: reads the command line, wires the crates together, prints answers.
//!
//! Each command is one file in [`commands`]. Answers go to stdout, everything else to stderr; a failure is
//! `error: …` and `hint: …` with exit code 1, a command line that cannot be understood the same with 2.

/// Every batch is new memory for a thousand columns, made on one thread and dropped on another. Compression is done in C: it takes
/// its memory here too, and what is free goes back to the system within a second (`.cargo/config.toml`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

mod audit;
mod commands;
mod config;
mod lake;
mod messages;
mod output;
mod progress;
mod prompt;
mod report;
mod rows;
mod serving;
mod table;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = match commands::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return report::usage(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report::failure(&error.into()),
    };
    match runtime.block_on(commands::run(arguments)) {
        Ok(code) => code,
        Err(error) => report::failure(&error),
    }
}
