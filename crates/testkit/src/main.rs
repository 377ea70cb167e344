//! Writes synthetic feeds from the command line: `testkit demo FOLDER` and `testkit feed --mix weekday --count N --seed S`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use testkit::demo;
use testkit::feed::{self, Mix};

const USAGE: &str = "usage: testkit demo FOLDER
       testkit feed [--mix weekday|oru|documents|everything] [--count N] [--seed S] [--line-ends cr|lf]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["demo", folder] => write_demo(Path::new(folder)),
        ["feed", options @ ..] => match FeedOptions::parse(options) {
            Ok(options) => write_feed(&options),
            Err(problem) => return usage(&problem),
        },
        _ => return usage("which feed?"),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of a pipe has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("error: {problem}\n{USAGE}");
    ExitCode::from(2)
}

fn write_demo(folder: &Path) -> io::Result<()> {
    let written = demo::write(folder)?;
    println!("{} files; a lake that takes them up must report", written.files);
    let staged = written.received - written.unreadable - written.duplicates;
    println!(
        "received={} staged={staged} error={} duplicate={} filtered=0",
        written.received, written.unreadable, written.duplicates
    );
    Ok(())
}

struct FeedOptions {
    mix: Mix,
    count: usize,
    seed: u64,
    line_feeds: bool,
}

impl FeedOptions {
    fn parse(words: &[&str]) -> Result<Self, String> {
        let mut options = Self { mix: Mix::Weekday, count: 1_000, seed: 1, line_feeds: false };
        for pair in words.chunks(2) {
            let [name, value] = pair else {
                return Err(format!("{} needs a value", pair[0]));
            };
            let wrong = || format!("{name} does not take {value}");
            match *name {
                "--mix" => options.mix = Mix::from_name(value).ok_or_else(wrong)?,
                "--count" => options.count = value.parse().map_err(|_| wrong())?,
                "--seed" => options.seed = value.parse().map_err(|_| wrong())?,
                "--line-ends" => options.line_feeds = *value == "lf",
                _ => return Err(format!("unknown option {name}")),
            }
        }
        Ok(options)
    }
}

fn write_feed(options: &FeedOptions) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for mut message in feed::messages(options.mix, options.seed).take(options.count) {
        if options.line_feeds {
            message.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
        out.write_all(&message)?;
    }
    out.flush()
}
