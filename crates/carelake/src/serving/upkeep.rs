//! Maintenance beside the doors: small files every minute, what is past its retention every hour.
//!
//! It has threads of its own, which go last: who takes messages or converts them never waits for it.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use pipeline::{Maintained, Maintenance, Priority, forget_answers, maintain_and_tell, time};
use server::traces::Traces;
use storage::Lake;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60);
/// Those that read, write and encode for it: each one more would keep the memory that it needed once.
const BLOCKING_THREADS: usize = 4;
const EXPIRES_EVERY: Duration = Duration::from_secs(3_600);

/// What is kept up.
pub(super) struct Upkeep {
    pub(super) lake: Lake,
    pub(super) retention: Duration,
    pub(super) traces: Traces,
}

/// Maintenance that goes on.
pub(super) struct Started(oneshot::Receiver<()>);

impl Started {
    /// Returns when it has come to its end.
    pub(super) async fn ended(self) {
        // Nothing is ever sent: the other half goes with the thread.
        let _ = self.0.await;
    }
}

impl Upkeep {
    /// Starts it; it ends with the token.
    pub(super) fn start(self, shutdown: CancellationToken) -> io::Result<Started> {
        let threads = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("carelake-upkeep")
            .on_thread_start(|| Priority::Upkeep.take())
            .enable_all()
            .build()?;
        // A pass stays on one thread: what it waits for cannot go from one to another.
        let (goes_on, ended) = oneshot::channel::<()>();
        thread::Builder::new().name("carelake-upkeep".into()).spawn(move || {
            let _goes_on = goes_on;
            Priority::Upkeep.take();
            threads.block_on(self.keep_up(shutdown));
        })?;
        Ok(Started(ended))
    }

    async fn keep_up(self, shutdown: CancellationToken) {
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
