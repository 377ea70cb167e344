//! Rows of messages as large as the limits let them be, in time that grows with their size and not with its square.

use arrow_array::cast::AsArray;
use arrow_array::{Array, StructArray};

const HEADER: &str = "MSH|^~\\&|LAB||||20240102||ORU^R01|7|P|2.5.1\r";

#[test]
fn a_million_segments() {
    let count = hl7::Limits::default().segments - 1;
    let batch = crate::batch(&[(HEADER.to_owned() + &"NTE|1\r".repeat(count)).as_bytes()]);
    let notes = batch.column_by_name("nte").unwrap().as_list::<i32>().value(0);
    let parts: &StructArray = notes.as_struct();
    assert_eq!((notes.len(), parts.column_by_name("set_id_nte").unwrap().null_count()), (count, 0));
}

#[test]
fn a_million_repetitions() {
    let batch = crate::batch(&[format!("{HEADER}PID|1||P{}\r", "~P".repeat(999_999)).as_bytes()]);
    let pid = batch.column_by_name("pid").unwrap().as_struct();
    let list = pid.column_by_name("patient_identifier_list").unwrap().as_list::<i32>().value(0);
    assert_eq!((list.len(), list.null_count()), (1_000_000, 0));
}

#[test]
fn a_field_of_a_hundred_megabytes() {
    let length = 100_000_000;
    let batch = crate::batch(&[format!("{HEADER}OBX|1|TX|A||{}|F\r", "x".repeat(length)).as_bytes()]);
    let results = batch.column_by_name("obx").unwrap().as_list::<i32>().value(0);
    let values = results.as_struct().column_by_name("observation_value").unwrap().as_list::<i32>().value(0);
    let text = values.as_struct().column_by_name("value").unwrap().as_string::<i32>().value(0).len();
    assert_eq!(text, length);
}
