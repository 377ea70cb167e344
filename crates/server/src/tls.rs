//! TLS for doors: certificates that are renewed without a restart, and clients that show theirs.
//!
//! The files are read again every few seconds while connections come in. A new certificate counts for new connections;
//! a broken one is told, and the last good one stays. Versions before TLS 1.2 are not in the program at all.

mod certificate;
mod error;
mod files;

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub use self::error::Error;
use self::files::{Files, Loaded};

/// How often the files are looked at, at most.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A client that has not finished its handshake by then is let go.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A certificate whose end is nearer is warned of.
const SOON: Duration = Duration::from_secs(14 * 86_400);

/// The files of a door with TLS, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// The door's certificate, followed by those between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose certificates clients must show. Without it clients show none.
    pub client_ca: Option<PathBuf>,
}

/// The client of a connection, by the certificate that it showed and that was found good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The subject's name, such as `O=North Hospital,CN=adt`; empty if the certificate has only alternative names.
    pub subject: String,
    /// SHA-256 of the certificate, in lower-case hex.
    pub fingerprint: String,
}

impl Peer {
    /// Who is at the other end; `None` if the door asks for no certificates.
    pub fn of<T>(stream: &TlsStream<T>) -> Option<Self> {
        let certificate = stream.get_ref().1.peer_certificates()?.first()?;
        Some(Self {
            subject: certificate::subject(certificate).unwrap_or_default(),
            fingerprint: Sha256::digest(certificate).iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }
}

/// Makes TLS connections of accepted ones.
#[derive(Debug)]
pub struct Acceptor {
    settings: TlsSettings,
    protocols: Vec<Vec<u8>>,
    look_every: Duration,
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    loaded: Loaded,
    /// Why the files as they are now are not used.
    problem: Option<String>,
    next_look: Instant,
}

impl Acceptor {
    /// Reads the files; without good ones there is no door.
    pub fn open(settings: &TlsSettings) -> Result<Self, Error> {
        Self::open_for(settings, &[])
    }

    /// The same, offering these protocols by ALPN, the preferred one first: `h2` and `http/1.1` for HTTP.
    pub fn open_for(settings: &TlsSettings, protocols: &[&str]) -> Result<Self, Error> {
        let protocols: Vec<Vec<u8>> = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let loaded = Files::read(settings)?.load(&protocols)?;
        let state = State { loaded, problem: None, next_look: Instant::now() + LOOK_EVERY };
        let acceptor = Self {
            settings: settings.clone(),
            protocols,
            look_every: LOOK_EVERY,
            patience: HANDSHAKE,
            state: Mutex::new(state),
        };
        acceptor.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
        Ok(acceptor)
    }

    /// Does the handshake. Never takes longer than ten seconds; an error is the end of this connection alone.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.look_if_due().await;
        let config = self.state().loaded.config.clone();
        match timeout(self.patience, TlsAcceptor::from(config).accept(stream)).await {
            Ok(accepted) => accepted,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the TLS handshake took too long")),
        }
    }

    /// Why the files as they are now are not used, if they are not: the last good ones still are.
    pub fn problem(&self) -> Option<String> {
        self.state().problem.clone()
    }

    /// When the certificate in use ends, in microseconds since 1970.
    pub fn expires_at(&self) -> Option<i64> {
        self.state().loaded.expires_at
    }

    /// What is wrong with the files in use and does not keep the door shut.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if files::is_open_to_all(&self.settings.key) {
            let key = self.settings.key.display();
            warnings.push(format!("every user of this machine can read the private key {key}: chmod 600 it"));
        }
        let soon = pipeline::time::now().saturating_add_unsigned(SOON.as_secs() * 1_000_000);
        if let Some(expires_at) = self.expires_at().filter(|expires_at| *expires_at <= soon) {
            let certificate = self.settings.certificate.display();
            let day = pipeline::time::rfc3339_milliseconds(expires_at / 1_000);
            warnings.push(format!("the certificate {certificate} is good until {day} only: renew it"));
        }
        warnings
    }

    async fn look_if_due(&self) {
        let now = Instant::now();
        let loaded = {
            let mut state = self.state();
            if now < state.next_look {
                return;
            }
            // Whoever comes while the files are read goes on with what is there.
            state.next_look = now + self.look_every;
            state.loaded.digest
        };
        let (settings, protocols) = (self.settings.clone(), self.protocols.clone());
        let read = move || {
            let files = Files::read(&settings)?;
            if files.digest() == loaded { Ok(None) } else { files.load(&protocols).map(Some) }
        };
        if let Ok(found) = tokio::task::spawn_blocking(read).await {
            self.take_up(found);
        }
    }

    fn take_up(&self, found: Result<Option<Loaded>, Error>) {
        let error = match found {
            Ok(None) => {
                self.state().problem = None;
                return;
            }
            Ok(Some(loaded)) => {
                let mut state = self.state();
                (state.loaded, state.problem) = (loaded, None);
                drop(state);
                tracing::info!(certificate = %self.settings.certificate.display(), "the certificate was renewed");
                self.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
                return;
            }
            Err(error) => error,
        };
        let problem = error.to_string();
        if self.state().problem.as_ref() != Some(&problem) {
            tracing::warn!(%problem, hint = error.hint(), "the new certificate is not used, the last good one is");
        }
        self.state().problem = Some(problem);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
