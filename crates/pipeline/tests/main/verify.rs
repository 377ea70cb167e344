//! A good lake is proved good, and every way of breaking one is told by its kind.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use pipeline::{Input, Kind, Settings, Verified, ingest, verify};
use storage::{Lake, error_bytes_key, error_report_key, receipts_prefix};

use crate::archives::{gzip, zip};
use crate::{Files, lake_in_memory, message, take};

#[tokio::test(flavor = "multi_thread")]
async fn a_good_lake_has_no_problem_and_every_message_has_one_fate() {
    let lake = full_lake().await;
    let Verified { summary, problems } = verify(&lake).await.unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    let accounting = summary.accounting;
    assert!(accounting.is_complete(), "{accounting}");
    assert_eq!((accounting.staged, accounting.error, accounting.duplicate), (30, 1, 2));
    assert_eq!((summary.rows, summary.raw_objects, summary.errors, summary.pending), (30, 3, 1, 0));
    assert_eq!(summary.values_unread + summary.rows_unread, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_lake_is_good() {
    assert!(verify(&lake_in_memory().await).await.unwrap().problems.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_taken_up_is_counted_and_is_no_raw_object() {
    let lake = full_lake().await;
    for drop in ["raw/dropped.hl7", "raw/lab/dropped.hl7", "raw/lab/0a/dropped.hl7"] {
        lake.put_new(&Path::from(drop), "half of a mess".into()).await.unwrap();
    }
    let Verified { summary, problems } = verify(&lake).await.unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!((summary.drops_waiting, summary.raw_objects), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_live_feed_sent_has_no_hash_in_its_key() {
    let lake = full_lake().await;
    lake.put_new(&storage::live_key("lab", "0001-a-000001"), message(1).into()).await.unwrap();
    expect(&lake, &[(Kind::RawUnfinished, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_byte_that_changed_is_found() {
    let lake = full_lake().await;
    let key = find(&lake, "raw", "many.hl7").await;
    change(&lake, &key, |bytes| {
        let at = bytes.windows(5).position(|window| window == b"STONE").unwrap();
        bytes[at] = b'T';
    })
    .await;
    let kinds = [Kind::RawChanged, Kind::ReceiptWrong, Kind::RowDiffers, Kind::DocumentDamaged];
    expect(&lake, &kinds.map(|kind| (kind, 1))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_object_that_is_gone_is_found() {
    let lake = full_lake().await;
    let key = find(&lake, "raw", "many.hl7").await;
    lake.store().delete(&key).await.unwrap();
    expect(&lake, &[(Kind::RawMissing, 2)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_receipts_that_is_gone_is_found() {
    let lake = lake_in_memory().await;
    let files = Files::new();
    take(&lake, &files.add("a.hl7", message(1))).await;
    take(&lake, &files.add("b.hl7", message(2))).await;
    let first = lake.list(&receipts_prefix()).await.unwrap().remove(0).key;
    lake.store().delete(&first).await.unwrap();
    expect(&lake, &[(Kind::RawUnfinished, 1), (Kind::RowWithoutReceipt, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_of_receipts_is_found() {
    let lake = full_lake().await;
    let first = lake.list(&receipts_prefix()).await.unwrap().remove(0).key;
    change(&lake, &first, |bytes| bytes.truncate(20)).await;
    let found = verify(&lake).await.unwrap().problems.counts;
    assert!(found.contains_key(&Kind::ReceiptsDamaged), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_file_that_is_gone_is_found_and_its_messages_are_lost() {
    let lake = full_lake().await;
    let key = find(&lake, "staging/table", ".parquet").await;
    lake.store().delete(&key).await.unwrap();
    let found = verify(&lake).await.unwrap().problems.counts;
    assert_eq!(found[&Kind::FileMissing], 1);
    assert!(found[&Kind::Lost] > 0, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_file_with_a_changed_byte_is_found() {
    let lake = full_lake().await;
    let key = find(&lake, "staging/table", ".parquet").await;
    change(&lake, &key, |bytes| {
        let end = bytes.len() - 6;
        bytes[end] ^= 0x55;
    })
    .await;
    let found = verify(&lake).await.unwrap().problems.counts;
    assert_eq!(found[&Kind::FileDamaged], 1, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_changed_left_out_or_added_is_found_wherever_it_stands() {
    for (path, from, to) in [
        (&["pid", "patient_name", "family_name", "surname"][..], Some("STONE"), Some("STORE")),
        (&["pid", "patient_name", "given_name"], Some("ANNA"), None),
        (&["pid", "set_id_pid"], Some("1"), Some("2")),
        (&["pid", "administrative_sex"], None, Some("F")),
        (&["msh", "message_control_id"], Some("C7"), Some("C8")),
        (&["control_id"], Some("C7"), Some("C8")),
        (&["message_type"], Some("ADT"), None),
        (&["structure"], Some("ADT_A01"), Some("ADT_A02")),
        (&["charset"], Some("ASCII"), None),
    ] {
        let lake = lake_in_memory().await;
        take(&lake, &Files::new().add("a.hl7", message(7))).await;
        rewrite(&lake, |rows| with_value(&rows, path, from, to)).await;
        expect(&lake, &[(Kind::RowDiffers, 1)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_between_segments_and_warnings_that_were_changed_are_found() {
    for changed in ["parent_index", "patient_index", "warnings"] {
        let lake = lake_in_memory().await;
        let odd = message(6).replace("AL1|", "IN1|1\rOBX|1|ST|||x\rAL1|") + "ZZZ";
        take(&lake, &Files::new().add("a.hl7", odd)).await;
        expect(&lake, &[]).await;
        rewrite(&lake, |rows| {
            if changed == "warnings" {
                let old = rows.column_by_name("warnings").unwrap();
                assert!(!old.as_list::<i32>().value(0).is_empty(), "there is a warning to lose");
                return replace(&rows, "warnings", &arrow_array::new_null_array(old.data_type(), 1));
            }
            let numbers: ArrayRef = Arc::new(arrow_array::Int32Array::from(vec![1]));
            let al1 = rows.column_by_name("al1").unwrap().as_list::<i32>();
            let values = al1.values().as_struct();
            let at = values.column_names().iter().position(|name| *name == changed).unwrap();
            let mut columns = values.columns().to_vec();
            assert_ne!(&columns[at], &numbers);
            columns[at] = numbers;
            let values = arrow_array::StructArray::new(values.fields().clone(), columns, None);
            let field = Arc::new(arrow_schema::Field::new("element", values.data_type().clone(), true));
            let list = arrow_array::ListArray::new(field, al1.offsets().clone(), Arc::new(values), None);
            replace(&rows, "al1", &(Arc::new(list) as ArrayRef))
        })
        .await;
        expect(&lake, &[(Kind::RowDiffers, 1)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_other_messages_are_found() {
    let lake = lake_in_memory().await;
    take(&lake, &Files::new().add("a.hl7", message(7) + &message(8))).await;
    let document = find(&lake, "staging/json", ".ndjson").await;
    let whole = lake.read(&document).await.unwrap();
    let text = String::from_utf8(whole.to_vec()).unwrap();
    let swapped: String = text.lines().rev().map(|line| format!("{line}\n")).collect();
    put(&lake, &document, swapped.into()).await;
    expect(&lake, &[(Kind::DocumentDamaged, 1)]).await;
    put(&lake, &document, text.replacen("STONE", "STORE", 1).into()).await;
    expect(&lake, &[(Kind::DocumentDamaged, 1)]).await;
    put(&lake, &document, whole.slice(..whole.len() - 1)).await;
    let found = verify(&lake).await.unwrap().problems.counts;
    assert!(found.contains_key(&Kind::DocumentDamaged), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cites_other_bytes_or_stands_twice_is_found() {
    let lake = lake_in_memory().await;
    take(&lake, &Files::new().add("a.hl7", message(7) + &message(8))).await;
    rewrite(&lake, |rows| {
        let hash = StringArray::from(vec!["00"; rows.num_rows()]);
        replace(&rows, "sha256", &(Arc::new(hash) as ArrayRef))
    })
    .await;
    expect(&lake, &[(Kind::RowWithoutReceipt, 2)]).await;

    let lake = lake_in_memory().await;
    take(&lake, &Files::new().add("a.hl7", message(7) + &message(8))).await;
    rewrite(&lake, |rows| {
        let twice =
            arrow::compute::take_record_batch(&rows, &arrow_array::UInt32Array::from(vec![0, 0])).unwrap();
        assert_eq!(twice.num_rows(), 2);
        twice
    })
    .await;
    expect(&lake, &[(Kind::Lost, 1), (Kind::RowTwice, 1), (Kind::DocumentDamaged, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_are_gone_broken_or_short_are_found_and_unlisted_ones_are_harmless() {
    let lake = lake_in_memory().await;
    take(&lake, &Files::new().add("a.hl7", message(7) + &message(8))).await;
    let document = find(&lake, "staging/json", ".ndjson").await;
    let whole = lake.read(&document).await.unwrap();
    change(&lake, &document, |bytes| bytes[0] = b'[').await;
    expect(&lake, &[(Kind::DocumentDamaged, 1)]).await;
    let first_line = whole.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    put(&lake, &document, whole.slice(..first_line)).await;
    expect(&lake, &[(Kind::DocumentDamaged, 1)]).await;
    lake.store().delete(&document).await.unwrap();
    expect(&lake, &[(Kind::DocumentMissing, 1)]).await;
    put(&lake, &document, whole).await;
    put(&lake, &Path::from("staging/json/raw/default/aa/unlisted/0-1-1.ndjson"), Bytes::from_static(b"{}"))
        .await;
    expect(&lake, &[]).await;
    assert_eq!(verify(&lake).await.unwrap().summary.left_behind, 1);
    let list = find(&lake, "staging/json/_lists", ".json").await;
    lake.store().delete(&list).await.unwrap();
    expect(&lake, &[(Kind::DocumentMissing, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_zone_is_held_against_raw() {
    let lake = full_lake().await;
    let id = pipeline::errors(&lake).await.unwrap().remove(0).message_id;
    change(&lake, &error_bytes_key(&id), |bytes| bytes[0] = b'x').await;
    expect(&lake, &[(Kind::ErrorDamaged, 1)]).await;
    lake.store().delete(&error_bytes_key(&id)).await.unwrap();
    lake.store().delete(&error_report_key(&id)).await.unwrap();
    expect(&lake, &[(Kind::ErrorDamaged, 2)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_landed_and_not_taken_up_is_told() {
    let lake = full_lake().await;
    let bytes = message(99).into_bytes();
    let key = storage::raw_key("default", &pipeline::sha256(&bytes), "late.hl7");
    put(&lake, &key, bytes.into()).await;
    expect(&lake, &[(Kind::RawUnfinished, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_log_entry_is_told() {
    let lake = full_lake().await;
    lake.store().delete(&Path::from("staging/table/_delta_log/00000000000000000000.json")).await.unwrap();
    expect(&lake, &[(Kind::LogDamaged, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_framing_and_odd_line_ends_are_no_problem() {
    let lake = lake_in_memory().await;
    let files = Files::new();
    let body = |number: usize| message(number);
    files.add("mllp.hl7", format!("\x0B{}\x1C\r\x0B{}\x1C\r", body(1), body(2)));
    files.add("batch.hl7", format!("FHS|^~\\&|A\rBHS|^~\\&|B\r{}{}BTS|2\rFTS|1\r", body(3), body(4)));
    files.add("lf.hl7", body(5).replace('\r', "\r\n") + "\r\n\r\n  \r\n" + &body(6).replace('\r', "\n"));
    files.add("bom.hl7", [b"\xEF\xBB\xBF".as_slice(), body(7).as_bytes()].concat());
    files.add("wrapped.hl7", body(8) + "NTE|1||first line\rsecond line\r\rthird\rZZ1|x^y&z\r");
    files.add("odd.hl7", body(9) + "nte|1||lower\r  OBX|1|TX|1||a^b~c|\rNTE\rOBX|2|ZZ|2||x&y^z\r");
    files.add("escapes.hl7", body(10) + "NTE|1||a\\F\\b\\T\\c\\X41\\d\\.br\\e\\X0D0A\\f\\Zab\\g\\q\r");
    files.add("utf8.hl7", body(11).replace("|2.5", "|2.5||||||UNICODE UTF-8").replace("STONE", "STØNÉ"));
    files.add(
        "latin1.hl7",
        body(12)
            .replace("|2.5", "|2.5||||||8859/1")
            .replace("STONE", "ST?NE")
            .into_bytes()
            .iter()
            .map(|&byte| if byte == b'?' { 0xD8 } else { byte })
            .collect::<Vec<u8>>(),
    );
    take(&lake, files.path()).await;
    expect(&lake, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn archives_are_proved_member_by_member_and_damaged_ones_as_far_as_they_go() {
    let lake = lake_in_memory().await;
    let files = Files::new();
    let many: String = (0..500).map(message).collect();
    files.add(
        "a.zip",
        zip(&[
            ("one.hl7", message(1).as_bytes()),
            ("x/one.hl7", message(2).as_bytes()),
            ("no.txt", b"no message"),
        ]),
    );
    files.add("b.hl7.gz", gzip(many.as_bytes()));
    let packed = gzip(message(600).repeat(2_000).as_bytes());
    files.add("cut.gz", &packed[..packed.len() / 2]);
    files.add("not.zip", b"PK\x03\x04 and nothing");
    take(&lake, files.path()).await;
    expect(&lake, &[]).await;
    let key = find(&lake, "raw", "b.hl7.gz").await;
    change(&lake, &key, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
    })
    .await;
    let found = verify(&lake).await.unwrap().problems.counts;
    assert!(found.contains_key(&Kind::RawChanged), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_generated_feeds_and_the_corpus_are_proved_good() {
    let files = Files::new();
    testkit::demo::write(files.path()).unwrap();
    let lake = lake_in_memory().await;
    ingest(&lake, Input::expand(&[files.path().into()]), &Settings::default(), |_| {}).await.unwrap();
    expect(&lake, &[]).await;

    let beside = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let root = std::env::var_os("CARELAKE_CORPUS").map_or(beside, PathBuf::from).join("open");
    if !root.is_dir() {
        return;
    }
    let lake = lake_in_memory().await;
    ingest(&lake, Input::expand(&[root]), &Settings::default(), |_| {}).await.unwrap();
    expect(&lake, &[]).await;
    let summary = verify(&lake).await.unwrap().summary;
    assert!(summary.values > 100_000 && summary.accounting.is_complete(), "{summary:?}");
    let unread = summary.values_unread + summary.values_moved;
    assert!(unread * 50 < summary.values && summary.rows_unread * 20 < summary.rows, "{summary:?}");
}

/// Three files: many messages, some twice and one that is none.
async fn full_lake() -> Lake {
    let (lake, files) = (lake_in_memory().await, Files::new());
    let many: String = (0..20).map(message).collect();
    take(&lake, &files.add("many.hl7", many)).await;
    let more: String = (18..30).map(message).collect();
    take(&lake, &files.add("more.hl7", more)).await;
    take(&lake, &files.add("text.txt", "no message here")).await;
    lake
}

/// Asserts which kinds of problems there are, and how many of each.
async fn expect(lake: &Lake, kinds: &[(Kind, u64)]) {
    let problems = verify(lake).await.unwrap().problems;
    let found: Vec<(Kind, u64)> = problems.counts.iter().map(|(kind, count)| (*kind, *count)).collect();
    assert_eq!(found, kinds, "{:#?}", problems.kept);
}

async fn find(lake: &Lake, folder: &str, ending: &str) -> Path {
    let objects = lake.list(&Path::from(folder)).await.unwrap();
    let found = objects.into_iter().find(|object| {
        object.key.as_ref().ends_with(ending) && !object.key.as_ref().contains("/_delta_log/")
    });
    found.unwrap().key
}

async fn put(lake: &Lake, key: &Path, bytes: Bytes) {
    lake.store().put(key, bytes.into()).await.unwrap();
}

async fn change(lake: &Lake, key: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = lake.read(key).await.unwrap().to_vec();
    change(&mut bytes);
    put(lake, key, bytes.into()).await;
}

/// Writes the only data file of staging again with other rows, and tells the log its size.
async fn rewrite(lake: &Lake, change_rows: impl FnOnce(RecordBatch) -> RecordBatch) {
    let key = find(lake, "staging/table", ".parquet").await;
    let bytes = lake.read(&key).await.unwrap();
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
    let rows = change_rows(reader.build().unwrap().next().unwrap().unwrap());
    let mut file = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let sizes = (format!("\"size\":{}", bytes.len()), format!("\"size\":{}", file.len()));
    put(lake, &key, file.into()).await;
    for object in lake.list(&Path::from("staging/table/_delta_log")).await.unwrap() {
        change(lake, &object.key, |bytes| {
            *bytes = String::from_utf8(bytes.clone()).unwrap().replace(&sizes.0, &sizes.1).into_bytes();
        })
        .await;
    }
}

fn replace(rows: &RecordBatch, name: &str, column: &ArrayRef) -> RecordBatch {
    let columns = rows.schema_ref().fields().iter().zip(rows.columns()).map(|(field, old)| {
        let new = if field.name() == name { column.clone() } else { old.clone() };
        (field.name().clone(), new)
    });
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

/// The rows with the leaf at a path changed, which must have been `from`.
fn with_value(rows: &RecordBatch, path: &[&str], from: Option<&str>, to: Option<&str>) -> RecordBatch {
    let old = match rows.column_by_name(path[0]) {
        Some(column) => column.clone(),
        None => panic!("no column {}", path[0]),
    };
    replace(rows, path[0], &changed(&old, &path[1..], from, to))
}

fn changed(array: &ArrayRef, path: &[&str], from: Option<&str>, to: Option<&str>) -> ArrayRef {
    if let Some(list) = array.as_list_opt::<i32>() {
        let values = changed(list.values(), path, from, to);
        let field = Arc::new(arrow_schema::Field::new("element", values.data_type().clone(), true));
        return Arc::new(arrow_array::ListArray::new(
            field,
            list.offsets().clone(),
            values,
            list.nulls().cloned(),
        ));
    }
    let Some((name, below)) = path.split_first() else {
        let texts = array.as_string::<i32>();
        assert_eq!(texts.iter().collect::<Vec<_>>(), [from]);
        return Arc::new(StringArray::from(vec![to]));
    };
    let values = array.as_struct();
    let mut columns: Vec<(Arc<arrow_schema::Field>, ArrayRef)> =
        values.fields().iter().cloned().zip(values.columns().iter().cloned()).collect();
    match columns.iter_mut().find(|(field, _)| field.name() == name) {
        Some((field, column)) => {
            *column = changed(column, below, from, to);
            *field = Arc::new(arrow_schema::Field::new(*name, column.data_type().clone(), true));
        }
        None => {
            assert_eq!(from, None, "no {name}");
            let column: ArrayRef = Arc::new(StringArray::from(vec![to]));
            columns
                .push((Arc::new(arrow_schema::Field::new(*name, column.data_type().clone(), true)), column));
        }
    }
    Arc::new(arrow_array::StructArray::from(columns))
}

#[tokio::test(flavor = "multi_thread")]
async fn long_documents_are_packed_and_checked_like_short_ones() {
    let lake = lake_in_memory().await;
    // Two thirds of a megabyte of text makes a document of more than one.
    let messages: String = (0..3_000).map(message).collect();
    take(&lake, &Files::new().add("a.hl7", &messages)).await;
    let document = find(&lake, "staging/json", ".ndjson.zst").await;
    let bytes = lake.read(&document).await.unwrap();
    let text = zstd::decode_all(&bytes[..]).unwrap();
    assert!(text.len() > 10 * bytes.len() && text.ends_with(b"}\n"));
    assert_eq!(text.iter().filter(|&&byte| byte == b'\n').count(), 3_000);
    expect(&lake, &[]).await;
    change(&lake, &document, |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    })
    .await;
    expect(&lake, &[(Kind::DocumentDamaged, 1)]).await;
    put(&lake, &document, bytes).await;
    expect(&lake, &[]).await;
}
