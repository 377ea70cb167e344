//! Older states of a lake, and questions larger than the memory they may have.

use pipeline::{Input, Settings};
use query::{AsOf, Engine, Options};
use storage::{Lake, Location};
use testkit::feed::{Mix, generate};

async fn add(lake: &Lake, mix: Mix, seed: u64, count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("feed.hl7");
    std::fs::write(&path, generate(mix, seed, count)).unwrap();
    let accounting =
        pipeline::ingest(lake, Input::expand(&[path]), &Settings::default(), |_| {}).await.unwrap();
    assert_eq!(accounting.staged, count as u64);
}

async fn count(lake: &Lake, as_of: Option<AsOf>) -> Result<i64, query::Error> {
    count_of("staging", lake, as_of).await
}

async fn count_of(rows: &str, lake: &Lake, as_of: Option<AsOf>) -> Result<i64, query::Error> {
    use arrow::array::AsArray;
    let engine = Engine::open_with(lake, Options { as_of, ..Options::default() }).await?;
    let batches = engine.sql(&format!("SELECT count(*) FROM {rows}")).await?.collect().await?;
    Ok(batches[0].column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_is_asked_as_it_was() {
    let before = pipeline::time::now();
    let lake = pipeline::init(Location::memory().unwrap()).await.unwrap();
    add(&lake, Mix::Weekday, 1, 5).await;
    std::thread::sleep(std::time::Duration::from_millis(5));
    let between = pipeline::time::now();
    std::thread::sleep(std::time::Duration::from_millis(5));
    add(&lake, Mix::Weekday, 2, 7).await;
    assert_eq!(count(&lake, None).await.unwrap(), 12);
    assert_eq!(count(&lake, Some(AsOf::Version(0))).await.unwrap(), 0);
    assert_eq!(count(&lake, Some(AsOf::Moment(between))).await.unwrap(), 5);
    assert_eq!(count(&lake, Some(AsOf::Moment(pipeline::time::now()))).await.unwrap(), 12);
    assert_eq!(count(&lake, Some("2200-01-01".parse().unwrap())).await.unwrap(), 12);
    let error = count(&lake, Some(AsOf::Moment(before - 1_000_000))).await.unwrap_err();
    assert_eq!(error.to_string(), "the lake was made after that time");
    let error = count(&lake, Some(AsOf::Version(99))).await.unwrap_err();
    assert_eq!(error.to_string(), "the table staging/table has no version 99");
    assert!("soon".parse::<AsOf>().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_and_errors_are_those_of_the_same_moment() {
    let lake = pipeline::init(Location::memory().unwrap()).await.unwrap();
    add(&lake, Mix::Weekday, 1, 3).await;
    std::thread::sleep(std::time::Duration::from_millis(5));
    let before = Some(AsOf::Moment(pipeline::time::now()));
    std::thread::sleep(std::time::Duration::from_millis(5));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("unreadable.hl7");
    std::fs::write(&path, "MSH|\rPID|1\r").unwrap();
    let accounting =
        pipeline::ingest(&lake, Input::expand(&[path]), &Settings::default(), |_| {}).await.unwrap();
    assert_eq!((accounting.received, accounting.error), (1, 1));
    add(&lake, Mix::Weekday, 2, 4).await;
    let failed = "receipts WHERE fate = 'error'";
    for (rows, then, now) in [("receipts", 3, 8), ("errors", 0, 1), (failed, 0, 1), ("staging", 3, 7)] {
        assert_eq!(count_of(rows, &lake, before).await.unwrap(), then, "{rows}");
        assert_eq!(count_of(rows, &lake, None).await.unwrap(), now, "{rows}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn control_ids_that_a_sender_used_again_are_listed() {
    let lake = pipeline::init(Location::memory().unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sent = |sender: &str, control_id: &str, sex: &str| {
        format!("MSH|^~\\&|{sender}|N|||2024||ADT^A08^ADT_A01|{control_id}|P|2.5\rPID|1||P1|||||{sex}\r")
    };
    let messages = [
        ("ADT", "1", "F"),
        ("ADT", "1", "M"),
        ("ADT", "1", "M"),
        ("LAB", "1", "F"),
        ("LAB", "", "F"),
        ("LAB", "", "M"),
    ];
    for (number, (sender, control_id, sex)) in messages.into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.hl7"));
        std::fs::write(&path, sent(sender, control_id, sex)).unwrap();
        pipeline::ingest(&lake, Input::expand(&[path]), &Settings::default(), |_| {}).await.unwrap();
    }
    let engine = Engine::open(&lake).await.unwrap();
    let query = "SELECT r.sending_application, r.messages, s.pid.administrative_sex FROM reused_control_ids r
        JOIN staging s ON s.message_id = r.message_id ORDER BY 3";
    let rows = engine.sql(query).await.unwrap().collect().await.unwrap();
    let rows = arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string();
    let lines: Vec<Vec<&str>> =
        rows.lines().skip(3).map(|line| line.split('|').map(str::trim).collect()).collect();
    assert_eq!(lines[0][1..4], ["ADT", "2", "F"], "{rows}");
    assert_eq!(lines[1][1..4], ["ADT", "2", "M"], "{rows}");
    assert_eq!(lines.len(), 3, "{rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_memory_is_sorted_on_disk() {
    let lake = pipeline::init(Location::memory().unwrap()).await.unwrap();
    add(&lake, Mix::Weekday, 1, 3_000).await;
    let options = Options { memory: Some(24 << 20), ..Options::default() };
    let engine = Engine::open_with(&lake, options).await.unwrap();
    let query = "SELECT raw_key, sha256, segment_ids, pid, pv1 FROM staging ORDER BY sha256";
    let plan = engine.sql(&format!("EXPLAIN ANALYZE {query}")).await.unwrap().collect().await.unwrap();
    let plan = arrow::util::pretty::pretty_format_batches(&plan).unwrap().to_string();
    assert!(
        plan.contains("spill_count=") && !plan.contains("SortExec: ") | !plan.contains("spill_count=0"),
        "{plan}"
    );
    let rows = engine.sql(query).await.unwrap().collect().await.unwrap();
    assert_eq!(rows.iter().map(|batch| batch.num_rows()).sum::<usize>(), 3_000);
}
