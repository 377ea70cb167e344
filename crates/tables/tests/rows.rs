//! Rows as people see them: each of the engine's inputs beside `testdata/NAME.row`.
//! `UPDATE_EXPECT=1 cargo test` rewrites the expectations.

use std::fmt::Write as _;
use std::path::Path;

use arrow_array::{Array, ListArray, RecordBatch, StructArray};
use expect_test::expect_file;

#[test]
fn rows_are_as_written() {
    for (path, bytes) in crate::inputs() {
        let batch = crate::batch(&[&bytes]);
        let mut shown = String::new();
        let warnings = batch.column_by_name("warnings").unwrap();
        let mut values = Vec::new();
        crate::values("warnings", warnings, 0, &mut values);
        values.extend(crate::row_values(&batch, 0));
        for (path, text) in values {
            writeln!(shown, "{path} = {text:?}").unwrap();
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned() + ".row";
        expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)].assert_eq(&shown);
    }
}

/// Without a value in it a field is null, though another message of the batch brings its column.
#[test]
fn a_field_of_empty_repetitions_is_the_same_in_every_batch() {
    let empty = b"MSH|^~\\&|||||||ADT^A08|1|P|2.5.1\rPID|1||~^^~|||||||||||\r".as_slice();
    let filled = b"MSH|^~\\&|||||||ADT^A08|2|P|2.5.1\rPID|1||A~~B~\r".as_slice();
    let field = |batch: &RecordBatch| {
        let segment = batch.column_by_name("pid").unwrap().as_any().downcast_ref::<StructArray>().unwrap();
        segment.column_by_name("patient_identifier_list").cloned()
    };
    assert!(field(&crate::batch(&[empty])).is_none());
    let beside = field(&crate::batch(&[empty, filled])).unwrap();
    assert!(beside.is_null(0));
    let lists = beside.as_any().downcast_ref::<ListArray>().unwrap();
    assert_eq!((lists.value_length(1), lists.value(1).is_null(1)), (4, true));
}
