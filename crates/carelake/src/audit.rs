//! What the command line records of its own use, on a lake that is an audited one.
//!
//! Nothing is shown before it is recorded, and nothing is changed. On other lakes nothing is written, so that one that
//! can only be read still answers.

use pipeline::audit::{self, Access, Action, Audit, Entity, Outcome, Who, WhoKind};
use storage::Lake;

use crate::report::{Failure, Result};

/// The address of whoever sits at the machine.
const HERE: &str = "local";

/// Where a command's accesses are recorded, if they are.
#[derive(Debug)]
pub(crate) struct Trail(Option<Audit>);

impl Trail {
    /// The trail of a command on a lake.
    pub(crate) async fn open(lake: &Lake) -> Result<Self> {
        Ok(Self(audit::is_audited(lake).await?.then(|| Audit::open(lake, &source()))))
    }

    /// Records an act, before it is done.
    pub(crate) async fn record(&self, action: Action, what: Vec<Entity>) -> Result<()> {
        self.record_with(action, what, Outcome::Success).await
    }

    /// Records an access whose data is at hand, or was not to be had, and only then hands it out.
    pub(crate) async fn pass<T, E>(&self, action: Action, what: Entity, had: Result<T, E>) -> Result<T>
    where
        Failure: From<E>,
    {
        let outcome = if had.is_ok() { Outcome::Success } else { Outcome::Failed };
        self.record_with(action, vec![what], outcome).await?;
        Ok(had?)
    }

    async fn record_with(&self, action: Action, what: Vec<Entity>, outcome: Outcome) -> Result<()> {
        let Some(audit) = &self.0 else { return Ok(()) };
        let access = Access { what, outcome, ..Access::new(action, local_user(), HERE) };
        Ok(audit.record(access).await?)
    }
}

/// Declares a lake an audited one, in the name of the local user.
pub(crate) async fn declare(lake: &Lake) -> Result<()> {
    let began = Access::new(Action::AuditStarted, local_user(), HERE);
    Ok(audit::declare(lake, &Audit::open(lake, &source()), began).await?)
}

/// What the program calls itself in the events.
fn source() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match host.trim() {
        "" => "carelake command line".into(),
        host => format!("carelake command line on {host}"),
    }
}

/// The user of the operating system who runs this. The number is the system's word; where it gives none, the environment's name has to do.
fn local_user() -> Who {
    let number = user_number();
    let name = number.and_then(name_of).or_else(name_in_environment).unwrap_or_else(|| "unknown".into());
    let id = number.map_or_else(|| name.clone(), |number| number.to_string());
    Who { id, name, kind: WhoKind::Local }
}

/// Whose process this is, where there is a `/proc`.
#[cfg(unix)]
fn user_number() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    Some(std::fs::metadata("/proc/self").ok()?.uid())
}

#[cfg(not(unix))]
fn user_number() -> Option<u32> {
    None
}

fn name_of(number: u32) -> Option<String> {
    name_in(&std::fs::read_to_string("/etc/passwd").ok()?, number)
}

/// A user's name in a list of users: `name:password:number:…` a line.
fn name_in(users: &str, number: u32) -> Option<String> {
    let number = number.to_string();
    let user = users.lines().find(|user| user.split(':').nth(2) == Some(&number))?;
    user.split(':').next().map(str::to_owned)
}

fn name_in_environment() -> Option<String> {
    ["LOGNAME", "USER", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::name_in;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:100::/home/ann:\nodd\n";
        assert_eq!(name_in(users, 1_000).as_deref(), Some("ann"));
        assert_eq!(name_in(users, 100), None);
    }
}
