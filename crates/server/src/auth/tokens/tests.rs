//! Tokens of a lake whose store counts what it is asked, and can be broken.

mod counting;

use self::counting::Counting;
use super::*;
use crate::auth::{Authenticator, Scope};
use pipeline::Location;

const AT_ONCE: Pace = Pace { rest: Duration::ZERO, keep: Duration::from_secs(60) };
const SELDOM: Pace = Pace { rest: Duration::from_secs(3_600), keep: Duration::from_secs(7_200) };

fn lake(store: &Counting) -> Lake {
    Lake::at(Location::on_store(Arc::new(store.clone())).unwrap())
}

fn for_lab() -> NewToken {
    NewToken {
        name: "lab gateway".into(),
        scopes: [Scope::Ingest].into(),
        feeds: Feeds::listed(["lab".to_owned()]),
        expires_at: None,
    }
}

/// A token with the id of one and the secret of another.
fn mixed(id: &Token, secret: &Token) -> Token {
    let secret = secret.reveal();
    Token::parse(&format!("cl_{}_{}", id.id(), &secret[20..])).unwrap()
}

#[tokio::test]
async fn a_token_gives_what_it_was_made_for_and_nothing_else() {
    let tokens = Tokens::at_pace(lake(&Counting::default()), SELDOM);
    let (record, token) = tokens.create(for_lab()).await.unwrap();
    let (_, other) = tokens.create(for_lab()).await.unwrap();
    let authenticator = Authenticator::required(tokens, None);

    let header = format!("bearer  {}", token.reveal());
    let principal = authenticator.authenticate(Some(&header)).await.unwrap();
    assert_eq!((principal.id.as_str(), principal.name.as_str()), (record.id.as_str(), "lab gateway"));
    assert_eq!(principal.kind, Kind::Token);
    assert!(principal.may(Scope::Ingest) && principal.may_use_feed("lab"));
    assert!(![Scope::Read, Scope::Sql, Scope::Admin].into_iter().any(|scope| principal.may(scope)));
    assert!(!principal.may_use_feed("default"));

    let unknown = Token::random().unwrap();
    let long = format!("Bearer {}", "x".repeat(20_000));
    let wrong = [
        format!("Bearer {}", mixed(&token, &other).reveal()),
        format!("Bearer {}", mixed(&unknown, &token).reveal()),
        format!("Bearer {}", unknown.reveal()),
        format!("Bearer {}x", token.reveal()),
        format!("Basic {}", token.reveal()),
        format!("Bearer{}", token.reveal()),
        token.reveal(),
        "Bearer abc".into(),
        long,
    ];
    for header in &wrong {
        let refusal = authenticator.authenticate(Some(header)).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Invalid(_)), "{refusal:?}");
        let told = format!("{refusal} {refusal:?} {}", refusal.hint());
        assert!(header.split([' ', '_']).filter(|part| part.len() > 10).all(|part| !told.contains(part)));
        assert_eq!(refusal.status(), 401);
    }
    assert_eq!(authenticator.authenticate(None).await, Err(Refusal::Missing));
    assert_eq!(authenticator.authenticate(Some("Bearer ")).await, Err(Refusal::Missing));
}

#[tokio::test]
async fn an_open_door_asks_nobody_but_a_token_that_is_sent_counts() {
    let tokens = Tokens::at_pace(lake(&Counting::default()), SELDOM);
    let (record, token) = tokens.create(for_lab()).await.unwrap();
    let authenticator = Authenticator::open(tokens, None);
    assert_eq!(authenticator.authenticate(None).await, Ok(Principal::local()));
    let principal = authenticator.authenticate(Some(&format!("Bearer {}", token.reveal()))).await.unwrap();
    assert_eq!(principal.id, record.id);
    let unknown = format!("Bearer {}", Token::random().unwrap().reveal());
    assert!(authenticator.authenticate(Some(&unknown)).await.is_err());
}

#[tokio::test]
async fn a_token_expires_to_the_moment_and_only_its_owner_is_told() {
    let tokens = Tokens::at_pace(lake(&Counting::default()), SELDOM);
    let end = (now() + 3_600_000_000) / 1_000 * 1_000;
    let (_, token) = tokens.create(NewToken { expires_at: Some(end), ..for_lab() }).await.unwrap();
    assert!(tokens.authenticate_at(&token, end - 1).await.is_ok());
    assert_eq!(tokens.authenticate_at(&token, end).await, Err(Refusal::Expired));
    let stranger = mixed(&token, &Token::random().unwrap());
    assert!(matches!(tokens.authenticate_at(&stranger, end).await, Err(Refusal::Invalid(_))));
}

#[tokio::test]
async fn what_another_process_makes_or_revokes_is_seen() {
    let store = Counting::default();
    let (here, there) = (Tokens::at_pace(lake(&store), AT_ONCE), Tokens::of(lake(&store)));
    assert!(here.authenticate(&Token::random().unwrap()).await.is_err());
    let (record, token) = there.create(for_lab()).await.unwrap();
    assert!(here.authenticate(&token).await.is_ok());
    assert!(there.revoke(&record.id).await.unwrap());
    assert_eq!(here.authenticate(&token).await, Err(Refusal::Revoked));
    assert_eq!(there.authenticate(&token).await, Err(Refusal::Revoked), "a process sees its own at once");

    let mark = lake(&store).read(&token_revoked_key(&record.id)).await.unwrap();
    assert!(!here.revoke(&record.id).await.unwrap(), "it was revoked before");
    assert_eq!(lake(&store).read(&token_revoked_key(&record.id)).await.unwrap(), mark);
    let listed = here.list().await.unwrap();
    assert_eq!(listed.iter().map(|token| token.state(now())).collect::<Vec<_>>(), [State::Revoked]);
}

#[tokio::test]
async fn the_lake_is_listed_once_for_many_requests_and_a_record_read_once_for_many_listings() {
    let store = Counting::default();
    let (_, token) = Tokens::of(lake(&store)).create(for_lab()).await.unwrap();
    let seldom = Tokens::at_pace(lake(&store), SELDOM);
    let unknown = Token::random().unwrap();
    let asked = futures::future::join_all(
        (0..200).map(|number| seldom.authenticate(if number % 2 == 0 { &token } else { &unknown })),
    );
    assert_eq!(asked.await.iter().filter(|answer| answer.is_ok()).count(), 100);
    assert_eq!((store.listings(), store.reads()), (1, 1));
    let at_once = Tokens::at_pace(lake(&store), AT_ONCE);
    for _ in 0..10 {
        at_once.authenticate(&token).await.unwrap();
    }
    assert_eq!((store.listings(), store.reads()), (1 + 10, 1 + 1));
}

#[tokio::test]
async fn a_lake_that_cannot_be_read_leaves_known_tokens_in_force_for_a_while_only() {
    let store = Counting::default();
    let patient = Tokens::at_pace(lake(&store), AT_ONCE);
    let strict = Tokens::at_pace(lake(&store), Pace { rest: Duration::ZERO, keep: Duration::from_millis(1) });
    let (_, token) = patient.create(for_lab()).await.unwrap();
    patient.authenticate(&token).await.unwrap();
    let _ = strict.authenticate(&token).await;
    store.breaks(true);
    std::thread::sleep(Duration::from_millis(2));
    patient.authenticate(&token).await.unwrap();
    let refusal = strict.authenticate(&token).await.unwrap_err();
    assert_eq!(refusal.status(), 503);
    let fresh = Tokens::at_pace(lake(&store), SELDOM);
    assert!(matches!(fresh.authenticate(&token).await, Err(Refusal::Unavailable(_))));
    let listings = store.listings();
    assert!(fresh.authenticate(&token).await.is_err());
    assert_eq!(store.listings(), listings, "a broken store is not asked at every request");
    store.breaks(false);
    patient.authenticate(&token).await.unwrap();
}

#[tokio::test]
async fn a_damaged_record_lets_nobody_in_and_harms_no_other() {
    let store = Counting::default();
    let tokens = Tokens::at_pace(lake(&store), AT_ONCE);
    let (record, token) = tokens.create(for_lab()).await.unwrap();
    let id = "0123456789abcdef";
    let kept = lake(&store).read(&token_key(&record.id)).await.unwrap();
    // The record of one token under the id of another, and one that broke off.
    lake(&store).put_new(&token_key(id), kept.clone()).await.unwrap();
    lake(&store).put_new(&token_key("00000000000000ff"), kept.slice(..kept.len() / 2)).await.unwrap();
    tokens.authenticate(&token).await.unwrap();
    let renamed = Token::parse(&token.reveal().replace(token.id(), id)).unwrap();
    assert!(matches!(tokens.authenticate(&renamed).await, Err(Refusal::Invalid(_))));
    assert_eq!(tokens.list().await.unwrap().len(), 1);
    assert!(tokens.revoke(id).await.unwrap());
}

#[tokio::test]
async fn what_would_allow_more_than_it_says_is_not_made() {
    let tokens = Tokens::of(lake(&Counting::default()));
    let refused = async |new: NewToken| tokens.create(new).await.unwrap_err();
    for name in ["", " ", "a\nb", &"x".repeat(101)] {
        assert!(matches!(refused(NewToken { name: name.into(), ..for_lab() }).await, Error::Name));
    }
    assert!(matches!(refused(NewToken { scopes: [].into(), ..for_lab() }).await, Error::NoScope));
    for scope in [Scope::Sql, Scope::Admin] {
        let error = refused(NewToken { scopes: [Scope::Read, scope].into(), ..for_lab() }).await;
        assert!(matches!(error, Error::NotByFeed(refused) if refused == scope));
    }
    let feeds = Feeds::listed(["../x".to_owned()]);
    assert!(matches!(refused(NewToken { feeds, ..for_lab() }).await, Error::Lake(_)));
    assert!(matches!(
        refused(NewToken { expires_at: Some(now()), ..for_lab() }).await,
        Error::AlreadyExpired
    ));
    assert!(tokens.list().await.unwrap().is_empty());
    assert!(matches!(tokens.revoke("0123456789abcdef").await, Err(Error::UnknownToken { .. })));
    let secret = Token::random().unwrap().reveal();
    let error = tokens.revoke(&secret).await.unwrap_err();
    assert!(matches!(error, Error::NoId) && !format!("{error} {error:?}").contains(&secret[20..]));
}
