//! A sender with a ledger: messages over many connections, each with a control ID of its own, and a line for each
//! that was acknowledged. It loses nothing itself: what breaks, comes back or stays unanswered is sent again.

mod answer;
mod http;
mod latency;
mod ledger;
mod mllp;
mod plan;
mod reach;
mod report;

use std::io;
use std::path::Path;

pub use answer::{Answer, Frames, Verdict, control_id, frame};
pub use latency::Latencies;
pub use ledger::Counts;
pub use plan::{Door, Plan};
pub use report::Report;

use ledger::{Ledger, Tally};
use plan::Work;

/// Sends what the plan says, and writes into the ledger what was acknowledged.
///
/// # Errors
/// The ledger cannot be written, or a server was not to be reached for as long as the plan has patience.
pub fn send(plan: &Plan, ledger: Option<&Path>) -> io::Result<Report> {
    let ledger = Ledger::create(ledger)?;
    let work = Work::new(plan);
    let done: Vec<io::Result<Counts>> = std::thread::scope(|scope| {
        let connections: Vec<_> = (0..plan.connections)
            .map(|nth| {
                let (ledger, work) = (&ledger, &work);
                scope.spawn(move || send_by_one(plan, ledger, work, nth))
            })
            .collect();
        connections
            .into_iter()
            .map(|connection| {
                connection.join().unwrap_or_else(|_| Err(io::Error::other("a connection panicked")))
            })
            .collect()
    });
    let seconds = work.began().elapsed().as_secs_f64();
    let mut counts = Counts::default();
    for connection in done {
        counts.merge(&connection?);
    }
    Ok(Report { counts, seconds })
}

fn send_by_one(plan: &Plan, ledger: &Ledger, work: &Work<'_>, nth: usize) -> io::Result<Counts> {
    let mut tally = Tally::new(ledger);
    match plan.door {
        Door::Mllp { window, split } => mllp::send(plan, (window, split), work, nth, &mut tally)?,
        Door::Batches { .. } | Door::Hl7OverHttp => http::send(plan, work, nth, &mut tally)?,
    }
    tally.flush()?;
    Ok(tally.counts)
}

#[cfg(test)]
mod tests;
