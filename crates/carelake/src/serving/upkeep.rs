//! Maintenance beside the doors: small files every minute, what is past its retention every hour.

use std::time::{Duration, Instant};

use pipeline::{Maintained, Maintenance, forget_answers, maintain_and_tell, time};
use server::traces::Traces;
use storage::Lake;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60);
const EXPIRES_EVERY: Duration = Duration::from_secs(3_600);

/// What is kept up.
pub(super) struct Upkeep {
    pub(super) lake: Lake,
    pub(super) retention: Duration,
    pub(super) traces: Traces,
}

impl Upkeep {
    pub(super) async fn keep_up(self, shutdown: CancellationToken) {
        let mut expired: Option<Instant> = None;
        loop {
            tokio::select! {
                // What it does is done in steps, each of which may be the last.
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let expires = expired.is_none_or(|expired| expired.elapsed() >= EXPIRES_EVERY);
            let pass = tokio::select! {
                () = shutdown.cancelled() => return,
                pass = self.pass(expires) => pass,
            };
            match pass {
                Ok(maintained) => {
                    tell(&maintained);
                    if expires {
                        expired = Some(Instant::now());
                        if let Err(error) = forget_answers(&self.lake, time::now()).await {
                            tracing::warn!(%error, "old answers to repeated requests could not be removed");
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "maintenance failed; it is tried again in a minute"),
            }
        }
    }

    async fn pass(&self, expires: bool) -> pipeline::Result<Maintained> {
        let settings = Maintenance { expires, retention: self.retention, ..Maintenance::default() };
        let mut span = self.traces.maintenance();
        let pass =
            maintain_and_tell(&self.lake, &settings, |step| self.traces.maintenance_step(&span, &step)).await;
        if pass.is_err() {
            span.failed();
        }
        pass
    }
}

fn tell(maintained: &Maintained) {
    let Maintained { staging, errors, .. } = maintained;
    if staging.merged_files + errors.merged_files > 0 {
        tracing::info!(
            files_before = staging.files_before + errors.files_before,
            files_after = staging.files_after + errors.files_after,
            "small files became larger ones"
        );
    }
}
