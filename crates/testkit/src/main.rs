//! Synthetic feeds and the load of live servers from the command line; the usage below names it all.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use testkit::abuse::{self, Abuse};
use testkit::demo;
use testkit::feed::{self, Mix};
use testkit::load::{self, Door, Plan};
use testkit::options::Options;

const USAGE: &str = "usage: testkit demo FOLDER
       testkit feed [--mix weekday|oru|documents|everything] [--count N] [--seed S] [--line-ends cr|lf]
       testkit send --mllp ADDRESS[,ADDRESS] [--window W] [--split] [LOAD]
       testkit send --http ADDRESS[,ADDRESS] [--feed NAME] [--batch B] [LOAD]     --batch 0: one message each, POST /hl7
         LOAD: [--connections N] [--messages N] [--seconds S] [--rate MESSAGES/S] [--mix MIX] [--seed S] [--first NUMBER] [--repeat N]
               [--ledger FILE] [--answer-within SECONDS] [--patience SECONDS] [--json]
       testkit abuse --kind slowloris|junk|halfframe|noread|connections --mllp LOOPBACK-ADDRESS [--count N] [--seconds S]";

/// Why it did not work: by the words, or by the world.
enum Failure {
    Usage(String),
    Work(io::Error),
}

impl From<String> for Failure {
    fn from(problem: String) -> Self {
        Self::Usage(problem)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Work(error)
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["demo", folder] => write_demo(Path::new(folder)),
        ["feed", words @ ..] => write_feed(words),
        ["send", words @ ..] => send(words),
        ["abuse", words @ ..] => misbehave(words),
        _ => Err(Failure::Usage("what is to be done?".to_owned())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(problem)) => {
            eprintln!("error: {problem}\n{USAGE}");
            ExitCode::from(2)
        }
        // The reader of a pipe has seen enough.
        Err(Failure::Work(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(Failure::Work(error)) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_demo(folder: &Path) -> Result<(), Failure> {
    let written = demo::write(folder)?;
    println!("{} files; a lake that takes them up must report", written.files);
    let staged = written.received - written.unreadable - written.duplicates;
    println!(
        "received={} staged={staged} error={} duplicate={} filtered=0",
        written.received, written.unreadable, written.duplicates
    );
    Ok(())
}

fn write_feed(words: &[&str]) -> Result<(), Failure> {
    let mut options = Options::read(words, &[])?;
    let mix = mix(&mut options)?;
    let count = options.value("--count")?.unwrap_or(1_000);
    let seed = options.value("--seed")?.unwrap_or(1);
    let line_feeds = options.text("--line-ends") == Some("lf");
    options.finish()?;
    let mut out = BufWriter::new(io::stdout().lock());
    for mut message in feed::messages(mix, seed).take(count) {
        if line_feeds {
            message.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
        }
        out.write_all(&message)?;
    }
    Ok(out.flush()?)
}

fn send(words: &[&str]) -> Result<(), Failure> {
    let mut options = Options::read(words, &["--split", "--json"])?;
    let ledger = options.text("--ledger").map(Path::new);
    let as_json = options.flag("--json");
    let plan = plan(&mut options)?;
    options.finish()?;
    let report = load::send(&plan, ledger)?;
    if as_json {
        println!("{}", report.to_json());
    } else {
        print!("{report}");
    }
    let lost = report.counts.refused + report.counts.stray;
    if lost > 0 {
        return Err(io::Error::other(format!("{lost} messages were refused or answered wrongly")).into());
    }
    Ok(())
}

fn plan(options: &mut Options<'_>) -> Result<Plan, String> {
    let seconds = |value: Option<f64>, default| Duration::from_secs_f64(value.unwrap_or(default));
    let (addresses, door) = match (options.text("--mllp"), options.text("--http")) {
        (Some(addresses), None) => {
            let window = options.value("--window")?.unwrap_or(1).max(1);
            (addresses, Door::Mllp { window, split: options.flag("--split") })
        }
        (None, Some(addresses)) => {
            let feed = options.text("--feed").unwrap_or("default").to_owned();
            let door = match options.value("--batch")?.unwrap_or(100) {
                0 => Door::Hl7OverHttp,
                size => Door::Batches { feed, size },
            };
            (addresses, door)
        }
        _ => return Err("send wants --mllp or --http with an address".to_owned()),
    };
    let plan = Plan {
        addresses: addresses
            .split(',')
            .map(|address| address.trim_start_matches("http://").to_owned())
            .collect(),
        door,
        connections: options.value("--connections")?.unwrap_or(1),
        mix: mix(options)?,
        seed: options.value("--seed")?.unwrap_or(1),
        repeat: options.value("--repeat")?,
        first: options.value("--first")?.unwrap_or(0),
        messages: options.value("--messages")?,
        seconds: options.value("--seconds")?,
        rate: options.value("--rate")?,
        answer_within: seconds(options.value("--answer-within")?, 30.0),
        patience: seconds(options.value("--patience")?, 60.0),
    };
    if plan.messages.is_none() && plan.seconds.is_none() {
        return Err("send wants an end: --messages, --seconds or both".to_owned());
    }
    Ok(plan)
}

fn mix(options: &mut Options<'_>) -> Result<Mix, String> {
    let name = options.text("--mix").unwrap_or("weekday");
    Mix::from_name(name).ok_or_else(|| format!("--mix does not take {name}"))
}

fn misbehave(words: &[&str]) -> Result<(), Failure> {
    let mut options = Options::read(words, &[])?;
    let missing = |name: &str| format!("abuse wants {name}");
    let abuse = Abuse {
        kind: options.value("--kind")?.ok_or_else(|| missing("--kind"))?,
        address: options.value("--mllp")?.ok_or_else(|| missing("--mllp"))?,
        count: options.value("--count")?.unwrap_or(10),
        seconds: options.value("--seconds")?.unwrap_or(10.0),
        seed: options.value("--seed")?.unwrap_or(1),
    };
    options.finish()?;
    println!("{}", abuse::run(&abuse)?);
    Ok(())
}
