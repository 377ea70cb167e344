//! The table `audit`: for those who may see it, and nobody else.

use object_store::ObjectStoreExt;
use pipeline::audit::{Access, Action, Audit, Entity, Outcome, Who, WhoKind};
use query::{Engine, Options};
use storage::{Lake, Location};

/// A lake with four events of January 2026, and one of a year before, in one chain.
pub(crate) async fn audited_lake() -> Lake {
    let lake = pipeline::init(Location::memory().unwrap()).await.unwrap();
    let audit = Audit::open(&lake, "carelake test");
    let ann = || Who { id: "1000".into(), name: "Ann".into(), kind: WhoKind::Local };
    let nurse = || Who { id: "t-7".into(), name: "ward 3".into(), kind: WhoKind::Token };
    let events = [
        Access::new(Action::AuditStarted, ann(), "local"),
        Access::new(Action::Query, ann(), "local").about(Entity::Query("SELECT 'é' FROM staging".into())),
        Access::new(Action::ViewMessage, nurse(), "10.0.0.7")
            .about(Entity::Message("0123456789abcdef0123456789abcdef".into()))
            .about(Entity::Feed("lab".into())),
        Access::new(Action::Export, nurse(), "10.0.0.7:5123")
            .about(Entity::Query("SELECT * FROM staging".into()))
            .about(Entity::Feed("lab".into()))
            .with_outcome(Outcome::Failed),
        Access::new(Action::TokenRevoked, ann(), "local").about(Entity::Token("t-7".into())),
    ];
    let moments = [
        "2025-01-31T12:00:00Z",
        "2026-01-31T12:00:00.250Z",
        "2026-01-31T12:00:01Z",
        "2026-01-31T12:00:02Z",
        "2026-01-31T12:00:03Z",
    ];
    for (event, moment) in events.into_iter().zip(moments) {
        let at = pipeline::time::parse(moment).unwrap();
        audit.record(Access { at, ..event }).await.unwrap();
    }
    lake
}

pub(crate) async fn engine(lake: &Lake) -> Engine {
    Engine::open_with(lake, Options { audit: true, ..Options::default() }).await.unwrap()
}

async fn rows(engine: &Engine, query: &str) -> String {
    let batches = engine.sql(query).await.unwrap().collect().await.unwrap();
    arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_see_it_finds_no_trace_of_the_table() {
    let lake = audited_lake().await;
    let engine = Engine::open(&lake).await.unwrap();
    let error = engine.sql("SELECT * FROM audit").await.unwrap_err();
    assert_eq!(error.to_string(), "no table audit");
    assert!(!error.hint().unwrap_or_default().contains("audit"), "{error:?}");
    for query in ["SELECT * FROM lake.main.audit", "DESCRIBE audit", "SELECT * FROM ledger.audit"] {
        assert!(engine.sql(query).await.is_err(), "{query}");
    }
    assert!(!rows(&engine, "SHOW TABLES").await.contains("audit"));
    assert!(!engine.names_below("").contains(&"audit".to_owned()));
    assert!(engine.tables().await.unwrap().iter().all(|table| table.name != "audit"));
    // Nor do the bytes come in by another door.
    let key = lake.list(&storage::audit_prefix()).await.unwrap().remove(0).key;
    for key in [key.to_string(), storage::marker_key().to_string()] {
        let query = format!("SELECT hl7_raw('{key}', 0, 1) AS bytes FROM (VALUES (1)) AS one(x)");
        let batches = engine.sql(&query).await.unwrap().collect().await.unwrap();
        assert_eq!(batches[0].column(0).null_count(), 1, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_see_it_finds_it_everywhere() {
    let lake = audited_lake().await;
    let engine = engine(&lake).await;
    assert!(engine.names_below("").contains(&"audit".to_owned()));
    let tables = engine.tables().await.unwrap();
    let audit = tables.iter().find(|table| table.name == "audit").unwrap();
    assert_eq!(audit.rows, Some(6));
    let columns = engine.columns("audit").await.unwrap();
    assert_eq!(columns.iter().find(|column| column.name == "recorded").unwrap().filled, 6);
    let error = engine.sql("SELECT * FROM adit").await.unwrap_err();
    assert!(error.hint().unwrap().contains("audit"), "{error:?}");
    // Place by place, it is what the lines say.
    let chained =
        rows(&engine, "SELECT count(DISTINCT chain), min(length(hash)), count(DISTINCT hash) FROM audit")
            .await;
    assert!(chained.contains("| 64") && chained.contains("| 5"), "{chained}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_recorded_after_the_lake_was_opened_is_found_and_what_is_damaged_is_not_hidden() {
    let lake = pipeline::init(Location::memory().unwrap()).await.unwrap();
    let engine = engine(&lake).await;
    assert!(rows(&engine, "SELECT count(*) FROM audit").await.contains("| 0 "));
    let who = Who { id: "1".into(), name: "Ann".into(), kind: WhoKind::Oidc };
    let audit = Audit::open(&lake, "test");
    audit.record(Access::new(Action::SignIn, who, "::1")).await.unwrap();
    let now = "SELECT action, address FROM audit WHERE recorded > now() - INTERVAL '1 hour'";
    assert!(rows(&engine, now).await.contains("| sign_in | ::1 "));
    let key = lake.list(&storage::audit_prefix()).await.unwrap().remove(0).key;
    lake.store().put(&key, "no JSON\n{}\n".into()).await.unwrap();
    let damaged =
        rows(&engine, "SELECT count(*) FROM audit WHERE action = 'unreadable' AND chain <> ''").await;
    assert!(damaged.contains("| 2 "), "{damaged}");
}
