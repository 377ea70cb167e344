//! The files of a door with TLS, read and made into a configuration.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};

use super::{Error, TlsSettings, certificate};

/// Certificates and keys are short; a longer file is something else. In bytes.
const LONGEST: u64 = 1 << 20;

/// What the files hold at one moment.
pub(super) struct Files<'a> {
    settings: &'a TlsSettings,
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// What new connections are accepted with.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) config: Arc<ServerConfig>,
    /// Of the files that it was made of.
    pub(super) digest: [u8; 32],
    /// When the door's certificate ends, in microseconds since 1970.
    pub(super) expires_at: Option<i64>,
}

impl<'a> Files<'a> {
    pub(super) fn read(settings: &'a TlsSettings) -> Result<Self, Error> {
        Ok(Self {
            settings,
            certificate: read(&settings.certificate)?,
            key: read(&settings.key)?,
            client_ca: settings.client_ca.as_deref().map(read).transpose()?,
        })
    }

    /// Tells other contents apart, whatever the clock of the file system says.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for content in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()] {
            hasher.update(Sha256::digest(content.map(Vec::as_slice).unwrap_or_default()));
        }
        hasher.finalize().into()
    }

    pub(super) fn load(&self, protocols: &[Vec<u8>]) -> Result<Loaded, Error> {
        let first = CertificateDer::from_pem_slice(&self.certificate).ok();
        let expires_at = first.and_then(|first| certificate::not_after(&first));
        Ok(Loaded { config: self.config(protocols)?, digest: self.digest(), expires_at })
    }

    fn config(&self, protocols: &[Vec<u8>]) -> Result<Arc<ServerConfig>, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| unusable(&self.settings.certificate, error))?;
        let builder = match (&self.client_ca, &self.settings.client_ca) {
            (Some(content), Some(path)) => {
                let mut roots = RootCertStore::empty();
                for root in certificates(content, path)? {
                    roots.add(root).map_err(|error| unusable(path, error))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| unusable(path, error))?)
            }
            _ => builder.with_no_client_auth(),
        };
        let chain = certificates(&self.certificate, &self.settings.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| Error::Lacks { path: self.settings.key.clone(), what: "private key" })?;
        let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => Error::NoPair {
                certificate: self.settings.certificate.clone(),
                key: self.settings.key.clone(),
            },
            // Of a key that cannot be used rustls says "general", of a certificate which part of it.
            error @ rustls::Error::General(_) => unusable(&self.settings.key, error),
            error => unusable(&self.settings.certificate, error),
        })?;
        config.alpn_protocols = protocols.to_vec();
        Ok(Arc::new(config))
    }
}

/// Whether every user of the machine can read a file.
#[cfg(unix)]
pub(super) fn is_open_to_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

/// Whether every user of the machine can read a file: not known on this system.
#[cfg(not(unix))]
pub(super) fn is_open_to_all(_path: &Path) -> bool {
    false
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    let result = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut content));
    let result = match result {
        Ok(_) if content.len() as u64 > LONGEST => Err(io::Error::other("it is longer than 1 MiB")),
        result => result,
    };
    result.map_err(|source| Error::Unreadable { path: path.into(), source })?;
    Ok(content)
}

fn certificates(content: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(content).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(Error::Lacks { path: path.into(), what: "certificate" }),
    }
}

fn unusable(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::Unusable { path: path.into(), reason: error.to_string() }
}
