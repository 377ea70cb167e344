//! The HTTP door: connections for the API, plain or by TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Layer;
use tower::util::MapRequestLayer;

use crate::tls::Acceptor;

/// How long the head of a request may take, and how long a connection may be silent before it.
const HEAD: Duration = Duration::from_secs(30);
/// How long requests that are under way at the shutdown have.
const DRAIN: Duration = Duration::from_secs(20);

/// A door that is open.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    tls: Option<Arc<Acceptor>>,
    max_connections: usize,
}

impl Door {
    /// Opens a door at an address.
    pub async fn open(address: SocketAddr, tls: Option<Arc<Acceptor>>, max_connections: usize) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, tls, max_connections })
    }

    /// Where it is.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What its addresses begin with.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Serves requests until the shutdown, and those under way to their end.
    pub async fn run(self, router: Router, shutdown: CancellationToken) {
        let room = Arc::new(Semaphore::new(self.max_connections));
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "an HTTP connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(permit) = room.clone().try_acquire_owned() else {
                tracing::warn!(peer = %peer.ip(), "too many HTTP connections: this one is closed");
                continue;
            };
            let (router, tls, shutdown) = (router.clone(), self.tls.clone(), shutdown.clone());
            connections.spawn(async move {
                let _permit = permit;
                connect(stream, peer, tls, router, shutdown).await;
            });
        }
        connections.close();
        let _ = tokio::time::timeout(DRAIN, connections.wait()).await;
    }
}

async fn connect(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Arc<Acceptor>>,
    router: Router,
    shutdown: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve(stream, peer, router, shutdown).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => serve(stream, peer, router, shutdown).await,
            Err(error) => tracing::info!(peer = %peer.ip(), reason = %error.kind(), "a TLS handshake failed"),
        },
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    shutdown: CancellationToken,
) {
    let knows_peer = MapRequestLayer::new(move |mut request: axum::http::Request<_>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let service = TowerToHyperService::new(knows_peer.layer(router));
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // Whoever breaks off a connection is told nothing; what was asked of the lake is in its own answers.
        _ = connection.as_mut() => return,
        () = shutdown.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
