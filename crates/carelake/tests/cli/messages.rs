//! Messages looked at one by one.

use expect_test::expect;

use super::*;

#[test]
fn a_batch_whose_count_is_wrong_is_pointed_out() {
    let place = Place::new();
    place.run(&["init"]);
    let batch = "FHS|^~\\&|A\rBHS|^~\\&|A\rMSH|^~\\&|A||||2024||ADT^A01|1|P|2.5\rPID|1\rBTS|2\rFTS|1\r";
    std::fs::write(place.path().join("batch.hl7"), batch).unwrap();
    place.check(
        &["ingest", "batch.hl7"],
        &expect![[r#"
        exit 0
        received=1 staged=1 error=0 duplicate=0 filtered=0
        --- stderr
        warning: batch.hl7 at byte 64: batch_count_mismatch
    "#]],
    );
}

#[test]
fn a_message_is_shown_in_every_form() {
    let place = Place::new();
    place.run(&["init"]);
    place.run(&["ingest", "adt.hl7"]);
    let id = place.run(&["sql", "--format", "csv", "SELECT message_id FROM staging"]);
    let id = String::from_utf8(id.stdout).unwrap();
    let id = id.lines().nth(1).unwrap();
    place.check(
        &["show", id],
        &expect![[r#"
        exit 0
        MSH|^~\&|ADT1|NORTH|LAB|NORTH|20240101120000||ADT^A01^ADT_A01|C1|P|2.5.1
        PID|1||P1^^^NORTH^MR||STONE^ANNA~STONE^ANNIE||19800101|F
    "#]],
    );
    place.check(
        &["show", id, "--as", "leaves"],
        &expect![[r#"
        exit 0
        MSH[1]-1[1].1.1	|
        MSH[1]-2[1].1.1	^~\\&
        MSH[1]-3[1].1.1	ADT1
        MSH[1]-4[1].1.1	NORTH
        MSH[1]-5[1].1.1	LAB
        MSH[1]-6[1].1.1	NORTH
        MSH[1]-7[1].1.1	20240101120000
        MSH[1]-9[1].1.1	ADT
        MSH[1]-9[1].2.1	A01
        MSH[1]-9[1].3.1	ADT_A01
        MSH[1]-10[1].1.1	C1
        MSH[1]-11[1].1.1	P
        MSH[1]-12[1].1.1	2.5.1
        PID[1]-1[1].1.1	1
        PID[1]-3[1].1.1	P1
        PID[1]-3[1].4.1	NORTH
        PID[1]-3[1].5.1	MR
        PID[1]-5[1].1.1	STONE
        PID[1]-5[1].2.1	ANNA
        PID[1]-5[2].1.1	STONE
        PID[1]-5[2].2.1	ANNIE
        PID[1]-7[1].1.1	19800101
        PID[1]-8[1].1.1	F
    "#]],
    );
    place.check(&["show", id, "--as", "json"], &expect![[r#"
        exit 0
        {"msh":{"field_separator":"|","encoding_characters":"^~\\&","sending_application":{"namespace_id":"ADT1"},"sending_facility":{"namespace_id":"NORTH"},"receiving_application":{"namespace_id":"LAB"},"receiving_facility":{"namespace_id":"NORTH"},"date_time_of_message":"20240101120000","message_type":{"message_code":"ADT","trigger_event":"A01","message_structure":"ADT_A01"},"message_control_id":"C1","processing_id":{"processing_id":"P"},"version_id":{"version_id":"2.5.1"}},"pid":{"set_id_pid":"1","patient_identifier_list":[{"id_number":"P1","assigning_authority":{"namespace_id":"NORTH"},"identifier_type_code":"MR"}],"patient_name":[{"family_name":{"surname":"STONE"},"given_name":"ANNA"},{"family_name":{"surname":"STONE"},"given_name":"ANNIE"}],"date_time_of_birth":"19800101","administrative_sex":{"identifier":"F"}}}
    "#]]);
    assert_eq!(place.run(&["show", id, "--as", "raw"]).stdout, ADT.trim_end().as_bytes());
}

#[test]
fn what_became_of_a_message_is_shown() {
    let place = Place::new();
    place.run(&["init"]);
    place.run(&["ingest", "adt.hl7"]);
    place.run(&["ingest", "adt.hl7"]);
    let id = place.run(&["sql", "--format", "csv", "SELECT message_id FROM staging"]);
    let id = String::from_utf8(id.stdout).unwrap();
    let shown = place.run(&["show", id.lines().nth(1).unwrap(), "--as", "fate"]);
    let fate: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let fates: Vec<_> = fate["receipts"].as_array().unwrap().iter().map(|receipt| &receipt["fate"]).collect();
    assert_eq!(fates, ["staged", "duplicate"], "{fate:#}");
    assert_eq!(
        (&fate["rows"][0]["trigger_event"], &fate["commit"]["how"]),
        (&"A01".into(), &"staged".into())
    );
    assert_eq!(fate["errors"].as_array().unwrap().len(), 0);
    assert!(!fate.to_string().contains("STONE"), "what became of it is no content of it");
    place.check(
        &["show", &"0".repeat(32), "--as", "fate"],
        &expect![[r#"
        exit 1
        --- stderr
        error: no message 00000000000000000000000000000000 in this lake
        hint: carelake sql 'SELECT message_id FROM staging' lists ids
    "#]],
    );
}

#[test]
fn convert_prints_a_document_a_line_and_failures_beside() {
    let place = Place::new();
    place.check(&["convert", "adt.hl7", "--names", "short"], &expect![[r#"
        exit 0
        {"MSH":{"MSH-1":"|","MSH-2":"^~\\&","MSH-3":{"MSH-3.1":"ADT1"},"MSH-4":{"MSH-4.1":"NORTH"},"MSH-5":{"MSH-5.1":"LAB"},"MSH-6":{"MSH-6.1":"NORTH"},"MSH-7":"20240101120000","MSH-9":{"MSH-9.1":"ADT","MSH-9.2":"A01","MSH-9.3":"ADT_A01"},"MSH-10":"C1","MSH-11":{"MSH-11.1":"P"},"MSH-12":{"MSH-12.1":"2.5.1"}},"PID":{"PID-1":"1","PID-3":[{"PID-3.1":"P1","PID-3.4":{"PID-3.4.1":"NORTH"},"PID-3.5":"MR"}],"PID-5":[{"PID-5.1":{"PID-5.1.1":"STONE"},"PID-5.2":"ANNA"},{"PID-5.1":{"PID-5.1.1":"STONE"},"PID-5.2":"ANNIE"}],"PID-7":"19800101","PID-8":{"PID-8.1":"F"}}}
    "#]]);
    place.check(&["convert", "broken.hl7"], &expect![[r#"
        exit 1
        {"msh":{"field_separator":"|","encoding_characters":"^~\\&","sending_application":{"namespace_id":"ADT1"},"sending_facility":{"namespace_id":"NORTH"},"receiving_application":{"namespace_id":"LAB"},"receiving_facility":{"namespace_id":"NORTH"},"date_time_of_message":"20240101120000","message_type":{"message_code":"ADT","trigger_event":"A01","message_structure":"ADT_A01"},"message_control_id":"C1","processing_id":{"processing_id":"P"},"version_id":{"version_id":"2.5.1"}},"pid":{"set_id_pid":"1","patient_identifier_list":[{"id_number":"P1","assigning_authority":{"namespace_id":"NORTH"},"identifier_type_code":"MR"}],"patient_name":[{"family_name":{"surname":"STONE"},"given_name":"ANNA"},{"family_name":{"surname":"STONE"},"given_name":"ANNIE"}],"date_time_of_birth":"19800101","administrative_sex":{"identifier":"F"}}}
        --- stderr
        error: message 2 at byte 130: truncated_header: the MSH segment ends before MSH-2 does (byte 0)
        hint: ask the sender for the whole message: the first segment was cut off
    "#]]);
    place.check(
        &["convert", "text.txt"],
        &expect![[r#"
        exit 1
        --- stderr
        error: message 1 at byte 0: no_message: no message in these bytes
        hint: a message begins with MSH and its delimiters, at the start of a line: MSH|^~\&|
    "#]],
    );
    place.check(
        &["convert", "empty.hl7"],
        &expect![[r#"
        exit 0
        --- stderr
        warning: the input is empty
    "#]],
    );
    place.check(
        &["convert", "gone.hl7"],
        &expect![[r#"
            exit 1
            --- stderr
            error: cannot read gone.hl7: No such file or directory (os error 2)
            hint: look at the path; - is the standard input
        "#]],
    );
}

#[test]
fn inspect_shows_a_tree_and_points_at_what_is_odd() {
    let place = Place::new();
    std::fs::write(
        place.path().join("odd.hl7"),
        "MSH|^~\\&|A||||2024||ADT^A01^ADT_A01||P|2.5\rPID|1||7^^^^MR|||||M\\X4\\\rZZ1|x\r",
    )
    .unwrap();
    place.check(
        &["inspect", "odd.hl7"],
        &expect![[r#"
        exit 0
        ADT_A01, version 2.5, ASCII, 3 segments, 73 bytes
        MSH
          MSH-1          field_separator                                  |
          MSH-2          encoding_characters                              ^~\&
          MSH-3          sending_application                              A
          MSH-7          date_time_of_message                             2024
          MSH-9.1        message_type.message_code                        ADT
          MSH-9.2        message_type.trigger_event                       A01
          MSH-9.3        message_type.message_structure                   ADT_A01
          MSH-11         processing_id                                    P
          MSH-12         version_id                                       2.5
        PID
          PID-1          set_id_pid                                       1
          PID-3.1        patient_identifier_list.id_number                7
          PID-3.5        patient_identifier_list.identifier_type_code     MR
          PID-8          administrative_sex                               M\X4\
        ZZ1
          ZZ1-1                                                           x
        warning: missing_control_id at MSH-10, byte 0
          MSH|^~\&|A||||2024||ADT^A01^ADT_A01|
          ^
        warning: malformed_escape at PID-8, byte 62
          PID|1||7^^^^MR|||||M\X4\
                             ^
    "#]],
    );
    place.check(
        &["inspect", "text.txt"],
        &expect![[r#"
        exit 1
        no message: no_message at byte 0
          Patient Smith, no message
          ^
        --- stderr
        error: message 1: no message in these bytes
        hint: a message begins with MSH and its delimiters, at the start of a line: MSH|^~\&|
    "#]],
    );
}

#[test]
fn a_strict_look_shows_what_breaks_the_standard() {
    let place = Place::new();
    std::fs::write(
        place.path().join("odd.hl7"),
        "MSH|^~\\&|A||||20240102||ACK|7|P|2.5\rMSA|NO|1||x\rERR||PID^1\r",
    )
    .unwrap();
    place.check(
        &["inspect", "--strict", "odd.hl7"],
        &expect![[r#"
        exit 1
        ACK, version 2.5, ASCII, 3 segments, 58 bytes
        MSH
          MSH-1          field_separator                                  |
          MSH-2          encoding_characters                              ^~\&
          MSH-3          sending_application                              A
          MSH-7          date_time_of_message                             20240102
          MSH-9          message_type                                     ACK
          MSH-10         message_control_id                               7
          MSH-11         processing_id                                    P
          MSH-12         version_id                                       2.5
        MSA
          MSA-1          acknowledgment_code                              NO
          MSA-2          message_control_id                               1
          MSA-4          expected_sequence_number                         x
        ERR
          ERR-2.1        error_location.segment_id                        PID
          ERR-2.2        error_location.segment_sequence                  1
        strict_table at MSA-1, byte 40: expected a code of table 0008
          MSA|NO|1||x
              ^
        strict_format at MSA-4, byte 46: expected a number: [+|-]digits[.digits]
          MSA|NO|1||x
                    ^
        strict_required at ERR-3, byte 58: expected a value
          ERR||PID^1
                    ^
        strict_required at ERR-4, byte 58: expected a value
          ERR||PID^1
                    ^
    "#]],
    );
    place.check(&["convert", "--strict", "odd.hl7"], &expect![[r#"
        exit 1
        --- stderr
        error: message 1 at byte 40: strict_table: the message breaks version 2.5 of the standard 4 times, first at MSA-1: expected a code of table 0008
        hint: carelake inspect --strict shows every place; without --strict the message is accepted
          strict_table at MSA-1, byte 40: expected a code of table 0008
          strict_format at MSA-4, byte 46: expected a number: [+|-]digits[.digits]
          strict_required at ERR-3, byte 58: expected a value
          strict_required at ERR-4, byte 58: expected a value
    "#]]);
}
