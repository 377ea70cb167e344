//! Schemas: what a new lake declares, what batches have, and how the two grow together.

use arrow_schema::{DataType, Schema};
use tables::{core_schema, merge_schemas};

#[test]
fn a_batch_has_the_types_that_the_core_declares() {
    for (path, bytes) in crate::inputs() {
        let batch = crate::batch(&[&bytes]);
        let merged = merge_schemas(&core_schema(), &batch.schema());
        assert!(merged.is_ok(), "{}: {merged:?}", path.display());
    }
}

#[test]
fn merging_keeps_what_is_known_in_its_order_and_appends_the_rest() {
    let first = crate::batch(&[b"MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rPID|1||||^ANN\r"]).schema();
    let second = crate::batch(&[b"MSH|^~\\&|A||||||ADT^A01|1|P|2.5\rPID|||A1||ALDER\rPV1|1\r"]).schema();
    let merged = merge_schemas(&first, &second).unwrap();
    assert_eq!(names(&merged)[..names(&first).len()], names(&first));
    assert_eq!(names(&merged).last().map(String::as_str), Some("pv1"));
    assert_eq!(
        leaves(&merged, "pid"),
        [
            "segment_index",
            "parent_index",
            "patient_index",
            "set_id_pid",
            "patient_name.given_name",
            "patient_name.family_name.surname",
            "patient_identifier_list.id_number",
        ]
    );
    assert_eq!(merge_schemas(&merged, &second).unwrap(), merged, "merging twice changes nothing");
}

#[test]
fn the_core_has_what_the_first_query_asks_for() {
    let core = core_schema();
    assert!(leaves(&core, "msh").contains(&"message_control_id".to_owned()));
    for name in ["set_id_pid", "patient_name.given_name", "patient_name.family_name.surname"] {
        assert!(leaves(&core, "pid").contains(&name.to_owned()), "{name}");
    }
}

fn names(schema: &Schema) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// The leaves of a column, lists passed over.
fn leaves(schema: &Schema, column: &str) -> Vec<String> {
    fn below(path: &str, data_type: &DataType, out: &mut Vec<String>) {
        match data_type {
            DataType::Struct(fields) => {
                for field in fields {
                    let path = if path.is_empty() {
                        field.name().clone()
                    } else {
                        format!("{path}.{}", field.name())
                    };
                    below(&path, field.data_type(), out);
                }
            }
            DataType::List(element) => below(path, element.data_type(), out),
            _ => out.push(path.to_owned()),
        }
    }
    let mut out = Vec::new();
    below("", schema.field_with_name(column).unwrap().data_type(), &mut out);
    out
}
