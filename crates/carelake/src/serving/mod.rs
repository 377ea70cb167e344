//! A lake with its doors open: the parts of the program put together.

mod access;
pub(crate) mod feeds;
mod folders;
mod logs;
mod refusals;
mod rows;
mod sql;
mod tell;
mod traces;
mod upkeep;
mod witness;

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pipeline::audit::{Access, Action, Audit, Who, WhoKind};
use pipeline::{Live, LiveSettings, LogSettings, Rules};
use server::api;
use server::feeds::{Feed, Feeds};
use server::intake::LiveIntake;
use server::metrics::Metrics;
use server::traces::Traces;
use server::transports::{http, mllp};
use storage::{Lake, Location};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::witness::AuditWitness;
use crate::config::values::Name;
use crate::config::{Address, Config, Effective, Mllp};
use crate::report::{self, Failure, Result};

/// Opens a lake and its doors, and serves until it is told to end; then everything that was taken is put into the tables.
pub(crate) async fn serve(effective: Effective) -> Result<ExitCode> {
    let config = effective.config;
    logs::begin(&config.logs);
    let lake = lake(&config).await?;
    let metrics = Arc::new(Metrics::default());
    let traces = traces::traces(&config)?;
    let feeds = Arc::new(feeds::feeds(&config)?);
    let (live, recovered) = Live::open(&lake, live_settings(&config, &feeds, &metrics, &traces)).await?;
    let live = Arc::new(live);
    if recovered.received > 0 {
        report::note(format_args!("finished what an interrupted run had begun: {recovered}"));
    }
    let shutdown = CancellationToken::new();
    let doors = TaskTracker::new();
    let mut told = String::new();
    let mut witness = None;
    if let Some(address) = config.http.listen.address() {
        let tls = access::tls(config.http.tls.as_ref(), &["h2", "http/1.1"])?;
        let opened = http::Door::open(resolve(address).await?, tls, MAX_HTTP_CONNECTIONS).await;
        let opened = opened.map_err(|error| not_open("http", address, &error))?;
        told.push_str(&format!("{}://{}\n", opened.scheme(), opened.address()?));
        let audit = Audit::open(&lake, "carelake serve");
        let started = Access::new(Action::AuditStarted, server_itself(), "local");
        pipeline::audit::declare(&lake, &audit, started).await?;
        let audited = Arc::new(AuditWitness::new(audit));
        let seams = seams(&config, &live, &feeds, &metrics, &traces, audited.clone())?;
        let router = api::router(api::State::new(seams));
        let (counting, until) = (audited.clone(), shutdown.clone());
        doors.spawn(async move { counting.keep_counting(until).await });
        witness = Some(audited);
        doors.spawn(opened.run(router, shutdown.clone()));
    }
    for (name, door) in &config.mllp {
        let Some(address) = door.listen.address() else { continue };
        let settings = mllp_settings(&config, &feeds, &traces, name, door)?;
        let opened =
            mllp::Door::open(resolve(address).await?, settings, access::tls(door.tls.as_ref(), &[])?).await;
        let opened = opened.map_err(|error| not_open(&format!("mllp {}", name.as_str()), address, &error))?;
        told.push_str(&format!("mllp {} {}\n", name.as_str(), opened.address()?));
        doors.spawn(opened.run(live.clone(), feeds.clone(), metrics.clone(), shutdown.clone()));
    }
    if let Some(watcher) = folders::watcher(&config, &lake, feeds::by_name(&feeds), metrics.clone()) {
        doors.spawn(watcher.run(shutdown.clone()));
    }
    let upkeep = upkeep::Upkeep {
        lake: lake.clone(),
        retention: config.retention.table_history.0,
        traces: traces.clone(),
    };
    let upkeep = upkeep.start(shutdown.clone())?;
    doors.close();
    {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(told.as_bytes())?;
        stdout.flush()?;
    }
    tracing::info!(lake = lake.shown(), "serving");
    end_of_service().await?;
    tracing::info!("closing: doors first, then what they took goes into the tables");
    shutdown.cancel();
    doors.wait().await;
    upkeep.ended().await;
    if let Some(witness) = witness {
        witness.close().await;
    }
    live.close().await;
    traces.close().await;
    tracing::info!("closed");
    Ok(ExitCode::SUCCESS)
}

/// HTTP connections at the same time.
const MAX_HTTP_CONNECTIONS: usize = 10_000;

/// What the API needs of the rest of the program.
fn seams(
    config: &Config,
    live: &Arc<Live>,
    feeds: &Arc<Feeds>,
    metrics: &Arc<Metrics>,
    traces: &Traces,
    witness: Arc<AuditWitness>,
) -> Result<api::Seams> {
    let lake = live.lake();
    let text = {
        let (metrics, live) = (metrics.clone(), live.clone());
        move || metrics.text(live.waiting(), live.waiting_since())
    };
    let needs_no_token = !config.needs_tokens();
    let listens_here_alone = config.http.listen.address().is_some_and(Address::is_loopback);
    Ok(api::Seams {
        lake: lake.clone(),
        sql: Arc::new(sql::LakeSql::new(lake, in_memory(config.http.query_memory.0), config.feed_offsets())),
        intake: Arc::new(LiveIntake::new(live.clone(), feeds.clone(), metrics.clone())),
        gate: Arc::new(access::gate(config, lake)?),
        witness,
        health: Arc::new(LiveHealth(live.clone())),
        metrics: api::Metrics(Arc::new(text)),
        traces: traces.clone(),
        flat: Some(Arc::new(rows::Rows)),
        rules: rules(config),
        hosts: match needs_no_token && listens_here_alone {
            true => ["localhost", "127.0.0.1", "[::1]", "::1"].map(str::to_owned).into(),
            false => Vec::new(),
        },
        limits: api::Limits {
            body: config.http.max_body.0,
            requests: config.http.max_requests.get() as usize,
            most_rows: config.http.query_row_limit.get(),
            query_time: config.http.query_time_limit.0,
            ..api::Limits::default()
        },
    })
}

/// What stands in the way of taking messages.
struct LiveHealth(Arc<Live>);

/// Messages that are safe and wait longer than this say that something is wrong.
const LONG: Duration = Duration::from_secs(60);

#[async_trait]
impl api::Health for LiveHealth {
    async fn obstacles(&self) -> Vec<String> {
        let mut obstacles = Vec::new();
        if self.0.is_full() {
            obstacles.push("the lake's disk has less room than is kept free".to_owned());
        }
        if let Some(waiting) = self.0.waiting_since().filter(|waiting| *waiting > LONG) {
            obstacles.push(format!("messages have waited {} s for the tables", waiting.as_secs()));
        }
        obstacles
    }
}

/// The server, where nobody else did something.
fn server_itself() -> Who {
    Who { id: "carelake".into(), name: "carelake serve".into(), kind: WhoKind::Local }
}

/// The lake; made, where there is none.
async fn lake(config: &Config) -> Result<Lake> {
    let location = Location::parse(config.lake.path.as_str())?;
    match Lake::open(location.clone()).await {
        Err(storage::Error::NoLake { .. }) => {
            let lake = pipeline::init(location).await?;
            report::note(format_args!("made a lake at {}", lake.shown()));
            Ok(lake)
        }
        opened => Ok(opened?),
    }
}

/// How messages are read, whosever they are.
pub(crate) fn rules(config: &Config) -> Rules {
    let mut rules = Rules::default();
    rules.options.limits.message_bytes = in_memory(config.limits.message_bytes.0);
    rules
}

fn live_settings(
    config: &Config,
    feeds: &Arc<Feeds>,
    metrics: &Arc<Metrics>,
    traces: &Traces,
) -> LiveSettings {
    LiveSettings {
        rules: rules(config),
        feeds: feeds::by_name(feeds),
        log: LogSettings { segment_bytes: config.log.segment_bytes.0, segment_age: config.log.segment_age.0 },
        gather: config.commit.interval.0,
        commit_messages: config.commit.max_messages.get() as usize,
        backlog_bytes: in_memory(config.limits.backlog_bytes.0),
        backlog_messages: config.limits.backlog_messages.get() as usize,
        disk_reserve: config.limits.disk_reserve.0,
        tell: tell::tell(metrics.clone(), traces.clone()),
        ..LiveSettings::default()
    }
}

fn mllp_settings(
    config: &Config,
    feeds: &Feeds,
    traces: &Traces,
    name: &Name,
    door: &Mllp,
) -> Result<mllp::Settings> {
    Ok(mllp::Settings {
        name: name.as_str().to_owned(),
        feed: door_feed(config, feeds, name, door)?,
        max_frame: in_memory(door.max_frame.0),
        idle_timeout: door.idle_timeout.0,
        read_timeout: door.read_timeout.0,
        max_connections: door.max_connections.get() as usize,
        traces: traces.clone(),
        ..mllp::Settings::default()
    })
}

/// The feed of a door: that which its section names, or the one that lists the door.
fn door_feed(config: &Config, feeds: &Feeds, name: &Name, door: &Mllp) -> Result<Option<Arc<Feed>>> {
    let listing = config.feeds.iter().find(|(_, feed)| feed.ports.iter().any(|port| port.is_of(name, door)));
    let Some(feed) = door.feed.as_ref().or(listing.map(|(feed, _)| feed)) else { return Ok(None) };
    let unknown = || {
        Failure::new(format!(
            "the door mllp.{} has the feed {}, which is not declared",
            name.as_str(),
            feed.as_str()
        ))
    };
    feeds
        .named(feed.as_str())
        .map(Some)
        .ok_or_else(|| unknown().with_hint("add a section for it, [feeds.NAME]"))
}

async fn resolve(address: &Address) -> Result<SocketAddr> {
    let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
    let found = found.ok().and_then(|mut found| found.next());
    found.ok_or_else(|| {
        Failure::new(format!("{} is no address of this machine", address.host))
            .with_hint("write an IP address")
    })
}

fn not_open(door: &str, address: &Address, error: &std::io::Error) -> Failure {
    let failure =
        Failure::new(format!("the door {door} cannot listen on {}:{}: {error}", address.host, address.port));
    match error.kind() {
        std::io::ErrorKind::AddrInUse => failure.with_hint(
            "another program, or another carelake serve, listens there: end it, or choose another port",
        ),
        std::io::ErrorKind::PermissionDenied => {
            failure.with_hint("ports below 1024 need a privilege: choose another port")
        }
        _ => failure.with_hint("look at the address: it must be one of this machine"),
    }
}

/// Waits for the signal to end. A second one ends at once: what was answered is safe, and the next start finishes it.
async fn end_of_service() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        std::process::exit(130);
    });
    Ok(())
}

fn in_memory(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
