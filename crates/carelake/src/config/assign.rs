//! Which feed a message belongs to: that of its name, else that of its sender, else that of its door.

use super::doors::{FolderFeed, Mllp};
use super::feeds::Port;
use super::sections::Config;
use super::values::Name;

/// The feed of messages that nothing assigns to another. It needs no section.
pub(super) const DEFAULT_FEED: &str = "default";

/// The way a message came in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way<'a> {
    /// By a name in the path of a request, by a token, or by a sub-folder.
    Named(&'a str),
    /// By the door of this name.
    Mllp(&'a str),
    /// By the folder of this name, in no sub-folder.
    Folder(&'a str),
    /// By a door that says nothing.
    Other,
}

impl Config {
    /// The feed of a message with these fields in MSH-3 and MSH-4, as they were sent.
    pub(crate) fn feed_of<'a>(&'a self, way: Way<'a>, application: &str, facility: &str) -> &'a str {
        let of_way = match way {
            Way::Named(name) => return self.feed_by_path(name).map_or(name, Name::as_str),
            Way::Mllp(door) => self.feed_of_door(door),
            Way::Folder(folder) => self.feed_of_folder(folder),
            Way::Other => None,
        };
        self.feed_of_sender(application, facility).or(of_way).map_or(DEFAULT_FEED, Name::as_str)
    }

    fn feed_of_sender(&self, application: &str, facility: &str) -> Option<&Name> {
        let of_sender = |with_facility: bool| {
            let mut feeds = self.feeds.iter();
            feeds.find(|(_, feed)| {
                let mut senders = feed.senders.iter();
                senders.any(|sender| {
                    sender.facility.is_some() == with_facility && sender.sent(application, facility)
                })
            })
        };
        of_sender(true).or_else(|| of_sender(false)).map(|(name, _)| name)
    }

    fn feed_of_door(&self, door: &str) -> Option<&Name> {
        let (name, door) = self.mllp.iter().find(|(name, _)| name.as_str() == door)?;
        let mut feeds = self.feeds.iter();
        let listing = feeds.find(|(_, feed)| feed.ports.iter().any(|port| port.is_of(name, door)));
        door.feed.as_ref().or(listing.map(|(name, _)| name))
    }

    fn feed_of_folder(&self, folder: &str) -> Option<&Name> {
        let (_, settings) = self.folders.iter().find(|(name, _)| name.as_str() == folder)?;
        match &settings.feed {
            FolderFeed::Named(feed) => Some(feed),
            FolderFeed::BySubFolder => self.feed_by_path(folder),
        }
    }

    fn feed_by_path(&self, path: &str) -> Option<&Name> {
        let mut feeds = self.feeds.iter();
        feeds.find(|(_, feed)| feed.paths.iter().any(|known| known.as_str() == path)).map(|(name, _)| name)
    }
}

impl Port {
    /// Whether this names the door.
    pub(super) fn is_of(&self, name: &Name, door: &Mllp) -> bool {
        match self {
            Self::Door(wanted) => wanted == name,
            Self::Number(wanted) => door.listen.address().is_some_and(|address| address.port == *wanted),
        }
    }
}
