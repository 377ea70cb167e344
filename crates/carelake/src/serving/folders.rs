//! Watched folders as the configuration has them, and the raw zone itself as one.

use std::collections::BTreeMap;
use std::sync::Arc;

use pipeline::FeedsByName;
use server::metrics::Metrics;
use server::transports::watch::{After, Folder, FolderFeed, Ready, Watcher, What};
use storage::Lake;

use crate::config::{self, Config};

/// What watches the folders, if there are any.
pub(super) fn watcher(
    config: &Config,
    lake: &Lake,
    feeds: FeedsByName,
    metrics: Arc<Metrics>,
) -> Option<Watcher> {
    let mut folders: Vec<Folder> =
        config.folders.iter().map(|(name, folder)| watched(config, name.as_str(), folder)).collect();
    if config.raw_folder.watch {
        let mut raw = Folder::raw(lake);
        raw.feed = FolderFeed::BySubFolder { otherwise: server::feeds::DEFAULT.into(), names: names(config) };
        raw.ready = match ready(config.raw_folder.ready) {
            // An object is there when all of it is.
            Ready::Stable if lake.folder().is_none() => Ready::Rename,
            ready => ready,
        };
        raw.settle = config.raw_folder.settle.0;
        // A lake that nothing has come into yet has none.
        if lake.folder().is_some()
            && let Err(error) = std::fs::create_dir_all(&raw.path)
        {
            tracing::warn!(%error, "the raw folder could not be made");
        }
        folders.push(raw);
    }
    if folders.is_empty() {
        return None;
    }
    let report = move |report: server::transports::watch::Report| match &report.what {
        What::Taken { feed, accounting, .. } => {
            metrics.accounted(feed, accounting);
            tracing::info!("{report}");
        }
        What::Waiting { .. } | What::Resumed | What::FolderReadable | What::StandsBy => {
            tracing::info!("{report}")
        }
        _ => tracing::warn!("{report}"),
    };
    let limits = super::rules(config).options.limits;
    Some(Watcher::new(folders, lake.clone(), report).feeds(feeds).limits(limits))
}

fn watched(config: &Config, name: &str, folder: &config::Folder) -> Folder {
    // The feed that lists the folder has what lies in no sub-folder.
    let lists = |feed: &config::Feed| feed.paths.iter().any(|path| path.as_str() == name);
    let listing = config.feeds.iter().find(|(_, feed)| lists(feed)).map(|(name, _)| name.as_str().to_owned());
    let feed = match &folder.feed {
        config::FolderFeed::Named(feed) => FolderFeed::Named(feed.as_str().to_owned()),
        config::FolderFeed::BySubFolder => FolderFeed::BySubFolder {
            otherwise: listing.unwrap_or_else(|| server::feeds::DEFAULT.into()),
            names: names(config),
        },
    };
    let after = match (folder.after, &folder.move_to) {
        (config::After::Remove, _) => After::Remove,
        (config::After::Move, Some(to)) => After::Move(to.as_path().to_owned()),
        (config::After::Keep | config::After::Move, _) => After::Keep,
    };
    let mut watched = Folder::at(folder.path.as_path());
    watched.feed = feed;
    watched.ready = ready(folder.ready);
    watched.settle = folder.settle.0;
    watched.after = after;
    watched
}

/// Sub-folders that are called otherwise than their feeds.
fn names(config: &Config) -> BTreeMap<String, String> {
    let of_feed = |(name, feed): (&config::values::Name, &config::Feed)| {
        let name = name.as_str().to_owned();
        feed.paths.iter().map(move |path| (path.as_str().to_owned(), name.clone())).collect::<Vec<_>>()
    };
    config.feeds.iter().flat_map(of_feed).collect()
}

fn ready(ready: config::Ready) -> Ready {
    match ready {
        config::Ready::Stable => Ready::Stable,
        config::Ready::Rename => Ready::Rename,
        config::Ready::DoneFile => Ready::DoneFile,
    }
}
