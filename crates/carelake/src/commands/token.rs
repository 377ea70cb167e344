//! `carelake token`: who may use the doors of a lake.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use pipeline::audit::{Action as Audited, Entity};
use pipeline::time::{now, rfc3339_milliseconds};
use server::auth::{Feeds, NewToken, Record, Scope, State, Token as Secret, Tokens};

use super::sweep::age;
use crate::audit::Trail;
use crate::report::{Result, note};

#[derive(Debug, Args)]
pub(super) struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token and print it, this once
    Create {
        /// What people call it: who has it, what for
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What it allows: ingest, read, sql or admin; may be given again
        #[arg(long, value_name = "SCOPE", required = true)]
        scope: Vec<Scope>,
        /// A feed that it is for, with ingest and read only; may be given again [default: all feeds]
        #[arg(long, value_name = "FEED")]
        feed: Vec<String>,
        /// How long it is good: a number with s, m, h or d [default: until it is revoked]
        #[arg(long, value_name = "AGE", value_parser = age)]
        expires: Option<Duration>,
    },
    /// One line for each: id, state, scopes, feeds, made, good until, name
    List,
    /// Let nobody in with it any more
    Revoke {
        /// Its id, as listed
        #[arg(value_name = "ID")]
        id: String,
    },
}

impl Token {
    pub(super) async fn run(self, lake: Option<&str>) -> Result<ExitCode> {
        let lake = crate::lake::open(lake).await?;
        let tokens = Tokens::of(lake.clone());
        let mut stdout = std::io::stdout().lock();
        match self.action {
            Action::Create { name, scope, feed, expires } => {
                let expires_at =
                    expires.map(|age| now().saturating_add_unsigned(age.as_secs().saturating_mul(1_000_000)));
                let scopes = scope.into_iter().collect();
                let new = NewToken { name, scopes, feeds: Feeds::listed(feed), expires_at };
                let trail = Trail::open(&lake).await?;
                let (record, token) = tokens.create(new).await?;
                // Before anybody has it: without its trace it is never shown, and of no use.
                trail.record(Audited::TokenCreated, vec![Entity::Token(record.id.clone())]).await?;
                // The token alone, so that a script can keep it.
                writeln!(stdout, "{}", token.reveal())?;
                tell(&record);
            }
            Action::List => list(&tokens, &mut stdout).await?,
            Action::Revoke { id } => {
                // Whoever found a token somewhere may give all of it.
                let id = Secret::parse(&id).map_or(id, |token| token.id().to_owned());
                let trail = Trail::open(&lake).await?;
                // First: a lost token is stopped even where it cannot be recorded, which is told then.
                let revoked = tokens.revoke(&id).await?;
                trail.record(Audited::TokenRevoked, vec![Entity::Token(id.clone())]).await?;
                match revoked {
                    true => writeln!(stdout, "revoked {id}; servers on this lake see it within seconds")?,
                    false => writeln!(stdout, "{id} was revoked before")?,
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(record: &Record) {
    note(format!("id {}, scopes {}, feeds {}", record.id, scopes(record), record.feeds));
    match record.expires_at {
        Some(_) => note(format!("it is good until {}", until(record))),
        None => note("it is good until it is revoked; --expires 90d makes one that ends by itself"),
    }
    note("this is the only time it is shown: the lake keeps its hash");
}

async fn list(tokens: &Tokens, out: &mut impl Write) -> Result<()> {
    let rows: Vec<[String; 7]> = tokens
        .list()
        .await?
        .iter()
        .map(|token| {
            let record = &token.record;
            let state = match token.state(now()) {
                State::Valid => "valid",
                State::Expired => "expired",
                State::Revoked => "revoked",
            };
            let made = rfc3339_milliseconds(record.created_at / 1_000);
            let (id, feeds, name) = (record.id.clone(), record.feeds.to_string(), record.name.clone());
            [id, state.into(), scopes(record), feeds, made, until(record), name]
        })
        .collect();
    let header = ["id", "state", "scopes", "feeds", "made", "good until", "name"].map(str::to_owned);
    let widths = |column: usize| {
        rows.iter().chain([&header]).map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    for row in [&header].into_iter().chain(&rows) {
        let cells =
            row.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = widths(column)));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn scopes(record: &Record) -> String {
    record.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(",")
}

fn until(record: &Record) -> String {
    record.expires_at.map_or_else(|| "revoked".into(), |moment| rfc3339_milliseconds(moment / 1_000))
}
