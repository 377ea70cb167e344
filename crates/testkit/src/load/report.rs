//! What a load came to.

use std::fmt;

use super::ledger::Counts;

/// The counts of all connections, and how long they took together.
#[derive(Debug)]
pub struct Report {
    /// What was done.
    pub counts: Counts,
    /// From the first message to the last answer.
    pub seconds: f64,
}

impl Report {
    /// One line of JSON, for programs.
    pub fn to_json(&self) -> String {
        let members: Vec<String> =
            self.figures().iter().map(|(name, figure)| format!("\"{name}\":{figure}")).collect();
        format!("{{{}}}", members.join(","))
    }

    fn figures(&self) -> Vec<(&'static str, String)> {
        let counts = &self.counts;
        let seconds = self.seconds.max(1e-9);
        let mean = if counts.acked == 0 { 0.0 } else { counts.bytes as f64 / counts.acked as f64 };
        let ms = |micros: u64| format!("{:.3}", micros as f64 / 1000.0);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        vec![
            ("acked", counts.acked.to_string()),
            ("resent", counts.resent.to_string()),
            ("sent_back", counts.sent_back.to_string()),
            ("refused", counts.refused.to_string()),
            ("stray_answers", counts.stray.to_string()),
            ("broken_connections", counts.broken.to_string()),
            ("seconds", format!("{seconds:.3}")),
            ("messages_per_second", format!("{:.1}", counts.acked as f64 / seconds)),
            ("mb_per_second", format!("{:.3}", counts.bytes as f64 / 1e6 / seconds)),
            ("latency_p50_ms", ms(counts.latencies.quantile(0.50))),
            ("latency_p95_ms", ms(counts.latencies.quantile(0.95))),
            ("latency_p99_ms", ms(counts.latencies.quantile(0.99))),
            ("latency_max_ms", ms(counts.latencies.longest())),
            ("mean_message_bytes", format!("{mean:.0}")),
            ("cores", cores.to_string()),
        ]
    }
}

/// A line for each figure, for people.
impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, figure) in self.figures() {
            writeln!(formatter, "{:<22}{figure:>14}", name.replace('_', " "))?;
        }
        Ok(())
    }
}
