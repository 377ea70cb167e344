//! What a live lake tells becomes figures, and lines in the log where somebody should know.

use std::sync::Arc;

use pipeline::LiveEvent;
use server::metrics::Metrics;
use server::traces::Traces;

pub(super) fn tell(metrics: Arc<Metrics>, traces: Traces) -> Arc<dyn Fn(LiveEvent) + Send + Sync> {
    Arc::new(move |event| {
        metrics.take(&event);
        match event {
            LiveEvent::Stalled { error, again_in } => tracing::error!(
                %error,
                again_in_seconds = again_in.as_secs_f64(),
                "messages that are safe could not be put into the tables; it is tried again"
            ),
            LiveEvent::NotSealed { error, again_in } => tracing::error!(
                %error,
                again_in_seconds = again_in.as_secs_f64(),
                "a segment of the log could not be put into the raw zone; it is tried again"
            ),
            LiveEvent::Recovered(accounting) => {
                tracing::info!(%accounting, "finished what another process had begun when it died");
            }
            LiveEvent::Checkpoint(error) => {
                tracing::warn!(%error, "a checkpoint of a table could not be written: opening the lake takes longer");
            }
            LiveEvent::Committed(commit) => {
                traces.commit(&commit);
                let messages: u64 = commit.feeds.iter().map(|(_, accounting)| accounting.received).sum();
                tracing::debug!(messages, seconds = commit.took.as_secs_f64(), "committed");
            }
            LiveEvent::Synced { .. } | LiveEvent::Sealed => {}
        }
    })
}
