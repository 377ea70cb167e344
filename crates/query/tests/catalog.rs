//! The catalog: what each column is in HL7, how often it is filled, and since when.

use query::{ColumnEntry, Engine};

use crate::sql::lake_of_messages;

#[tokio::test(flavor = "multi_thread")]
async fn tables_tell_how_many_rows_they_have() {
    let engine = Engine::open(&lake_of_messages().await).await.unwrap();
    let tables = engine.tables().await.unwrap();
    assert!(tables.iter().any(|table| table.name == "segments.obx"), "{tables:?}");
    for table in tables {
        let rows =
            engine.sql(&format!("SELECT * FROM {}", table.name)).await.unwrap().collect().await.unwrap();
        let rows = rows.iter().map(|batch| batch.num_rows()).sum();
        assert_eq!(table.rows, Some(rows), "{}", table.name);
    }
}

fn entry<'c>(columns: &'c [ColumnEntry], name: &str) -> &'c ColumnEntry {
    columns.iter().find(|column| column.name == name).unwrap_or_else(|| panic!("no {name}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_tell_what_they_are_and_how_often_they_are_filled() {
    let engine = Engine::open(&lake_of_messages().await).await.unwrap();
    let columns = engine.columns("staging").await.unwrap();

    let family = entry(&columns, "pid.patient_name.family_name.surname");
    assert_eq!((family.path.as_str(), family.data_type, family.of), ("PID-5.1.1", "text", 5));
    assert!(family.rows > 0 && family.rows <= 5 && family.filled >= family.rows, "{family:?}");
    assert!(family.since.is_some());

    let set_id = entry(&columns, "obx.set_id_obx");
    assert_eq!(set_id.path, "OBX-1");
    assert!(!set_id.hl7_type.is_empty());
    assert_eq!((set_id.filled, set_id.rows), (4, 2));

    let first = entry(&columns, "received_at");
    assert_eq!((first.data_type, first.path.as_str(), first.filled), ("time", "", 5));
    let unused = entry(&columns, "pid.patient_name.degree");
    assert_eq!((unused.filled, unused.rows, unused.since), (0, 0, None));

    let columns = engine.columns("segments.obx").await.unwrap();
    let set_id = entry(&columns, "set_id_obx");
    assert_eq!((set_id.path.as_str(), set_id.filled, set_id.rows, set_id.of), ("OBX-1", 4, 4, 4));
    assert!(set_id.since.is_some());
    let columns = engine.columns("segments.pid").await.unwrap();
    assert_eq!(entry(&columns, "patient_identifier_list.id_number").of, 6, "further patients count too");

    for table in [
        "errors",
        "receipts",
        "reused_control_ids",
        "raw_objects",
        "ops.feeds",
        "ops.feed_volume",
        "ops.receipts",
    ] {
        assert!(!engine.columns(table).await.unwrap().is_empty(), "{table}");
    }
    assert_eq!(entry(&engine.columns("receipts").await.unwrap(), "fate").filled, 5);
    assert!(engine.columns("nowhere").await.is_err());
}
