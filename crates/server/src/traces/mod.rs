//! Traces for OpenTelemetry, by option: which piece of work took how long, and how it ended.
//!
//! Every span and every attribute that there is, is made in `spans.rs`, of counts, durations, words of this program and names
//! of the configuration: never of a message, a question, a path or a header. Spans wait in memory, a bounded number of them, and a
//! thread of its own sends them, so that nothing waits for a collector. Without traces there is no more than a look at an
//! [`Option`] in their place.

mod otlp;
mod parent;
mod sample;
mod spans;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

pub use otlp::{Settings, Unsendable};
use sample::Sample;
pub use spans::Span;
pub(crate) use spans::{AnsweredMessage, Began, Parent, Question, method_name};

/// How long the end of the program may wait for the last spans to be sent.
const LAST: Duration = Duration::from_secs(3);

/// Makes spans, or none if traces are off, as they are by default. Cheap to clone.
#[derive(Clone, Default)]
pub struct Traces(Option<Arc<On>>);

struct On {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    sample: Sample,
}

impl fmt::Debug for Traces {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Traces").field(&self.is_on()).finish()
    }
}

impl Traces {
    /// Traces that go to a collector. It need not be there, now or ever.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn to(settings: &Settings) -> Result<Self, Unsendable> {
        let provider = otlp::provider(settings)?;
        let tracer = provider.tracer("carelake");
        Ok(Self(Some(Arc::new(On { provider, tracer, sample: Sample::of(settings.sample) }))))
    }

    /// Whether spans are made at all.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Sends the spans that are left, for a few seconds at most.
    pub async fn close(&self) {
        let Some(on) = self.0.clone() else { return };
        // What could not be sent has been told, and nobody waits for it.
        let _ = tokio::task::spawn_blocking(move || on.provider.shutdown_with_timeout(LAST)).await;
    }
}
