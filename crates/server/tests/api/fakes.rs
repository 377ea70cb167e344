//! What stands in for the rest of the program.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use hl7::stream::{PieceKind, pieces};
use pipeline::{Answer as Promised, Fate, Kept, KeptMessage, MessageId, Reason};
use serde_json::{Value, json};
use server::api::{
    Answer, Caller, Format, Gate, Health, Intake, Kind, Policy, Problem, Refused, Rows, Scope, Sight, Sql,
    SqlLimits, SqlProblem, SqlProblemKind, TurnedAway, Witness,
};
use tokio::sync::oneshot;

/// Keeps what comes in memory; a message that holds `BROKEN` cannot be converted.
#[derive(Default)]
pub(crate) struct Storehouse {
    pub(crate) puts: Mutex<Vec<(String, String, Bytes)>>,
    /// What the senders of these are answered.
    pub(crate) answers: Mutex<Vec<Option<&'static str>>>,
    seen: Mutex<HashSet<MessageId>>,
    /// Of what never converts.
    silent: Mutex<Vec<oneshot::Sender<Vec<Fate>>>>,
    /// What every put is answered from now on.
    pub(crate) refused: Mutex<Option<Refused>>,
    /// Puts that are taken before `refused` counts.
    pub(crate) taken_first: AtomicUsize,
    pub(crate) never_converts: AtomicBool,
    pub(crate) converts_first: AtomicBool,
}

#[async_trait]
impl Intake for Storehouse {
    async fn put(&self, feed: &str, origin: String, bytes: Bytes, answer: Promised) -> Result<Kept, Refused> {
        if feed == "unknown" {
            return Err(Refused::UnknownFeed);
        }
        if let Some(refused) = &*self.refused.lock().unwrap()
            && self
                .taken_first
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_err()
        {
            return Err(refused.clone());
        }
        let (mut messages, mut fates) = (Vec::new(), Vec::new());
        for piece in pieces(&bytes, 1 << 20) {
            let is_message = match piece.kind {
                PieceKind::Message => true,
                PieceKind::Junk => false,
                _ => continue,
            };
            let text = bytes.slice(piece.offset as usize..piece.end() as usize);
            let id = MessageId::of(feed, &text);
            let is_duplicate = !self.seen.lock().unwrap().insert(id);
            let control_id =
                text.split(|byte| *byte == b'|').nth(9).map(|id| String::from_utf8_lossy(id).into());
            let is_broken = text.windows(6).any(|word| word == b"BROKEN") || !is_message;
            fates.push(match (is_broken, is_duplicate) {
                (true, _) => Fate::Error(Reason::too_long(1 << 20)),
                (false, true) => Fate::Duplicate,
                (false, false) => Fate::Staged,
            });
            messages.push(KeptMessage { id, control_id, is_message, is_duplicate, filtered_by: None });
        }
        self.answers.lock().unwrap().push(answer.accepted);
        self.puts.lock().unwrap().push((feed.into(), origin, bytes));
        let (tell, told) = oneshot::channel();
        if self.never_converts.load(Ordering::SeqCst) {
            self.silent.lock().unwrap().push(tell);
        } else {
            tell.send(fates).unwrap();
        }
        Ok(Kept { messages, fates: Some(told) })
    }

    fn assign(&self, message: &[u8]) -> String {
        if message.windows(5).any(|word| word == b"|ADT|") { "adt".into() } else { "default".into() }
    }

    fn policy(&self, _: &str) -> Policy {
        if self.converts_first.load(Ordering::SeqCst) { Policy::Converted } else { Policy::Durable }
    }
}

impl Storehouse {
    /// All that was put, in order.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.puts.lock().unwrap().iter().flat_map(|(_, _, bytes)| bytes.to_vec()).collect()
    }
}

/// Answers by words in the question.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) asked: Mutex<Vec<(String, Format, SqlLimits)>>,
    /// Rows of questions that have such a word in them.
    pub(crate) rows: Mutex<Vec<(&'static str, Value)>>,
    /// Answers that were dropped.
    pub(crate) dropped: Arc<AtomicUsize>,
}

struct Script(Vec<Result<Rows, SqlProblem>>, bool, Arc<AtomicUsize>);

#[async_trait]
impl Sql for Tables {
    async fn run(
        &self,
        query: &str,
        format: Format,
        limits: SqlLimits,
    ) -> Result<Box<dyn Answer>, SqlProblem> {
        self.asked.lock().unwrap().push((query.into(), format, limits));
        if query.contains("wrong") {
            let text = format!("no such thing near {query}");
            return Err(SqlProblem { kind: SqlProblemKind::Question, text, hint: None });
        }
        if query.contains("hang before") {
            futures::future::pending::<()>().await;
        }
        let encoded =
            |bytes: &str, rows| Ok(Rows::Encoded { bytes: Bytes::copy_from_slice(bytes.as_bytes()), rows });
        let mut parts = Vec::new();
        if format == Format::Ndjson {
            for (_, row) in self.rows.lock().unwrap().iter().filter(|(word, _)| query.contains(word)) {
                parts.push(encoded(&format!("{row}\n"), 1));
            }
        }
        if query.contains("two rows") {
            match format {
                Format::Ndjson => parts.extend([encoded("{\"a\":1}\n{\"a\"", 1), encoded(":2}\n", 1)]),
                _ => parts.extend([encoded("a\n1\n", 1), encoded("2\n", 1)]),
            }
        }
        if query.contains("half a row") {
            parts.push(encoded("{\"a\":1}\n{\"a\":", 1));
        }
        if query.contains("cut") {
            parts.push(Ok(Rows::Cut));
        }
        if query.contains("exhausted") {
            let text = "no memory".to_owned();
            parts.push(Err(SqlProblem { kind: SqlProblemKind::Exhausted, text, hint: None }));
        }
        if query.contains("damaged") {
            let text = "a file cannot be read".to_owned();
            parts.push(Err(SqlProblem { kind: SqlProblemKind::Lake, text, hint: None }));
        }
        Ok(Box::new(Script(parts, query.contains("hang after"), self.dropped.clone())))
    }

    async fn catalog(&self, audit: bool) -> Result<Value, SqlProblem> {
        let mut tables = vec![json!({"name": "staging", "rows": 3})];
        tables.extend(audit.then(|| json!({"name": "audit", "rows": 1})));
        Ok(json!({ "tables": tables }))
    }

    async fn table(&self, name: &str, audit: bool) -> Result<Option<Value>, SqlProblem> {
        Ok((name == "staging" || name == "audit" && audit)
            .then(|| json!({"columns": [{"name": "message_id"}]})))
    }
}

impl Answer for Script {
    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Rows, SqlProblem>> {
        struct Count(Arc<AtomicUsize>);
        impl Drop for Count {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let count = Count(self.2);
        let parts = stream::iter(self.0);
        let rest = if self.1 { stream::pending().boxed() } else { stream::empty().boxed() };
        parts
            .chain(rest)
            .inspect(move |_| {
                let _ = &count;
            })
            .boxed()
    }
}

/// Lets everybody in but those whose token says otherwise.
pub(crate) struct Guard;

#[async_trait]
impl Gate for Guard {
    async fn admit(
        &self,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
        scope: Scope,
    ) -> Result<Caller, Problem> {
        let token = headers.get(AUTHORIZATION).map_or("Bearer all", |token| token.to_str().unwrap());
        let token = token.trim_start_matches("Bearer ");
        let caller = |feeds: Option<&str>| Caller {
            name: token.to_owned(),
            known_as: format!("{token} for people"),
            feeds: feeds.map(|feed| vec![feed.to_owned()]),
            is_admin: !matches!(token, "reader" | "asker" | "asker-two"),
            peer,
        };
        match (token, scope) {
            ("bad", _) => {
                Err(Problem::new(Kind::Unauthenticated, "the token is not known", "carelake token makes one")
                    .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
            }
            ("reader", Scope::Read | Scope::Any) | ("asker" | "asker-two", Scope::Sql) => Ok(caller(None)),
            ("reader" | "asker" | "asker-two", _) => Err(Problem::new(
                Kind::Forbidden,
                "the token does not allow this",
                format!("it lacks {}", scope.word()),
            )),
            ("lab", _) => Ok(caller(Some("lab"))),
            _ => Ok(caller(None)),
        }
    }
}

/// Notes what was seen.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) sights: Mutex<Vec<Sight>>,
    /// Who came in.
    pub(crate) let_in: Mutex<Vec<String>>,
    /// Who did not.
    pub(crate) turned_away: Mutex<Vec<TurnedAway>>,
    pub(crate) is_full: AtomicBool,
    pub(crate) lets_nobody_in: AtomicBool,
}

#[async_trait]
impl Witness for Book {
    async fn saw(&self, _: &Caller, sight: Sight) -> Result<(), Problem> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(Problem::new(Kind::StoreFailed, "the audit cannot be written", "look at the disk"));
        }
        self.sights.lock().unwrap().push(sight);
        Ok(())
    }

    async fn let_in(&self, caller: &Caller) -> Result<(), Problem> {
        if self.lets_nobody_in.load(Ordering::SeqCst) {
            return Err(Problem::new(Kind::StoreFailed, "the audit cannot be written", "look at the disk"));
        }
        self.let_in.lock().unwrap().push(caller.name.clone());
        Ok(())
    }

    async fn turned_away(&self, request: TurnedAway) {
        self.turned_away.lock().unwrap().push(request);
    }
}

/// Tells what stands in the way.
#[derive(Default)]
pub(crate) struct Pulse {
    pub(crate) obstacles: Mutex<Vec<String>>,
}

#[async_trait]
impl Health for Pulse {
    async fn obstacles(&self) -> Vec<String> {
        self.obstacles.lock().unwrap().clone()
    }
}
