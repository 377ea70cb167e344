//! What a query reads of files in which nearly everything is embedded documents: less than a hundredth.

use pipeline::{FeedRules, Input, Settings};
use query::Engine;
use storage::{Lake, Location};
use testkit::feed::{Mix, generate};

async fn lake_of_documents() -> Lake {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("documents.hl7");
    std::fs::write(&path, generate(Mix::Documents, 1, 6)).unwrap();
    let lake = pipeline::init(Location::memory().unwrap()).await.unwrap();
    let inputs = Input::expand(&[path]);
    pipeline::ingest(&lake, inputs, &Settings::default(), |_| {}).await.unwrap();
    lake
}

/// Bytes that a query's scans read, as its own plan counts them.
async fn bytes_scanned(engine: &Engine, query: &str) -> u64 {
    let answer = engine.sql(&format!("EXPLAIN ANALYZE {query}")).await.unwrap().collect().await.unwrap();
    let plan = arrow::util::pretty::pretty_format_batches(&answer).unwrap().to_string();
    let counts = plan.split("bytes_scanned=").skip(1).map(|text| {
        let text = text.split([',', ']']).next().unwrap();
        let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
        let unit = match unit.trim() {
            "" | "B" => 1.0,
            "K" => 1e3,
            "M" => 1e6,
            unit => panic!("unit {unit}"),
        };
        (number.parse::<f64>().unwrap() * unit) as u64
    });
    let counts: Vec<u64> = counts.collect();
    assert!(!counts.is_empty(), "no scan in the plan of {query}");
    counts.iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_leaves_a_query_names_are_read() {
    let lake = lake_of_documents().await;
    let table = lake.list(&storage::staging_table()).await.unwrap();
    let all: u64 =
        table.iter().filter(|file| file.key.as_ref().ends_with(".parquet")).map(|file| file.size).sum();
    let engine = Engine::open(&lake).await.unwrap();
    assert!(
        bytes_scanned(&engine, "SELECT * FROM staging").await > all / 2,
        "everything is read when all is asked"
    );
    for query in [
        "SELECT msh.message_control_id FROM staging",
        "SELECT pid.patient_name.given_name FROM staging",
        "SELECT pid.patient_name[2].given_name FROM staging WHERE pid.administrative_sex = 'F'",
        "SELECT set_id FROM segments.obx",
        "SELECT obx.set_id FROM staging",
        "SELECT obx[1].set_id FROM staging ORDER BY control_id",
        "SELECT control_id FROM staging WHERE obx IS NOT NULL",
        "SELECT sum(cardinality(obx)) FROM staging",
        "SELECT count(*) FROM staging WHERE any_match(obx.set_id, x -> x = '1')",
        "SELECT obx[1].observation_identifier.identifier AS code, count(*) FROM staging GROUP BY 1",
        "WITH a AS (SELECT * FROM staging) SELECT a.obx.set_id FROM a",
        "SELECT a.obx.set_id FROM staging a JOIN staging b ON a.message_id = b.message_id",
        "SELECT s.codes FROM (SELECT obx.observation_identifier.identifier AS codes FROM staging) s LIMIT 3",
    ] {
        let read = bytes_scanned(&engine, query).await;
        assert!(read < all / 100, "{query} reads {read} of {all} bytes");
    }
}

async fn plan(engine: &Engine, query: &str) -> String {
    let answer = engine.sql(&format!("EXPLAIN ANALYZE {query}")).await.unwrap().collect().await.unwrap();
    arrow::util::pretty::pretty_format_batches(&answer).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_leave_files_out_and_the_log_counts() {
    let lake = pipeline::init(Location::memory().unwrap()).await.unwrap();
    for seed in 1..4 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.hl7");
        std::fs::write(&path, generate(Mix::Weekday, seed, 20)).unwrap();
        let settings =
            Settings { feed: FeedRules::named(&format!("feed{seed}")).into(), ..Settings::default() };
        pipeline::ingest(&lake, Input::expand(&[path]), &settings, |_| {}).await.unwrap();
    }
    let engine = Engine::open(&lake).await.unwrap();
    let files = |plan: &str| plan.matches(".parquet").count();
    let all = plan(&engine, "SELECT control_id FROM staging").await;
    assert_eq!(files(&all), 3, "{all}");
    let one = plan(&engine, "SELECT control_id FROM staging WHERE feed = 'feed2'").await;
    assert_eq!(files(&one), 1, "{one}");
    let none = plan(&engine, "SELECT control_id FROM staging WHERE received_at < '2001-01-01'").await;
    assert_eq!(files(&none), 0, "{none}");
    let some = plan(&engine, "SELECT control_id FROM staging WHERE received_at > '2001-01-01'").await;
    assert_eq!(files(&some), 3, "{some}");
    // In every file's range of control IDs, and in no file: the Bloom filters know.
    let filtered = plan(&engine, "SELECT sha256 FROM staging WHERE control_id = 'no such id'").await;
    assert!(filtered.contains("bloom"), "{filtered}");
    let counted = plan(&engine, "SELECT count(*) FROM staging").await;
    assert_eq!(files(&counted), 0, "{counted}");
}
