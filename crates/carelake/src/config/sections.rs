//! All sections but feeds and doors, and the whole.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::describe::settings;
use super::doors::{Folder, Http, Mllp, RawFolder};
use super::feeds::Feed;
use super::values::{FilePath, Keep, Name, Secret, Share, Size, Span, Text, WebAddress, words};

settings! {
    /// The configuration of a lake and its doors.
    pub(crate) struct Config {
        /// Whether a door that others than this machine can reach may go without TLS and authentication.
        insecure: bool = false,
        /// The lake.
        lake: Lake,
        /// The feeds.
        feeds: BTreeMap<Name, Feed>,
        /// The doors for MLLP.
        mllp: BTreeMap<Name, Mllp> = "default",
        /// The door for HTTP.
        http: Http,
        /// The folders that are watched.
        folders: BTreeMap<Name, Folder>,
        /// The raw zone as a door.
        raw_folder: RawFolder,
        /// Limits of the whole program.
        limits: Limits,
        /// How rows get into the tables.
        commit: Commit,
        /// The write-ahead log.
        log: Log,
        /// How long things are kept.
        retention: Retention,
        /// Who may do what.
        auth: Auth,
        /// What the program tells about itself.
        logs: Logs,
        /// Traces for OpenTelemetry.
        traces: Traces,
    }
}

settings! {
    /// The lake.
    pub(crate) struct Lake {
        /// A folder, or `s3://BUCKET/PREFIX`. The option `--lake` and the variable `CARELAKE_LAKE` come before it.
        path: Text = "./lake",
    }
}

settings! {
    /// Limits of the whole program. What is beyond them is refused or waits; nothing is dropped.
    pub(crate) struct Limits {
        /// The largest message that is converted; a larger one waits in the error zone.
        message_bytes: Size = "128MiB",
        /// The memory for messages that are safe and wait for conversion; beyond it they are read from the log again.
        backlog_bytes: Size = "64MB",
        /// How many messages may be safe and wait for conversion; beyond it doors are held up, and after 5 s they answer AE or 503.
        backlog_messages: NonZeroU32 = 200_000,
        /// The free space on the disk of the lake below which doors answer AE or 503.
        disk_reserve: Size = "256MB",
    }
}

settings! {
    /// How rows get into the tables.
    pub(crate) struct Commit {
        /// How long messages are gathered for one commit under load.
        interval: Span = "500ms",
        /// How many messages one commit holds at most.
        max_messages: NonZeroU32 = 8_192,
    }
}

settings! {
    /// The write-ahead log, in which messages are safe before they are acknowledged.
    pub(crate) struct Log {
        /// The size at which a segment is sealed into the raw zone.
        segment_bytes: Size = "64MB",
        /// The age at which a segment is sealed into the raw zone.
        segment_age: Span = "10m",
    }
}

settings! {
    /// How long things are kept. What was received, and the rows made of it, are kept for ever.
    pub(crate) struct Retention {
        /// Older states of the tables: the files that only they need.
        table_history: Span = "7d",
        /// The entries in the logs of the tables; not shorter than `table_history`.
        log: Span = "30d",
        /// The audit zone.
        audit: Keep = "forever",
        /// Messages in the error zone that were mended since.
        error: Keep = "forever",
    }
}

settings! {
    /// Who may do what.
    pub(crate) struct Auth {
        /// Whether HTTP needs a token; when not set, it does unless it listens on this machine alone or `insecure` is true.
        required: Option<bool>,
        /// Tokens of an identity provider, not taken when there is no such section.
        oidc: Option<Oidc>,
    }
}

settings! {
    /// Tokens of an identity provider (OpenID Connect).
    pub(crate) struct Oidc {
        /// Who makes the tokens; its keys are found below this address.
        issuer: WebAddress,
        /// Whom the tokens must be made for.
        audience: Text,
        /// The algorithms that a token may be signed with.
        algorithms: Vec<Algorithm> = ["RS256", "ES256"],
        /// How old the provider's keys may be before they are fetched again.
        jwks_refresh: Span = "1h",
        /// The claim that tells what a token is for: a list, or a text of words.
        scopes_claim: Text = "scope",
        /// What each value of that claim allows. When there is none, the values are `ingest`, `read`, `sql` and `admin` themselves.
        scopes: BTreeMap<Text, Vec<Scope>>,
    }
}

settings! {
    /// What the program tells about itself, on stderr. Never a value of a message.
    pub(crate) struct Logs {
        /// Lines for people, or objects for programs.
        format: LogFormat = "text",
        /// How much.
        level: Level = "info",
    }
}

settings! {
    /// Traces for OpenTelemetry. Never a value of a message, the text of a question or the name of a file.
    pub(crate) struct Traces {
        /// Where traces are sent by OTLP over HTTP (protobuf); without a path to `/v1/traces`. When not set, there are none.
        otlp_endpoint: Option<WebAddress>,
        /// The share of messages that are traced, by MLLP and HTTP. All else is traced, and requests that a traced caller sends.
        sample: Share = 0.01,
        /// A file that holds the token for that address.
        token_file: Option<FilePath>,
        /// The token for that address, sent as a bearer token.
        token: Option<Secret>,
    }
}

words! {
    /// Algorithms of signatures with a public key.
    pub(crate) enum Algorithm: "an algorithm" {
        /// RSA PKCS#1 with SHA-256.
        Rs256 = "RS256",
        /// RSA PKCS#1 with SHA-384.
        Rs384 = "RS384",
        /// RSA PKCS#1 with SHA-512.
        Rs512 = "RS512",
        /// RSA PSS with SHA-256.
        Ps256 = "PS256",
        /// RSA PSS with SHA-384.
        Ps384 = "PS384",
        /// RSA PSS with SHA-512.
        Ps512 = "PS512",
        /// ECDSA on P-256.
        Es256 = "ES256",
        /// ECDSA on P-384.
        Es384 = "ES384",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

words! {
    /// What a token allows.
    pub(crate) enum Scope: "a scope" {
        /// To bring messages in.
        Ingest = "ingest",
        /// To look at messages, errors and the catalog.
        Read = "read",
        /// To ask questions in SQL.
        Sql = "sql",
        /// To do everything, the audit zone included.
        Admin = "admin",
    }
}

words! {
    /// The form of what the program tells.
    pub(crate) enum LogFormat: "a format" {
        /// Lines for people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

words! {
    /// How much the program tells.
    pub(crate) enum Level: "a level" {
        /// Only what failed.
        Error = "error",
        /// Also what is odd.
        Warn = "warn",
        /// Also what happens.
        Info = "info",
        /// Also why.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

impl Config {
    /// The settings of a feed, also of one that has no section.
    pub(crate) fn feed(&self, name: &str) -> Feed {
        let named = self.feeds.iter().find(|(known, _)| known.as_str() == name);
        named.map(|(_, feed)| feed.clone()).unwrap_or_default()
    }

    /// Whether requests need a token.
    pub(crate) fn needs_tokens(&self) -> bool {
        let is_open = self.http.listen.address().is_some_and(|address| !address.is_loopback());
        self.auth.required.unwrap_or(is_open && !self.insecure)
    }
}
