//! Traces as the configuration has them.

use server::traces::{Settings, Traces};

use crate::config::Config;
use crate::report::{Failure, Result};

pub(super) fn traces(config: &Config) -> Result<Traces> {
    let traces = &config.traces;
    let Some(endpoint) = &traces.otlp_endpoint else { return Ok(Traces::default()) };
    let settings = Settings {
        endpoint: endpoint.to_string(),
        token: traces.token.as_ref().map(|token| token.reveal().to_owned()),
        sample: traces.sample.0,
    };
    Traces::to(&settings).map_err(|error| {
        Failure::new(format!("traces: {error}")).with_hint("look at traces.otlp_endpoint, or take it away")
    })
}
