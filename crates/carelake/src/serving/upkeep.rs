//! Maintenance beside the doors: small files every minute, what is past its retention every hour.

use std::time::{Duration, Instant};

use pipeline::{Maintained, Maintenance, forget_answers, maintain, time};
use storage::Lake;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(60);
const EXPIRES_EVERY: Duration = Duration::from_secs(3_600);

pub(super) async fn keep_up(lake: Lake, retention: Duration, shutdown: CancellationToken) {
    let mut expired: Option<Instant> = None;
    loop {
        tokio::select! {
            // What it does is done in steps, each of which may be the last.
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let expires = expired.is_none_or(|expired| expired.elapsed() >= EXPIRES_EVERY);
        let settings = Maintenance { expires, retention, ..Maintenance::default() };
        let pass = tokio::select! {
            () = shutdown.cancelled() => return,
            pass = maintain(&lake, &settings) => pass,
        };
        match pass {
            Ok(maintained) => {
                tell(&maintained);
                if expires {
                    expired = Some(Instant::now());
                    if let Err(error) = forget_answers(&lake, time::now()).await {
                        tracing::warn!(%error, "old answers to repeated requests could not be removed");
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "maintenance failed; it is tried again in a minute"),
        }
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
