//! What the program tells while it serves, on stderr: events with fields, never a value of a message.

use std::io::IsTerminal;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Level, LogFormat, Logs};

/// Begins to write the log. Of libraries only what went wrong: they are not held to our rule on values.
pub(super) fn begin(logs: &Logs) {
    let level = match logs.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let ours = tracing_subscriber::filter::Targets::new()
        .with_target("carelake", level)
        .with_target("server", level)
        .with_target("pipeline", level);
    let registry = tracing_subscriber::registry().with(ours);
    let done = match logs.format {
        LogFormat::Text => {
            let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
            registry.with(layer.with_target(false)).try_init()
        }
        LogFormat::Json => {
            let layer =
                fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).with_target(false);
            registry.with(layer).try_init()
        }
    };
    // Only a second call in one process could fail, and the first one's log goes on.
    let _ = done;
}
