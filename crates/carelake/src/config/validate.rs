//! What no key shows by itself: keys that contradict each other, names that nothing has, doors that are open to all.

use std::collections::BTreeMap;

use super::assign::DEFAULT_FEED;
use super::doors::{After, FolderFeed, Tls};
use super::effective::Effective;
use super::feeds::Port;
use super::nearest::nearest;
use super::path::path;
use super::sections::Config;
use super::values::{Address, Name};
use super::wrong::{Source, Wrong};

/// Everything that is wrong with a configuration of which each key is right.
pub(super) fn validate(effective: &Effective) -> Vec<Wrong> {
    let mut check = Check { effective, wrongs: Vec::new() };
    check.doors();
    check.feeds();
    check.folders();
    check.others();
    if !effective.config.insecure {
        check.wrongs.extend(open_doors(effective));
    }
    check.wrongs
}

/// The doors that others than this machine can reach without TLS or without authentication.
pub(super) fn open_doors(effective: &Effective) -> Vec<Wrong> {
    let config = &effective.config;
    let mut open = Vec::new();
    let mut door = |section: &str, name: &str, address: &Address, lacks: &[(&str, String)]| {
        if address.is_loopback() || lacks.is_empty() {
            return;
        }
        let parts: Vec<&str> = [section, name].into_iter().filter(|part| !part.is_empty()).collect();
        let door = path(&parts);
        let what: Vec<&str> = lacks.iter().map(|(what, _)| *what).collect();
        let help: Vec<&str> = lacks.iter().map(|(_, help)| help.as_str()).collect();
        open.push(Wrong::at(
            &effective.source(&format!("{door}.listen")),
            format!("{door} listens on {address} without {}", what.join(" and without ")),
            format!("{}; or listen on 127.0.0.1; or set insecure = true", help.join(" and ")),
        ));
    };
    for (name, mllp) in &config.mllp {
        let Some(address) = mllp.listen.address() else { continue };
        let section = path(&["mllp", name.as_str()]);
        let mut lacks = Vec::new();
        if mllp.tls.is_none() {
            lacks.push(("TLS", format!("add [{section}.tls]")));
        }
        if mllp.tls.as_ref().is_none_or(|tls| tls.client_ca.is_none()) {
            lacks.push(("client certificates", format!("set {section}.tls.client_ca")));
        }
        door("mllp", name.as_str(), address, &lacks);
    }
    if let Some(address) = config.http.listen.address() {
        let mut lacks = Vec::new();
        if config.http.tls.is_none() {
            lacks.push(("TLS", "add [http.tls]".to_owned()));
        }
        if !config.needs_tokens() {
            lacks.push(("authentication", "set auth.required = true".to_owned()));
        }
        door("http", "", address, &lacks);
    }
    open
}

struct Check<'e> {
    effective: &'e Effective,
    wrongs: Vec<Wrong>,
}

impl<'e> Check<'e> {
    fn config(&self) -> &'e Config {
        &self.effective.config
    }

    /// Tells what is wrong with the value of a key.
    fn wrong(&mut self, key: &str, text: impl Into<String>, hint: impl Into<String>) {
        let source = self.effective.source(key);
        self.wrongs.push(Wrong::at(&source, text, hint));
    }

    fn doors(&mut self) {
        let config = self.config();
        let mut addresses: BTreeMap<String, String> = BTreeMap::new();
        let mllp = config
            .mllp
            .iter()
            .map(|(name, door)| (path(&["mllp", name.as_str()]), &door.listen, door.tls.as_ref()));
        for (door, listen, tls) in
            mllp.chain([("http".to_owned(), &config.http.listen, config.http.tls.as_ref())])
        {
            let key = format!("{door}.listen");
            // Each door that asks for any free port gets another.
            if let Some(address) = listen.address().filter(|address| address.port != 0)
                && let Some(other) = addresses.insert(address.to_string(), door.clone())
            {
                let text = format!("{door} and {other} both listen on {address}");
                self.wrong(&key, text, "give one of them another port, or listen = \"off\"");
            }
            if let Some(tls) = tls {
                self.tls(&format!("{door}.tls"), tls);
            }
        }
        for (name, door) in &config.mllp {
            if let Some(feed) = &door.feed {
                self.known_feed(&path(&["mllp", name.as_str(), "feed"]), feed);
            }
        }
    }

    fn tls(&mut self, section: &str, tls: &Tls) {
        let files = [
            ("certificate", Some(&tls.certificate)),
            ("key", Some(&tls.key)),
            ("client_ca", tls.client_ca.as_ref()),
        ];
        for (key, file) in files {
            let Some(file) = file else { continue };
            if let Err(error) = std::fs::File::open(file.as_path()) {
                let key = format!("{section}.{key}");
                let text = format!("{key}: cannot read {file}: {error}");
                self.wrong(
                    &key,
                    text,
                    "it is a file in PEM that the user who runs carelake must be able to read",
                );
            }
        }
    }

    fn feeds(&mut self) {
        let config = self.config();
        // What leads to a feed, and which feed that is: nothing may lead to two.
        let mut ways: BTreeMap<String, &Name> = BTreeMap::new();
        for (name, door) in &config.mllp {
            ways.extend(door.feed.as_ref().map(|feed| (format!("the door {name}"), feed)));
        }
        for (name, folder) in &config.folders {
            if let FolderFeed::Named(feed) = &folder.feed {
                ways.insert(format!("the path {name}"), feed);
            }
        }
        for (name, feed) in &config.feeds {
            let key = |last: &str, position: usize| {
                format!("{}[{}]", path(&["feeds", name.as_str(), last]), position + 1)
            };
            for (position, port) in feed.ports.iter().enumerate() {
                let key = key("ports", position);
                match self.door_of(port) {
                    Some(door) => self.one_way(&mut ways, &key, format!("the door {door}"), name),
                    None => self.unknown_port(&key, port),
                }
            }
            for (position, alias) in feed.paths.iter().enumerate() {
                let key = key("paths", position);
                if alias != name && config.feeds.contains_key(alias) {
                    let text = format!("{key}: {alias} is a feed of its own");
                    self.wrong(&key, text, "take it away here, or there");
                }
                self.one_way(&mut ways, &key, format!("the path {alias}"), name);
            }
            for (position, sender) in feed.senders.iter().enumerate() {
                self.one_way(&mut ways, &key("senders", position), format!("the sender {sender}"), name);
            }
        }
    }

    fn one_way(&mut self, ways: &mut BTreeMap<String, &'e Name>, key: &str, way: String, feed: &'e Name) {
        match ways.get(&way) {
            Some(other) if *other != feed => {
                let text = format!("{key}: {way} belongs to the feed {other} already");
                self.wrong(key, text, "a message belongs to one feed: take it away here, or there");
            }
            _ => drop(ways.insert(way, feed)),
        }
    }

    fn door_of(&self, port: &Port) -> Option<&'e Name> {
        let mut doors = self.config().mllp.iter();
        doors.find(|(name, door)| port.is_of(name, door)).map(|(name, _)| name)
    }

    fn unknown_port(&mut self, key: &str, port: &Port) {
        let text = match port {
            Port::Door(name) => format!("{key}: no door [{}]", path(&["mllp", name.as_str()])),
            Port::Number(number) => format!("{key}: no MLLP door listens on the port {number}"),
        };
        let doors: Vec<String> =
            self.config().mllp.iter().map(|(name, door)| format!("{name} ({})", door.listen)).collect();
        self.wrong(key, text, format!("there are: {}", doors.join(", ")));
    }

    /// A door may name only feeds that have a section: messages of a feed by mistake stay in it.
    fn known_feed(&mut self, key: &str, feed: &Name) {
        let feeds = &self.config().feeds;
        if feed.as_str() == DEFAULT_FEED || feeds.contains_key(feed) {
            return;
        }
        let section = path(&["feeds", feed.as_str()]);
        let alike = nearest(feed.as_str(), feeds.keys().map(Name::as_str));
        let hint = match &alike[..] {
            [] => format!("add a section [{section}], if only its head"),
            alike => format!("nearest: {}; or add a section [{section}], if only its head", alike.join(", ")),
        };
        self.wrong(key, format!("{key}: no section [{section}]"), hint);
    }

    fn folders(&mut self) {
        for (name, folder) in &self.config().folders {
            let key = |last: &str| path(&["folders", name.as_str(), last]);
            if let FolderFeed::Named(feed) = &folder.feed {
                self.known_feed(&key("feed"), feed);
            }
            match (folder.after, &folder.move_to) {
                (After::Move, None) => self.wrong(
                    &key("after"),
                    format!("{} is missing", key("move_to")),
                    "name the folder that files are moved to",
                ),
                (After::Keep | After::Remove, Some(_)) => self.wrong(
                    &key("move_to"),
                    format!("{} has no use without after = \"move\"", key("move_to")),
                    "set after = \"move\", or take it away",
                ),
                _ => {}
            }
        }
    }

    fn others(&mut self) {
        let config = self.config();
        if config.retention.log < config.retention.table_history {
            self.wrong(
                "retention.log",
                "retention.log is shorter than retention.table_history",
                format!(
                    "older states need the logs of the tables: {} at least",
                    config.retention.table_history
                ),
            );
        }
        if let Some(oidc) = &config.auth.oidc {
            if !oidc.issuer.is_safe() && !config.insecure {
                let text = "auth.oidc.issuer: keys that come by http can be anybody's";
                self.wrong("auth.oidc.issuer", text, "give its https address");
            }
            if oidc.algorithms.is_empty() {
                let text = "auth.oidc.algorithms is empty: no token would be taken";
                self.wrong("auth.oidc.algorithms", text, "name one at least, such as \"RS256\"");
            }
        }
        if let (Some(endpoint), Some(_)) = (&config.traces.otlp_endpoint, &config.traces.token)
            && !endpoint.is_safe()
            && !config.insecure
        {
            let text = "traces.otlp_endpoint: a token that goes by http can be anybody's";
            self.wrong("traces.otlp_endpoint", text, "give its https address");
        }
        if config.traces.token.is_some() && config.traces.otlp_endpoint.is_none() {
            self.wrong(
                "traces.token",
                "traces.token has no use without traces.otlp_endpoint",
                "set traces.otlp_endpoint, or take the token away",
            );
        }
    }
}

impl Effective {
    fn source(&self, key: &str) -> Source {
        self.sources.get(key).cloned().unwrap_or(Source::Default)
    }
}
