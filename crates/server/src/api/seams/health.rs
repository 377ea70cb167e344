//! How the server is.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

/// Whether the server can do its work now.
#[async_trait]
pub trait Health: Send + Sync {
    /// What stands in the way of taking messages, each in a sentence; nothing if all is well.
    async fn obstacles(&self) -> Vec<String>;
}

/// Gives the metrics as OpenMetrics text.
#[derive(Clone)]
pub struct Metrics(pub Arc<dyn Fn() -> String + Send + Sync>);

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Metrics")
    }
}
