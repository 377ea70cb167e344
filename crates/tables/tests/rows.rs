//! Rows as people see them: each of the engine's inputs beside `testdata/NAME.row`.
//! `UPDATE_EXPECT=1 cargo test` rewrites the expectations.

use std::fmt::Write as _;
use std::path::Path;

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
