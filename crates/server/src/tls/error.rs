//! What can be wrong with the files of a door with TLS.

use std::io;
use std::path::PathBuf;

/// Files that no door can be opened with. Nothing of a key is ever in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        #[source]
        source: io::Error,
    },
    /// A file is no PEM, or has none of what it should have.
    #[error("{} holds no {what} in PEM", path.display())]
    Lacks {
        /// The file.
        path: PathBuf,
        /// What it should have.
        what: &'static str,
    },
    /// Key and certificate are not a pair.
    #[error("the key {} is not that of the certificate {}", key.display(), certificate.display())]
    NoPair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// What a file holds is not accepted.
    #[error("{} cannot be used: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "the user who runs carelake must be able to read it",
            Self::Lacks { what: "private key", .. } => {
                "a key in PEM without a passphrase is needed: openssl pkey -in KEY -out NEW writes one"
            }
            Self::Lacks { .. } => "openssl x509 -in CERTIFICATE -out NEW.pem writes PEM",
            Self::NoPair { .. } => "replace both files; the old pair stays in use until they fit",
            Self::Unusable { .. } => "openssl x509 -in CERTIFICATE -noout -text shows what is in it",
        }
    }
}
