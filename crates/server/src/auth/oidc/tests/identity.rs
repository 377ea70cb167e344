//! An identity provider on this machine, with keys made for the test.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::KeyPair;
use serde_json::{Value, json};

/// A key with which tokens are signed.
pub(super) struct Signer {
    pub(super) id: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
    jwk: Value,
}

impl Signer {
    pub(super) fn new(id: &'static str, algorithm: Algorithm) -> Self {
        let kind = match algorithm {
            Algorithm::ES256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Algorithm::ES384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Algorithm::EdDSA => &rcgen::PKCS_ED25519,
            _ => &rcgen::PKCS_RSA_SHA256,
        };
        let pair = KeyPair::generate_for(kind).unwrap();
        let (pem, public) = (pair.serialize_pem(), pair.public_key_raw());
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (key, mut jwk) = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => {
                let (x, y) = public[1..].split_at(public.len() / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                let jwk = json!({"kty": "EC", "crv": curve, "x": text(x), "y": text(y)});
                (EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(), jwk)
            }
            Algorithm::EdDSA => {
                let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": text(public)});
                (EncodingKey::from_ed_der(&pair.serialize_der()), jwk)
            }
            _ => {
                let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
                let jwk = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
                (key, jwk)
            }
        };
        jwk.as_object_mut().unwrap().remove("alg");
        jwk["kid"] = id.into();
        jwk["use"] = "sig".into();
        Self { id, algorithm, key, jwk }
    }

    /// The public key as published, with further members.
    pub(super) fn published(&self, members: &Value) -> Value {
        let mut jwk = self.jwk.clone();
        jwk.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        jwk
    }

    pub(super) fn header(&self) -> Header {
        Header { kid: Some(self.id.into()), ..Header::new(self.algorithm) }
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    pub(super) fn sign_as(&self, header: &Header, claims: &Value) -> String {
        encode(header, claims, &self.key).unwrap()
    }
}

/// The provider: what it publishes can be changed, and it can fail.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) issuer: String,
    published: Arc<Published>,
}

#[derive(Default)]
struct Published {
    discovery: Mutex<Value>,
    keys: Mutex<Vec<Value>>,
    is_down: AtomicBool,
    asked: AtomicUsize,
}

impl Identity {
    pub(super) async fn with(signers: &[&Signer]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/realm", listener.local_addr().unwrap());
        let identity = Self { issuer, published: Arc::default() };
        identity.discover(&json!({}));
        identity.publish(signers.iter().map(|signer| signer.published(&json!({}))).collect());
        let router = Router::new()
            .route("/realm/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .with_state(identity.published.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        identity
    }

    /// Changes members of the discovery document.
    pub(super) fn discover(&self, members: &Value) {
        let keys = self.issuer.replace("/realm", "/keys");
        let mut document = json!({"issuer": self.issuer, "jwks_uri": keys});
        document.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        *self.published.discovery.lock().unwrap() = document;
    }

    pub(super) fn publish(&self, keys: Vec<Value>) {
        *self.published.keys.lock().unwrap() = keys;
    }

    pub(super) fn is_down(&self, is_down: bool) {
        self.published.is_down.store(is_down, Ordering::SeqCst);
    }

    /// How often it was asked for its discovery document.
    pub(super) fn asked(&self) -> usize {
        self.published.asked.load(Ordering::SeqCst)
    }
}

async fn discovery(State(published): State<Arc<Published>>) -> Result<Json<Value>, StatusCode> {
    published.asked.fetch_add(1, Ordering::SeqCst);
    if published.is_down.load(Ordering::SeqCst) {
        return Err(StatusCode::BAD_GATEWAY);
    }
    Ok(Json(published.discovery.lock().unwrap().clone()))
}

async fn keys(State(published): State<Arc<Published>>) -> Json<Value> {
    Json(json!({"keys": *published.keys.lock().unwrap()}))
}
