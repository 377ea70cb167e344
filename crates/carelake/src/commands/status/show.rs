//! The state of feeds as people and programs read it.

use std::time::Duration;

use pipeline::time::rfc3339_milliseconds;
use query::Feed;
use serde_json::{Value, json};

/// The columns of the table, each with its unit.
const COLUMNS: [(&str, &str); 12] = [
    ("feed", ""),
    ("received", "messages"),
    ("staged", "messages"),
    ("error", "messages"),
    ("duplicate", "messages"),
    ("filtered", "messages"),
    ("pending", "messages"),
    ("lag p95", "time"),
    ("last message", "time ago"),
    ("last 60 min", "messages"),
    ("usual", "messages"),
    ("z", "deviations"),
];

/// The feeds as a table, a line each.
pub(super) fn table(feeds: &[Feed], since: Duration) -> String {
    let span = seconds(since.as_secs_f64());
    if feeds.is_empty() {
        return format!("no message was received in the last 9 weeks, nor in the last {span}\n");
    }
    let mut rows = vec![COLUMNS.map(|(name, _)| name.to_owned()), COLUMNS.map(|(_, unit)| unit.to_owned())];
    rows.extend(feeds.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    let mut text = format!("messages received in the last {span}\n");
    for row in &rows {
        let cells =
            row.iter().zip(widths.iter().copied()).enumerate().map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(feed: &Feed) -> [String; COLUMNS.len()] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        feed.name.clone(),
        grouped(feed.received),
        grouped(feed.staged),
        grouped(feed.error),
        grouped(feed.duplicate),
        grouped(feed.filtered),
        grouped(feed.pending),
        or_dash(feed.lag_p95.map(seconds)),
        seconds(feed.last_message_age),
        grouped(feed.last_hour),
        or_dash(feed.usual.map(|usual| format!("{:.1} ± {:.1}", usual.mean, usual.deviation))),
        or_dash(feed.usual.map(|usual| format!("{:+.1}", usual.z(feed.last_hour)))),
    ]
}

/// A feed as JSON; the members are the columns of `ops.feeds`.
pub(super) fn json(feed: &Feed) -> Value {
    json!({
        "feed": feed.name,
        "received": feed.received,
        "staged": feed.staged,
        "error": feed.error,
        "duplicate": feed.duplicate,
        "filtered": feed.filtered,
        "pending": feed.pending,
        "pending_age_seconds": feed.pending_age,
        "lag_p95_seconds": feed.lag_p95,
        "lag_max_seconds": feed.lag_most,
        "lag_messages": feed.lag_messages,
        "last_message_at": rfc3339_milliseconds(feed.last_message.div_euclid(1_000)),
        "last_message_age_seconds": feed.last_message_age,
        "last_hour_messages": feed.last_hour,
        "usual_messages": feed.usual.map(|usual| usual.mean),
        "usual_deviation": feed.usual.map(|usual| usual.deviation),
        "z": feed.usual.map(|usual| usual.z(feed.last_hour)),
        "silent": feed.silence.is_unusual,
        "missed_messages": feed.silence.missed,
        "longest_silence_seconds": feed.silence.longest_before,
    })
}

/// A length of time in the two units that say enough: `350 ms`, `2.4 s`, `3 h 10 min`.
pub(super) fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let two = |large: u64, unit: &str, small: u64, part: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {part}"),
    };
    match whole {
        _ if seconds < 0.9995 => format!("{:.0} ms", seconds * 1e3),
        _ if seconds < 9.95 && seconds.fract() != 0.0 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3_600 => two(whole / 60, "min", whole % 60, "s"),
        3_600..172_800 => two(whole / 3_600, "h", whole % 3_600 / 60, "min"),
        _ => two(whole / 86_400, "d", whole % 86_400 / 3_600, "h"),
    }
}

/// So many things.
pub(super) fn amount(number: f64, thing: &str) -> String {
    let plural = if number == 1.0 { "" } else { "s" };
    format!("{} {thing}{plural}", grouped(number as u64))
}

/// A number with a comma every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_are_short_and_have_units() {
        let times = [
            (0.0, "0 ms"),
            (0.35, "350 ms"),
            (0.9999, "1.0 s"),
            (2.44, "2.4 s"),
            (9.99, "10 s"),
            (59.4, "59 s"),
            (60.0, "1 min"),
            (61.0, "1 min 1 s"),
            (11_400.0, "3 h 10 min"),
            (86_400.0, "24 h"),
            (183_600.0, "2 d 3 h"),
        ];
        for (number, text) in times {
            assert_eq!(seconds(number), text);
        }
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0.0, 1.0, 1_200.0].map(|n| amount(n, "message")),
            ["0 messages", "1 message", "1,200 messages"]
        );
    }
}
