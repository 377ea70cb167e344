//! Tokens of an identity provider on this machine: good ones, and every way in which one can be bad.

mod identity;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, encode, get_current_timestamp};
use serde_json::{Value, json};

use self::identity::{Identity, Signer};
use super::*;
use crate::auth::{Feeds, Kind, Scope};

fn settings(identity: &Identity) -> OidcSettings {
    OidcSettings {
        audiences: vec!["lake".into(), "lake-2".into()],
        scopes: [
            ("lake.send".to_owned(), [Scope::Ingest].into()),
            ("lake.look".to_owned(), [Scope::Read, Scope::Sql].into()),
        ]
        .into(),
        ..OidcSettings::new(&identity.issuer)
    }
}

/// A good token's claims, changed; what is changed to null is left out.
fn claims(identity: &Identity, changes: &Value) -> Value {
    let now = get_current_timestamp();
    let mut claims = json!({
        "iss": identity.issuer, "aud": "lake", "sub": "user-1", "preferred_username": "anna",
        "iat": now, "exp": now + 600, "scope": "openid lake.send",
    });
    let members = claims.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    claims
}

#[track_caller]
fn assert_invalid(answer: &Result<Principal, Refusal>, word: &str) {
    assert!(matches!(answer, Err(Refusal::Invalid(reason)) if reason.contains(word)), "{word}: {answer:?}");
}

#[tokio::test]
async fn good_tokens_of_every_kind_of_key_are_recognised() {
    let signers = [
        Signer::new("rs", Algorithm::RS256),
        Signer::new("ps", Algorithm::PS256),
        Signer::new("es", Algorithm::ES256),
        Signer::new("ed", Algorithm::EdDSA),
    ];
    let identity = Identity::with(&signers.each_ref()).await;
    let oidc = Oidc::open(settings(&identity)).unwrap();
    for signer in &signers {
        let token = signer.sign(&claims(&identity, &json!({})));
        let principal = oidc.authenticate(&token).await.unwrap();
        assert_eq!((principal.id.as_str(), principal.name.as_str()), ("user-1", "anna"));
        assert_eq!((principal.kind, principal.feeds), (Kind::Oidc, Feeds::All));
        assert_eq!(principal.scopes, [Scope::Ingest].into());
        // Without a key id every key of the algorithm is tried.
        let header = Header { kid: None, ..signer.header() };
        oidc.authenticate(&signer.sign_as(&header, &claims(&identity, &json!({})))).await.unwrap();
    }
    assert_eq!(identity.asked(), 1);
}

#[tokio::test]
async fn tokens_that_are_not_good_are_refused_and_not_told() {
    let signer = Signer::new("k", Algorithm::ES256);
    let identity = Identity::with(&[&signer]).await;
    let oidc = Oidc::open(settings(&identity)).unwrap();
    let now = get_current_timestamp();
    let bad_claims = [
        (json!({"iss": "https://other.example"}), "another provider"),
        (json!({"iss": [identity.issuer, "https://other.example"]}), "another provider"),
        (json!({"iss": null}), "another provider"),
        (json!({"aud": "other"}), "another audience"),
        (json!({"aud": ["other", "more"]}), "another audience"),
        (json!({"aud": []}), "another audience"),
        (json!({"aud": null}), "no audience"),
        (json!({"aud": null, "client_id": "gateway", "token_use": "access"}), "no audience"),
        (json!({"exp": null}), "no expiry"),
        (json!({"exp": "tomorrow"}), "no expiry"),
        (json!({"nbf": now + 300}), "not valid yet"),
        (json!({"sub": null}), "whose it is"),
        (json!({"sub": "x".repeat(256)}), "too long"),
        (json!({"sub": "a\nb"}), "not printable"),
    ];
    for (changes, word) in &bad_claims {
        let token = signer.sign(&claims(&identity, changes));
        let answer = oidc.authenticate(&token).await;
        assert_invalid(&answer, word);
        let told = format!("{answer:?} {}", answer.as_ref().unwrap_err());
        assert!(token.split('.').all(|part| !told.contains(part)) && !told.contains("user-1"));
    }
    let old = signer.sign(&claims(&identity, &json!({"exp": now - 31})));
    assert_eq!(oidc.authenticate(&old).await, Err(Refusal::Expired));
    let leeway =
        signer.sign(&claims(&identity, &json!({"exp": now - 5, "nbf": now + 5, "aud": ["x", "lake-2"]})));
    oidc.authenticate(&leeway).await.unwrap();
}

#[tokio::test]
async fn signatures_that_are_not_good_are_refused() {
    let signer = Signer::new("k", Algorithm::RS256);
    let small = Signer::new("e", Algorithm::ES256);
    let identity = Identity::with(&[&signer, &small]).await;
    let (other, mut header) = (Signer::new("k", Algorithm::RS256), signer.header());
    let good = claims(&identity, &json!({}));
    let oidc = Oidc::open(settings(&identity)).unwrap();
    assert_invalid(&oidc.authenticate(&other.sign(&good)).await, "signature");

    let token = signer.sign(&good);
    let parts: Vec<&str> = token.split('.').collect();
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let more = text(&claims(&identity, &json!({"scope": "lake.look"})));
    assert_invalid(&oidc.authenticate(&format!("{}.{more}.{}", parts[0], parts[2])).await, "signature");
    assert_invalid(&oidc.authenticate(&format!("{}.{}.", parts[0], parts[1])).await, "signature");

    for name in ["none", "None", "NONE", "HS1", "ES512"] {
        let unsigned = format!("{}.{}.", text(&json!({"alg": name, "kid": "k"})), parts[1]);
        assert_invalid(&oidc.authenticate(&unsigned).await, "in a way that is not known");
    }
    // The old trick: the public key, which everybody has, as the secret of a symmetric signature.
    for secret in [signer.published(&json!({})).to_string(), "k".into(), String::new()] {
        let symmetric = Header { kid: Some("k".into()), ..Header::new(Algorithm::HS256) };
        let token = encode(&symmetric, &good, &EncodingKey::from_secret(secret.as_bytes())).unwrap();
        assert_invalid(&oidc.authenticate(&token).await, "not allowed");
    }
    header.alg = Algorithm::RS384;
    assert_invalid(&oidc.authenticate(&signer.sign_as(&header, &good)).await, "not allowed");
    let crit = Header { crit: Some(vec!["exp".into()]), ..signer.header() };
    assert_invalid(&oidc.authenticate(&signer.sign_as(&crit, &good)).await, "extension");
    // A key id that names a key of another kind.
    let crossed = Header { kid: Some("k".into()), ..small.header() };
    assert_invalid(&oidc.authenticate(&small.sign_as(&crossed, &good)).await, "does not publish");
    for garbage in ["", ".", "..", "a.b.c", "a.b", "a.b.c.d", "é.é.é"] {
        assert_invalid(&oidc.authenticate(garbage).await, "no JWT");
    }
    oidc.authenticate(&token).await.unwrap();
}

#[tokio::test]
async fn keys_that_are_not_for_signatures_of_that_kind_are_not_used() {
    let signer = Signer::new("k", Algorithm::RS256);
    let identity = Identity::with(&[]).await;
    let settings = OidcSettings { refetch_after: Duration::ZERO, ..settings(&identity) };
    let token = signer.sign(&claims(&identity, &json!({})));
    for members in [
        json!({"use": "enc"}),
        json!({"key_ops": ["encrypt"]}),
        json!({"alg": "PS256"}),
        json!({"alg": "RSA-OAEP"}),
        json!({"alg": "ES256"}),
        json!({"kid": "K"}),
        json!({"kty": "oct", "k": "AAAA"}),
        json!({"kty": "new"}),
    ] {
        identity.publish(vec![signer.published(&members)]);
        let oidc = Oidc::open(settings.clone()).unwrap();
        assert_invalid(&oidc.authenticate(&token).await, "does not publish");
    }
    // Keys that cannot be read stand in nobody's way.
    let good = signer.published(&json!({"alg": "RS256", "key_ops": ["verify"], "x5t": "?"}));
    identity.publish(vec![json!("?"), json!({"kty": "RSA"}), json!({}), good]);
    Oidc::open(settings).unwrap().authenticate(&token).await.unwrap();
}

#[tokio::test]
async fn access_tokens_without_an_audience_are_recognised_by_their_client_if_the_settings_say_so() {
    let signer = Signer::new("k", Algorithm::ES256);
    let identity = Identity::with(&[&signer]).await;
    let settings =
        OidcSettings { audiences: Vec::new(), clients: vec!["gateway".into()], ..settings(&identity) };
    let oidc = Oidc::open(settings).unwrap();
    let access =
        json!({"aud": null, "client_id": "gateway", "token_use": "access", "preferred_username": null});
    let with = |changes: Value| {
        let mut claims = claims(&identity, &access);
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        signer.sign(&claims)
    };
    let principal = oidc.authenticate(&with(json!({}))).await.unwrap();
    assert_eq!((principal.id.as_str(), principal.name.as_str()), ("user-1", "gateway"));
    assert_invalid(&oidc.authenticate(&with(json!({"client_id": "other"}))).await, "no audience");
    assert_invalid(&oidc.authenticate(&with(json!({"token_use": "id"}))).await, "no audience");
    assert_invalid(&oidc.authenticate(&with(json!({"aud": "gateway"}))).await, "another audience");
}

#[tokio::test]
async fn keys_rotate_and_the_provider_is_asked_for_a_new_one_but_not_by_a_flood() {
    let (first, second) = (Signer::new("1", Algorithm::ES256), Signer::new("2", Algorithm::ES256));
    let identity = Identity::with(&[&first]).await;
    let quick = Oidc::open(OidcSettings { refetch_after: Duration::ZERO, ..settings(&identity) }).unwrap();
    let slow = Oidc::open(OidcSettings { refetch_after: Duration::from_secs(3_600), ..settings(&identity) })
        .unwrap();
    let (old, new) =
        (first.sign(&claims(&identity, &json!({}))), second.sign(&claims(&identity, &json!({}))));
    for oidc in [&quick, &slow] {
        oidc.authenticate(&old).await.unwrap();
    }
    identity.publish(vec![second.published(&json!({}))]);
    quick.authenticate(&new).await.unwrap();
    assert_invalid(&quick.authenticate(&old).await, "does not publish");

    let asked = identity.asked();
    let flood = futures::future::join_all((0..200).map(|_| slow.authenticate(&new))).await;
    flood.iter().for_each(|answer| assert_invalid(answer, "does not publish"));
    assert_eq!(identity.asked(), asked);
    let fresh = Oidc::open(OidcSettings { refetch_after: Duration::from_secs(3_600), ..settings(&identity) })
        .unwrap();
    let flood = futures::future::join_all((0..200).map(|_| fresh.authenticate(&new))).await;
    assert!(flood.iter().all(Result::is_ok));
    assert_eq!(identity.asked(), asked + 1);
}

#[tokio::test]
async fn known_keys_stay_in_force_while_the_provider_is_down() {
    let (signer, other) = (Signer::new("1", Algorithm::ES256), Signer::new("2", Algorithm::ES256));
    let identity = Identity::with(&[&signer]).await;
    let settings =
        OidcSettings { refetch_after: Duration::ZERO, keys_last: Duration::ZERO, ..settings(&identity) };
    let oidc = Oidc::open(settings.clone()).unwrap();
    let token = signer.sign(&claims(&identity, &json!({})));
    oidc.authenticate(&token).await.unwrap();

    identity.is_down(true);
    let asked = identity.asked();
    until(async || {
        oidc.authenticate(&token).await.unwrap();
        identity.asked() > asked + 3
    })
    .await;
    let unknown = other.sign(&claims(&identity, &json!({})));
    let refusal = oidc.authenticate(&unknown).await.unwrap_err();
    assert_eq!(refusal.status(), 503, "whether an unknown key is good is not known");
    let refusal = Oidc::open(settings.clone()).unwrap().authenticate(&token).await.unwrap_err();
    assert_eq!(refusal.status(), 503);

    // Up again, the keys are renewed in the background, and one that was withdrawn is out.
    identity.is_down(false);
    identity.publish(vec![other.published(&json!({}))]);
    until(async || oidc.authenticate(&token).await.is_err()).await;
    oidc.authenticate(&unknown).await.unwrap();

    let nobody = OidcSettings { issuer: "http://127.0.0.1:1".into(), ..settings };
    let refusal = Oidc::open(nobody).unwrap().authenticate(&token).await.unwrap_err();
    assert_eq!(refusal.status(), 503);
}

/// Waits for what happens in the background.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < Duration::from_secs(10), "it did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_provider_that_publishes_what_it_should_not_is_none() {
    let signer = Signer::new("k", Algorithm::ES256);
    let identity = Identity::with(&[&signer]).await;
    let token = signer.sign(&claims(&identity, &json!({})));
    let keys = identity.issuer.replace("/realm", "/keys");
    for members in [
        json!({"issuer": "https://other.example"}),
        json!({"issuer": format!("{}/", identity.issuer)}),
        json!({"jwks_uri": keys.replace("127.0.0.1", "127.0.0.1.example")}),
        json!({"jwks_uri": "file:///etc/passwd"}),
        json!({"jwks_uri": format!("{keys}/gone")}),
        json!({"jwks_uri": null}),
        json!({"filler": "x".repeat(2 << 20)}),
    ] {
        identity.discover(&members);
        let refusal = Oidc::open(settings(&identity)).unwrap().authenticate(&token).await.unwrap_err();
        assert_eq!(refusal.status(), 503, "{refusal}");
    }
    identity.discover(&json!({}));
    Oidc::open(settings(&identity)).unwrap().authenticate(&token).await.unwrap();
}

#[tokio::test]
async fn claims_are_mapped_to_scopes_feeds_and_names() {
    let signer = Signer::new("k", Algorithm::ES256);
    let identity = Identity::with(&[&signer]).await;
    let cases = [
        ("scope", json!({"scope": "lake.look  lake.send x"}), "ingest read sql"),
        ("scope", json!({"scope": ["lake.look", 7]}), "read sql"),
        ("scope", json!({"scope": "lake.sender LAKE.SEND admin"}), ""),
        ("scope", json!({"scope": null}), ""),
        ("realm_access.roles", json!({"realm_access": {"roles": ["lake.send"]}}), "ingest"),
        ("realm_access.roles", json!({"realm_access": ["lake.send"]}), ""),
        ("https://a.example/roles", json!({"https://a.example/roles": "lake.send"}), "ingest"),
        ("cognito:groups", json!({"cognito:groups": ["lake.look"]}), "read sql"),
    ];
    for (claim, changes, expected) in cases {
        let oidc = Oidc::open(OidcSettings { scope_claim: claim.into(), ..settings(&identity) }).unwrap();
        let principal = oidc.authenticate(&signer.sign(&claims(&identity, &changes))).await.unwrap();
        let scopes: Vec<&str> = principal.scopes.iter().map(|scope| scope.name()).collect();
        assert_eq!(scopes.join(" "), expected, "{changes}");
    }
    let with_feeds = OidcSettings {
        feeds_claim: Some("feeds".into()),
        name_claim: Some("profile.name".into()),
        ..settings(&identity)
    };
    let oidc = Oidc::open(with_feeds).unwrap();
    let feeds = [
        (json!({"feeds": ["lab", "adt"]}), "adt,lab"),
        (json!({"feeds": "lab adt"}), "adt,lab"),
        (json!({"feeds": ["lab", "*"]}), "all"),
        (json!({"feeds": []}), ""),
        (json!({}), ""),
    ];
    for (changes, expected) in feeds {
        let principal = oidc.authenticate(&signer.sign(&claims(&identity, &changes))).await.unwrap();
        assert_eq!((principal.feeds.to_string().as_str(), principal.name.as_str()), (expected, "user-1"));
        assert_eq!(principal.may_use_feed("adt"), !expected.is_empty());
    }
    let named = json!({"profile": {"name": format!("Anna\n{}", "x".repeat(500))}});
    let principal = oidc.authenticate(&signer.sign(&claims(&identity, &named))).await.unwrap();
    assert_eq!(principal.name, format!("Anna{}", "x".repeat(196)));
}

#[test]
fn settings_that_would_let_in_too_many_are_refused() {
    let good = OidcSettings {
        audiences: vec!["lake".into()],
        scopes: [("a".to_owned(), [Scope::Read].into())].into(),
        ..OidcSettings::new("https://login.example/realm")
    };
    Oidc::open(good.clone()).unwrap();
    let algorithms =
        |name: &str| OidcSettings { algorithms: vec!["RS256".into(), name.into()], ..good.clone() };
    for (settings, key) in [
        (OidcSettings { issuer: "http://login.example".into(), ..good.clone() }, "issuer"),
        (OidcSettings { issuer: "login.example".into(), ..good.clone() }, "issuer"),
        (OidcSettings { issuer: "http://localhost.example".into(), ..good.clone() }, "issuer"),
        (OidcSettings { audiences: Vec::new(), ..good.clone() }, "audiences"),
        (OidcSettings { scopes: [("a".to_owned(), [].into())].into(), ..good.clone() }, "scopes"),
        (OidcSettings { leeway: Duration::from_secs(301), ..good.clone() }, "leeway"),
        (OidcSettings { algorithms: Vec::new(), ..good.clone() }, "algorithms"),
        (algorithms("none"), "algorithms"),
        (algorithms("HS256"), "algorithms"),
        (algorithms("rs256"), "algorithms"),
    ] {
        let error = Oidc::open(settings).unwrap_err();
        assert!(error.to_string().starts_with(key) && error.hint().is_some(), "{error}");
    }
}
