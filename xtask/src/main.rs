//! The project's own tools, run as `cargo xtask NAME`.

mod dictionary;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask dictionary [--facts DIR | --pack]\n\
    \n  --facts DIR  merge the facts in DIR (else CARELAKE_FACTS, else ../shared/hl7-facts) into the dictionary's data, then pack it\
    \n  --pack       only pack the data that is there";

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool speaks through them")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["dictionary"] => dictionary::rebuild(None),
        ["dictionary", "--facts", folder] => dictionary::rebuild(Some(folder)),
        ["dictionary", "--pack"] => dictionary::repack(),
        _ => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
