//! What is recorded: who did what to which data, from where, when, and how it ended.

use std::fmt;

use crate::time;

/// What was done. Scripts and questions rely on the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// A question in SQL was answered.
    Query,
    /// Messages were searched for, by control ID, identifier, type or time.
    Search,
    /// A message was looked at.
    ViewMessage,
    /// Rows or messages were taken out as a file or a stream for programs.
    Export,
    /// What failed was looked at.
    ViewError,
    /// What failed was converted again.
    Retry,
    /// Staging was built anew.
    Replay,
    /// A token was made.
    TokenCreated,
    /// A token was revoked.
    TokenRevoked,
    /// Somebody came in with a token; told for each token now and then, not for each request.
    SignIn,
    /// Somebody was not let in, or not to what was asked for.
    Refused,
    /// A setting was changed, or another act of administration done.
    Config,
    /// Recording began: a lake was declared an audited one, or a server started.
    AuditStarted,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Query,
        Self::Search,
        Self::ViewMessage,
        Self::Export,
        Self::ViewError,
        Self::Retry,
        Self::Replay,
        Self::TokenCreated,
        Self::TokenRevoked,
        Self::SignIn,
        Self::Refused,
        Self::Config,
        Self::AuditStarted,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Search => "search",
            Self::ViewMessage => "view_message",
            Self::Export => "export",
            Self::ViewError => "view_error",
            Self::Retry => "retry",
            Self::Replay => "replay",
            Self::TokenCreated => "token_created",
            Self::TokenRevoked => "token_revoked",
            Self::SignIn => "sign_in",
            Self::Refused => "refused",
            Self::Config => "config",
            Self::AuditStarted => "audit_started",
        }
    }
}

/// How somebody was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WhoKind {
    /// As a user of the machine, by its operating system.
    Local,
    /// By a token of the lake.
    Token,
    /// By an identity provider.
    Oidc,
    /// Not at all.
    Unknown,
}

impl WhoKind {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Token => "token",
            Self::Oidc => "oidc",
            Self::Unknown => "unknown",
        }
    }
}

/// Who did it. The `Debug` text has no name in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Who {
    /// Stays the same when the name changes: a user's number, a token's id, the provider's `sub`.
    pub id: String,
    /// For people to read.
    pub name: String,
    /// How they were recognised.
    pub kind: WhoKind,
}

impl fmt::Debug for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Who").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What it was done to. Any of these may tell of a patient, so the `Debug` text has the kind alone.
#[derive(Clone, PartialEq, Eq)]
pub enum Entity {
    /// A message, by its id.
    Message(String),
    /// What failed, by its id.
    Error(String),
    /// A feed, by its name.
    Feed(String),
    /// The text of a question, or the words of a search.
    Query(String),
    /// A token, by its id.
    Token(String),
    /// A setting or a command, by its name.
    Setting(String),
    /// What was asked for, such as the path of a request.
    Request(String),
    /// Why it was refused, in a word.
    Reason(String),
    /// How many like it were put into this one, a number.
    Times(String),
}

impl Entity {
    /// The word for its kind.
    pub fn kind(&self) -> &'static str {
        self.parts().0
    }

    /// Its id, name or text.
    pub fn text(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Message(text) => ("message", text),
            Self::Error(text) => ("error", text),
            Self::Feed(text) => ("feed", text),
            Self::Query(text) => ("query", text),
            Self::Token(text) => ("token", text),
            Self::Setting(text) => ("setting", text),
            Self::Request(text) => ("request", text),
            Self::Reason(text) => ("reason", text),
            Self::Times(text) => ("times", text),
        }
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.kind())
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was not, or not wholly.
    Failed,
}

impl Outcome {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
        }
    }
}

/// One access. Patient-class data, so the `Debug` text has neither names, addresses nor what it was about.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// What was done.
    pub action: Action,
    /// Who did it.
    pub who: Who,
    /// From which address; `local` without one.
    pub from: String,
    /// To what.
    pub what: Vec<Entity>,
    /// How it ended.
    pub outcome: Outcome,
    /// When, in microseconds since 1970, UTC.
    pub at: i64,
}

impl Access {
    /// An access of this moment that succeeded, about nothing yet.
    pub fn new(action: Action, who: Who, from: impl Into<String>) -> Self {
        Self { action, who, from: from.into(), what: Vec::new(), outcome: Outcome::Success, at: time::now() }
    }

    /// The access, about one thing more.
    #[must_use]
    pub fn about(mut self, entity: Entity) -> Self {
        self.what.push(entity);
        self
    }

    /// The access, as it ended.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        const FRAME: usize = 1_024;
        FRAME + self.what.iter().map(|entity| entity.text().len()).sum::<usize>()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Access")
            .field("action", &self.action)
            .field("who", &self.who)
            .field("what", &self.what)
            .field("outcome", &self.outcome)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_patient_or_a_person_is_in_the_debug_text() {
        let who = Who { id: "CANARY-1".into(), name: "CANARY-2".into(), kind: WhoKind::Oidc };
        let mut access = Access::new(Action::Query, who, "CANARY-3");
        for entity in [
            Entity::Message,
            Entity::Error,
            Entity::Feed,
            Entity::Query,
            Entity::Token,
            Entity::Setting,
            Entity::Request,
            Entity::Reason,
            Entity::Times,
        ] {
            access = access.about(entity("CANARY-4".into()));
        }
        let text = format!("{access:?} {access:#?}");
        assert!(!text.contains("CANARY") && text.contains("Query") && text.contains("message"), "{text}");
    }

    #[test]
    fn every_action_has_a_word_of_its_own() {
        let names: std::collections::BTreeSet<_> = Action::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(names.len(), Action::ALL.len());
    }
}
