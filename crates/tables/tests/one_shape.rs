//! The same content in any version of the standard lands in the same columns.

use hl7::dictionary::Version;

/// A patient as a sender of any version could send her: no component that older versions lack.
fn patient(version: &str) -> String {
    format!(
        "MSH|^~\\&|ADT|LAKE|||20240102||ADT^A08|1|P|{version}\rEVN|A08|20240102\rPID|1||P1||ALDER^ANN||19600101|F|||1 QUAY^^TOWN^QX^00100||(999)555-0100\rPV1|1|I|W1^2^B\r"
    )
}

#[test]
fn one_patient_is_one_row_in_every_version() {
    let expected = values(&patient("2.9.1"));
    assert!(
        expected
            .iter()
            .any(|(path, text)| path == "pid.patient_name[1].family_name.surname" && text == "ALDER")
    );
    assert!(expected.iter().any(|(path, text)| path == "pid.administrative_sex.identifier" && text == "F"));
    assert!(!expected.iter().any(|(path, _)| path.starts_with("unmapped")));
    for version in Version::ALL {
        assert_eq!(values(&patient(version.as_str())), expected, "{version}");
    }
}

fn values(message: &str) -> Vec<(String, String)> {
    let batch = crate::batch(&[message.as_bytes()]);
    crate::row_values(&batch, 0).into_iter().filter(|(path, _)| !path.starts_with("msh.version_id")).collect()
}
