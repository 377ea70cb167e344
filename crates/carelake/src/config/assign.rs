//! Which door a feed names, and the feed of what no other names.

use super::doors::Mllp;
use super::feeds::Port;
use super::values::Name;

/// The feed of messages that nothing assigns to another. It needs no section.
pub(super) const DEFAULT_FEED: &str = "default";

impl Port {
    /// Whether this names the door.
    pub(crate) fn is_of(&self, name: &Name, door: &Mllp) -> bool {
        match self {
            Self::Door(wanted) => wanted == name,
            Self::Number(wanted) => door.listen.address().is_some_and(|address| address.port == *wanted),
        }
    }
}
