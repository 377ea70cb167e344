//! Spans on their way to a collector: OTLP over HTTP, in protobuf.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{Request, Response};
use bytes::Bytes;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter as Exports,
};
use reqwest::{Client, Url};
use tokio::runtime::Handle;

use crate::outward;

/// How long one delivery to the collector may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long spans wait for others.
const GATHER: Duration = Duration::from_secs(2);
/// Spans that wait; more are left out.
const WAITING: usize = 4_096;
/// Spans sent together.
const TOGETHER: usize = 512;

/// Where traces go, and of what.
#[derive(Clone)]
pub struct Settings {
    /// The collector's address. One without a path gets the usual one, `/v1/traces`.
    pub endpoint: String,
    /// Sent as a bearer token.
    pub token: Option<String>,
    /// The share of messages that are traced, from 0 to 1.
    pub sample: f64,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Settings").field("sample", &self.sample).finish_non_exhaustive()
    }
}

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unsendable(String);

pub(super) fn provider(settings: &Settings) -> Result<SdkTracerProvider, Unsendable> {
    let endpoint = address(&settings.endpoint)?;
    let client = Sender::new(&endpoint, settings.token.as_deref())?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint.as_str())
        .with_timeout(PATIENCE)
        // Spans of now are worth more than those of a while ago.
        .with_retry_policy(RetryPolicy::disabled())
        .build()
        .map_err(|error| Unsendable(error.to_string()))?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(WAITING)
        .with_max_export_batch_size(TOGETHER)
        .with_scheduled_delay(GATHER)
        .build();
    let exporter = Telling { exporter, is_down: AtomicBool::new(false) };
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES are the operator's, and come before what is said here.
    let mut resource = Resource::builder();
    if std::env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("carelake");
    }
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    Ok(SdkTracerProvider::builder()
        // What is not to be traced has no span in the first place.
        .with_sampler(Sampler::AlwaysOn)
        .with_resource(resource.with_attribute(version).build())
        .with_span_processor(processor)
        .build())
}

/// The address as it is asked.
fn address(text: &str) -> Result<Url, Unsendable> {
    let mut url = Url::parse(text).map_err(|error| Unsendable(format!("the address is none: {error}")))?;
    if matches!(url.path(), "" | "/") {
        url.set_path("/v1/traces");
    }
    Ok(url)
}

/// Says once that nothing arrives, and once that it does again.
#[derive(Debug)]
struct Telling {
    exporter: SpanExporter,
    is_down: AtomicBool,
}

impl Exports for Telling {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.exporter.export(batch).await;
        match (&sent, self.is_down.swap(sent.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => {
                tracing::warn!(%error, "traces cannot be sent; those of now are lost, and nothing waits for them");
            }
            (Ok(()), true) => tracing::info!("traces can be sent again"),
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// The client that asks identity providers, for a thread that is not the runtime's.
#[derive(Debug)]
struct Sender {
    client: Client,
    authorization: Option<reqwest::header::HeaderValue>,
    runtime: Handle,
}

impl Sender {
    fn new(endpoint: &Url, token: Option<&str>) -> Result<Self, Unsendable> {
        let client = outward::client(Some(endpoint), PATIENCE)
            .map_err(|error| Unsendable(format!("no client can be made: {error}")))?;
        let authorization = token.map(|token| {
            let mut header = reqwest::header::HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| Unsendable("the token cannot stand in a header".to_owned()))?;
            header.set_sensitive(true);
            Ok(header)
        });
        Ok(Self { client, authorization: authorization.transpose()?, runtime: Handle::current() })
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(reqwest::header::AUTHORIZATION, authorization.clone());
        }
        let request = reqwest::Request::try_from(request.map(reqwest::Body::from))?;
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request).await?;
            let status = answer.status();
            Ok::<_, reqwest::Error>((status, answer.bytes().await?))
        });
        let (status, body) = sent.await?.map_err(reqwest::Error::without_url)?;
        Ok(Response::builder().status(status).body(body)?)
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_without_a_path_gets_the_usual_one() {
        assert_eq!(address("http://127.0.0.1:4318").unwrap().as_str(), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(address("https://a.example/otlp").unwrap().as_str(), "https://a.example/otlp");
        assert!(address("nowhere").is_err());
    }
}
