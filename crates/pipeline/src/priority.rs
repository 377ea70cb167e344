//! Who goes first on a machine that has more to do than it can.
//!
//! Receiving, answering and syncing are short turns that someone waits for; converting is long; putting files together can
//! wait, and catches up when there is room.

/// What a thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// Converts: beside doors it has a quarter of the turns, alone all of them.
    Conversion,
    /// Maintains: beside conversion it has a quarter of the turns.
    Upkeep,
}

impl Priority {
    /// Makes it that of the calling thread, and of those that it starts from now on.
    ///
    /// Where that is not possible, all are equal.
    pub fn take(self) {
        // In the words of `nice`. On Linux it is that of a thread; elsewhere it would be that of the whole process.
        #[cfg(target_os = "linux")]
        let _ = rustix::process::setpriority_process(
            None,
            match self {
                Self::Conversion => 5,
                Self::Upkeep => 10,
            },
        );
    }
}
