//! The MLLP door: framed messages on a connection, each answered when it is safe.
//!
//! A connection is read on while earlier messages wait for the disk, so that a sender which does not wait for each answer fills
//! whole groups of the log. Answers go out in the order of the messages. A sender that reads no answers is not read from any more
//! once so many are due ([`Settings::window`]).

mod answer;
mod connection;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pipeline::Live;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::feeds::{Feed, Feeds};
use crate::metrics::Metrics;
use crate::tls::Acceptor;
use crate::traces::Traces;

/// How a door behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it is called in metrics and origins.
    pub name: String,
    /// The feed of what comes in by it and whose sender no feed names.
    pub feed: Option<Arc<Feed>>,
    /// The longest message in bytes.
    pub max_frame: usize,
    /// How long a connection may be silent between messages.
    pub idle_timeout: Duration,
    /// How long a connection may be silent within a message, or not take an answer.
    pub read_timeout: Duration,
    /// Connections at the same time.
    pub max_connections: usize,
    /// Messages of a connection that may wait for their answers.
    pub window: usize,
    /// Makes spans of messages.
    pub traces: Traces,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: "default".into(),
            feed: None,
            max_frame: 64 << 20,
            idle_timeout: Duration::from_secs(3_600),
            read_timeout: Duration::from_secs(30),
            max_connections: 10_000,
            window: 256,
            traces: Traces::default(),
        }
    }
}

/// A door that is open.
#[derive(Debug)]
pub struct Door {
    settings: Arc<Settings>,
    listener: TcpListener,
    tls: Option<Arc<Acceptor>>,
}

/// What connections share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) settings: Arc<Settings>,
    pub(crate) live: Arc<Live>,
    pub(crate) feeds: Arc<Feeds>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) shutdown: CancellationToken,
}

impl Door {
    /// Opens a door at an address.
    pub async fn open(
        address: SocketAddr,
        settings: Settings,
        tls: Option<Arc<Acceptor>>,
    ) -> io::Result<Self> {
        Ok(Self { settings: Arc::new(settings), listener: TcpListener::bind(address).await?, tls })
    }

    /// Where it is.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Takes connections until the shutdown; then waits until each has answered what it had received.
    pub async fn run(
        self,
        live: Arc<Live>,
        feeds: Arc<Feeds>,
        metrics: Arc<Metrics>,
        shutdown: CancellationToken,
    ) {
        let shared =
            Shared { settings: self.settings.clone(), live, feeds, metrics, shutdown: shutdown.clone() };
        let room = Arc::new(Semaphore::new(self.settings.max_connections));
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: those that end make room.
                    tracing::warn!(door = self.settings.name, %error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(permit) = room.clone().try_acquire_owned() else {
                tracing::warn!(door = self.settings.name, peer = %peer.ip(), "too many connections: this one is closed");
                shared.metrics.connection_refused(&self.settings.name);
                continue;
            };
            let (shared, tls) = (shared.clone(), self.tls.clone());
            connections.spawn(async move {
                let _permit = permit;
                connect(stream, peer, tls, shared).await;
            });
        }
        connections.close();
        connections.wait().await;
    }
}

async fn connect(stream: TcpStream, peer: SocketAddr, tls: Option<Arc<Acceptor>>, shared: Shared) {
    let _ = stream.set_nodelay(true);
    let door = shared.settings.name.clone();
    shared.metrics.connection_opened(&door);
    let ended = match tls {
        None => connection::serve(stream, peer, &shared).await,
        Some(tls) => match tokio::time::timeout(shared.settings.read_timeout, tls.accept(stream)).await {
            Ok(Ok(stream)) => connection::serve(stream, peer, &shared).await,
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        },
    };
    if let Err(error) = ended {
        tracing::info!(door, peer = %peer.ip(), reason = %error.kind(), "a connection ended");
    }
    shared.metrics.connection_closed(&door);
}
