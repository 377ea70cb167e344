//! The spans there are, and all that stands in them. docs/operations.md has the same list.

use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, Method, StatusCode};
use opentelemetry::trace::{Event, Span as _, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};
use pipeline::{Accounting, LiveCommit, MaintenanceStep};

use super::{On, Traces, parent};

/// The addresses that messages come in by: of these requests, as of MLLP messages, only a share is traced.
const INTAKE: [&str; 3] = ["/v1/feeds/{feed}/messages", "/hl7", "/hl7/{feed}"];

/// Work under way; dropping it ends the span. Empty where there is none.
#[derive(Debug, Default)]
pub struct Span(Option<Box<Open>>);

#[derive(Debug)]
struct Open {
    span: SdkSpan,
    tracer: SdkTracer,
}

/// What spans can be put below; empty where there is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parent(Option<(SdkTracer, Context)>);

/// A question in SQL that is being answered; dropping it ends its span.
#[derive(Debug)]
pub(crate) struct Question {
    span: Span,
    /// Rows told so far.
    pub(crate) rows: u64,
    /// How it ended, in a word of ours; nobody waited for the end unless it is told.
    pub(crate) ended: &'static str,
}

/// When a message that is traced began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Began(SystemTime);

/// A message that has its answer, or whose sender wants none.
#[derive(Debug)]
pub(crate) struct AnsweredMessage<'a> {
    pub(crate) began: Began,
    /// When it was safe, if it is.
    pub(crate) durable: Option<SystemTime>,
    pub(crate) door: &'a str,
    pub(crate) feed: Option<&'a str>,
    pub(crate) bytes: usize,
    /// MSA-1, or none where the sender wants none.
    pub(crate) answer: Option<&'static str>,
    pub(crate) is_accepted: bool,
}

impl Traces {
    /// The beginning of a message, if it is one of those that are traced.
    pub(crate) fn begin_message(&self) -> Option<Began> {
        let on = self.0.as_ref()?;
        on.sample.takes_next().then(|| Began(SystemTime::now()))
    }

    /// A message that came by MLLP.
    pub(crate) fn message(&self, message: &AnsweredMessage<'_>) {
        let Some(on) = &self.0 else { return };
        let mut attributes = vec![
            KeyValue::new("carelake.door", message.door.to_owned()),
            KeyValue::new("carelake.message.bytes", count(message.bytes as u64)),
            KeyValue::new("carelake.answer", message.answer.unwrap_or("none")),
        ];
        attributes.extend(message.feed.map(|feed| KeyValue::new("carelake.feed", feed.to_owned())));
        let durable = message.durable.map(|at| Event::new("durable", at, Vec::new(), 0));
        let builder = on
            .tracer
            .span_builder("mllp message")
            .with_kind(SpanKind::Server)
            .with_start_time(message.began.0)
            .with_attributes(attributes)
            .with_events(durable.into_iter().collect());
        let mut span = builder.start_with_context(&on.tracer, &Context::new());
        if !message.is_accepted {
            span.set_status(failed());
        }
        span.end();
    }

    /// A request to the API. `route` is the address as the API's description has it, with the names of its parts.
    pub(crate) fn request(&self, method: &Method, route: Option<&str>, headers: &HeaderMap) -> Span {
        let Some(on) = &self.0 else { return Span::default() };
        let remote = parent::remote(headers);
        let is_traced = match &remote {
            Some(remote) => remote.is_sampled(),
            None if route.is_some_and(|route| INTAKE.contains(&route)) => on.sample.takes_next(),
            None => true,
        };
        if !is_traced {
            return Span::default();
        }
        let context =
            remote.map_or_else(Context::new, |remote| Context::new().with_remote_span_context(remote));
        let method = method_name(method);
        let name = route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}"));
        let mut attributes = vec![KeyValue::new("http.request.method", method)];
        attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
        on.begin(name, SpanKind::Server, attributes, &context)
    }

    /// Messages that became rows.
    pub fn commit(&self, commit: &LiveCommit) {
        let Some(on) = &self.0 else { return };
        let sum = |of: fn(&Accounting) -> u64| commit.feeds.iter().map(|(_, feed)| of(feed)).sum();
        let attributes = vec![
            KeyValue::new("carelake.feeds", count(commit.feeds.len() as u64)),
            KeyValue::new("carelake.messages", count(sum(|feed| feed.received))),
            KeyValue::new("carelake.staged", count(sum(|feed| feed.staged))),
            KeyValue::new("carelake.error", count(sum(|feed| feed.error))),
            KeyValue::new("carelake.duplicate", count(sum(|feed| feed.duplicate))),
            KeyValue::new("carelake.filtered", count(sum(|feed| feed.filtered))),
            KeyValue::new("carelake.conflicts", count(commit.conflicts)),
        ];
        on.past("commit", commit.took, attributes, &Context::new(), false);
    }

    /// A pass of maintenance.
    pub fn maintenance(&self) -> Span {
        let Some(on) = &self.0 else { return Span::default() };
        on.begin("maintenance", SpanKind::Internal, Vec::new(), &Context::new())
    }

    /// A step of a pass that has just ended.
    pub fn maintenance_step(&self, pass: &Span, step: &MaintenanceStep) {
        let (Some(on), Parent(Some((_, context)))) = (&self.0, pass.parent()) else { return };
        on.past(step.name, step.took, Vec::new(), &context, step.has_failed);
    }
}

impl On {
    fn begin(
        &self,
        name: impl Into<std::borrow::Cow<'static, str>>,
        kind: SpanKind,
        attributes: Vec<KeyValue>,
        parent: &Context,
    ) -> Span {
        let builder = self.tracer.span_builder(name).with_kind(kind).with_attributes(attributes);
        let span = builder.start_with_context(&self.tracer, parent);
        Span(Some(Box::new(Open { span, tracer: self.tracer.clone() })))
    }

    /// What has just ended.
    fn past(
        &self,
        name: &'static str,
        took: Duration,
        attributes: Vec<KeyValue>,
        parent: &Context,
        has_failed: bool,
    ) {
        let now = SystemTime::now();
        let builder = self
            .tracer
            .span_builder(name)
            .with_kind(SpanKind::Internal)
            .with_start_time(now.checked_sub(took).unwrap_or(now))
            .with_attributes(attributes);
        let mut span = builder.start_with_context(&self.tracer, parent);
        if has_failed {
            span.set_status(failed());
        }
        span.end_with_timestamp(now);
    }
}

impl Parent {
    /// A question in SQL, to be answered in a format.
    pub(crate) fn question(&self, format: &'static str) -> Question {
        let span = match &self.0 {
            None => Span::default(),
            Some((tracer, context)) => {
                let attributes = [KeyValue::new("carelake.sql.format", format)];
                let builder =
                    tracer.span_builder("sql").with_kind(SpanKind::Internal).with_attributes(attributes);
                let span = builder.start_with_context(tracer, context);
                Span(Some(Box::new(Open { span, tracer: tracer.clone() })))
            }
        };
        Question { span, rows: 0, ended: "abandoned" }
    }
}

impl Span {
    /// For spans below this one.
    pub(crate) fn parent(&self) -> Parent {
        let Some(open) = &self.0 else { return Parent(None) };
        let context = Context::new().with_remote_span_context(open.span.span_context().clone());
        Parent(Some((open.tracer.clone(), context)))
    }

    /// The status of an answer, which is the server's fault from 500 on.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.set("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            self.failed();
        }
    }

    /// What the span is of was not done.
    pub fn failed(&mut self) {
        if let Some(open) = &mut self.0 {
            open.span.set_status(failed());
        }
    }

    fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(open) = &mut self.0 {
            open.span.set_attribute(KeyValue::new(key, value));
        }
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        self.span.set("carelake.sql.rows", count(self.rows));
        self.span.set("carelake.sql.ended", self.ended);
    }
}

/// Without a description: the words of an error are for the log.
fn failed() -> Status {
    Status::error("")
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Whoever calls may call a method what they like.
pub(crate) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "_OTHER",
    }
}
