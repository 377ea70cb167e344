//! Asking others over HTTP: identity providers, and collectors of traces.

use std::time::Duration;

use reqwest::{Client, Url, redirect};

/// A client that waits so long for an answer, and goes nowhere but where it is told to.
pub(crate) fn client(url: Option<&Url>, patience: Duration) -> reqwest::Result<Client> {
    // Somebody else may have set the process's provider of cryptography already: theirs will do.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::builder()
        .timeout(patience)
        .connect_timeout(patience)
        .redirect(redirect::Policy::none())
        .user_agent("carelake");
    let client = if url.is_some_and(is_this_machine) { client.no_proxy() } else { client };
    client.build()
}

/// Whether a URL leads to this machine.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}
