//! The command line as people and scripts see it.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::path::Path;
use std::process::{Command, Output};

use expect_test::{Expect, expect};

/// The file `adt.hl7` of every test.
const ADT: &str = "MSH|^~\\&|ADT1|NORTH|LAB|NORTH|20240101120000||ADT^A01^ADT_A01|C1|P|2.5.1\rPID|1||P1^^^NORTH^MR||STONE^ANNA~STONE^ANNIE||19800101|F\r";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("adt.hl7"), ADT).unwrap();
        std::fs::write(folder.path().join("broken.hl7"), format!("{ADT}MSH|\rno header\r")).unwrap();
        std::fs::write(folder.path().join("text.txt"), "Patient Smith, no message").unwrap();
        std::fs::write(folder.path().join("empty.hl7"), "").unwrap();
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_carelake"))
            .args(arguments)
            .current_dir(self.path())
            .env_remove("CARELAKE_LAKE")
            .output()
            .unwrap()
    }

    /// Exit code, stdout and stderr of a command, as one text.
    fn check(&self, arguments: &[&str], expected: &Expect) {
        let output = self.run(arguments);
        let mut text = format!("exit {}\n", output.status.code().unwrap_or(-1));
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        let stderr = String::from_utf8_lossy(&output.stderr);
        if !stderr.is_empty() {
            text.push_str(&format!("--- stderr\n{stderr}"));
        }
        expected.assert_eq(&text);
    }
}

#[test]
fn a_lake_is_made_filled_and_asked() {
    let place = Place::new();
    place.check(
        &["init"],
        &expect![[r#"
        exit 0
        made a lake at ./lake
    "#]],
    );
    place.check(
        &["ingest", "adt.hl7"],
        &expect![[r#"
        exit 0
        received=1 staged=1 error=0 duplicate=0 filtered=0
    "#]],
    );
    place.check(
        &["ingest", "adt.hl7", "--json"],
        &expect![[r#"
        exit 0
        {"received":1,"staged":0,"error":0,"duplicate":1,"filtered":0}
    "#]],
    );
    place.check(
        &[
            "sql",
            "SELECT msh.message_control_id, pid.set_id_patient_id, pid.patient_name.given_name, pid.patient_name.family_name FROM staging",
        ],
        &expect![[r#"
            exit 0
            +--------------------+-------------------+------------+-------------+
            | message_control_id | set_id_patient_id | given_name | family_name |
            +--------------------+-------------------+------------+-------------+
            | C1                 | 1                 | ANNA       | STONE       |
            +--------------------+-------------------+------------+-------------+
        "#]],
    );
    place.check(
        &[
            "sql",
            "--format",
            "csv",
            "SELECT control_id, pid.patient_name.given_name, segment_ids FROM staging",
        ],
        &expect![[r#"
        exit 0
        control_id,given_name,segment_ids
        C1,ANNA,"[""MSH"",""PID""]"
    "#]],
    );
    place.check(
        &["sql", "--format", "ndjson", "SELECT control_id, segment_ids FROM staging"],
        &expect![[r#"
        exit 0
        {"control_id":"C1","segment_ids":["MSH","PID"]}
    "#]],
    );
    place.check(
        &["sql", "--format", "json", "SELECT control_id FROM staging"],
        &expect![[r#"
        exit 0
        [{"control_id":"C1"}]
    "#]],
    );
    place.check(
        &["catalog"],
        &expect![[r#"
        exit 0
        staging                     1 rows  one row for each message
        errors                      0 rows  one row for each input that could not be staged
        receipts                    2 rows  one row for each message received, with its fate
        reused_control_ids          0 rows  one row for each message whose control ID another message of its sender has
        raw_objects                 1 rows  one row for each object in the raw zone
        audit                       0 rows  one row for each access to patient data, and for each thing it was about
        ops.feeds                   1 rows  one row for each feed, with what came in the last 24 hours and whether it is alive
        ops.feed_volume             1 rows  one row for each feed and hour of the last week, with what is usual for the hour
        ops.receipts                2 rows  one row for each message received, with its fate and when it could be asked for
        segments.msh                1 rows  one row for each occurrence of the segment
        segments.evn                0 rows  one row for each occurrence of the segment
        segments.pid                1 rows  one row for each occurrence of the segment
        segments.pv1                0 rows  one row for each occurrence of the segment
        segments.mrg                0 rows  one row for each occurrence of the segment
        segments.orc                0 rows  one row for each occurrence of the segment
        segments.obr                0 rows  one row for each occurrence of the segment
        segments.obx                0 rows  one row for each occurrence of the segment
        segments.nte                0 rows  one row for each occurrence of the segment
        segments.al1                0 rows  one row for each occurrence of the segment
        segments.dg1                0 rows  one row for each occurrence of the segment
    "#]],
    );
}

#[test]
fn what_fails_is_accounted_for_and_told_without_quoting() {
    let place = Place::new();
    place.run(&["init"]);
    place.check(
        &["ingest", "broken.hl7", "text.txt", "empty.hl7"],
        &expect![[r#"
            exit 0
            received=3 staged=1 error=2 duplicate=0 filtered=0
            --- stderr
            warning: empty.hl7 is empty
            note: carelake errors list tells what could not be read, and why
        "#]],
    );
    let listed = place.run(&["errors", "list"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(!listed.contains("Smith"), "{listed}");
    let id = &listed[..32];
    let report = String::from_utf8(place.run(&["errors", "show", id]).stdout).unwrap();
    assert!(report.contains("\"code\": \""), "{report}");
}

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
fn mistakes_are_told_with_a_hint() {
    let place = Place::new();
    place.check(
        &["sql", "SELECT 1"],
        &expect![[r#"
        exit 1
        --- stderr
        error: there is no lake at ./lake
        hint: carelake init ./lake makes one; --lake names another
    "#]],
    );
    place.check(
        &["--lake", "s3://bucket/lake", "catalog"],
        &expect![[r#"
        exit 1
        --- stderr
        error: cannot use s3://bucket/lake as a lake: s3:// lakes are not served yet, use a folder
    "#]],
    );
    place.check(
        &["sqll"],
        &expect![[r#"
        exit 2
        --- stderr
        error: unrecognized subcommand 'sqll'
        hint: a similar subcommand exists: 'sql'
    "#]],
    );
    place.check(
        &["ingest"],
        &expect![[r#"
        exit 2
        --- stderr
        error: the following required arguments were not provided:
          <PATH>...
        hint: carelake help lists the commands, carelake help COMMAND its options
    "#]],
    );
    place.run(&["init"]);
    place.check(
        &["init"],
        &expect![[r#"
        exit 1
        --- stderr
        error: there already is a lake at ./lake
        hint: carelake ingest PATH… fills it
    "#]],
    );
    place.check(
        &["show", "123"],
        &expect![[r#"
        exit 1
        --- stderr
        error: this is no message id
        hint: an id is 32 hex digits, as in the column message_id
    "#]],
    );
    place.check(
        &["show", "00000000000000000000000000000000"],
        &expect![[r#"
        exit 1
        --- stderr
        error: no message 00000000000000000000000000000000 in this lake
        hint: carelake sql 'SELECT message_id FROM staging' lists ids
    "#]],
    );
    place.check(
        &["sql", "SELECT pid.patient_nam FROM staging"],
        &expect![[r#"
        exit 1
        --- stderr
        error: no patient_nam in segment pid
        hint: nearest: patient_name, patient_id
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

#[test]
fn a_replay_of_nothing_that_can_be_is_refused_with_what_there_is() {
    let place = Place::new();
    place.run(&["init"]);
    place.run(&["ingest", "--feed", "north", "adt.hl7"]);
    place.check(
        &["replay", "--feed", "nroth"],
        &expect![[r#"
        exit 1
        --- stderr
        error: no message was received on the feed "nroth"
        hint: there are: north
    "#]],
    );
    place.check(
        &["replay", "--from", "2026-02-01", "--to", "2026-01-31"],
        &expect![[r#"
        exit 1
        --- stderr
        error: the time to end with is not later than the time to begin with
        hint: give --from the earlier time and --to the later one
    "#]],
    );
    place.check(
        &["replay", "--feed", "north"],
        &expect![[r#"
        exit 0
        replayed=1 staged=1 error=0 kept=0
    "#]],
    );
}

#[test]
fn the_configuration_is_checked_and_shown() {
    let place = Place::new();
    place.check(
        &["config", "check"],
        &expect![[r#"
        exit 0
        ok: no file, all values are the defaults
    "#]],
    );
    std::fs::write(place.path().join("carelake.toml"), "[http]\nlisten = \"off\"\n").unwrap();
    place.check(
        &["config", "check"],
        &expect![[r#"
        exit 0
        ok: carelake.toml, 1 value is not the default
    "#]],
    );
    let shown = place.run(&["config", "show", "--lake", "elsewhere"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("\n[lake]\npath = \"elsewhere\"  # --lake\n"), "{shown}");
    assert!(shown.contains("\n[http]\nlisten = \"off\"  # carelake.toml:2\n"), "{shown}");
    std::fs::write(
        place.path().join("open.toml"),
        "insecure = true\n[http]\nlisten = \"0.0.0.0:80\"\n[mllp.lab]\nlisten = \"off\"\n",
    )
    .unwrap();
    place.check(
        &["config", "check", "--config", "open.toml"],
        &expect![[r#"
            exit 0
            ok: open.toml, 3 values are not the defaults
            --- stderr
            warning: open.toml:3:10: http listens on 0.0.0.0:80 without TLS and without authentication: insecure = true allows it
        "#]],
    );
    std::fs::write(
        place.path().join("wrong.toml"),
        "[http]\nlisten = \"0.0.0.0:80\"\nmax_bodi = \"1GB\"\n[limits]\ndisk_reserve = \"some\"\n",
    )
    .unwrap();
    place.check(
        &["config", "check", "--config", "wrong.toml"],
        &expect![[r#"
            exit 1
            --- stderr
            error: wrong.toml:3:1: no key http.max_bodi
            hint: nearest: http.max_body
            error: wrong.toml:5:16: limits.disk_reserve: "some" is not a size
            hint: allowed: a whole number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as "64MB"
        "#]],
    );
    place.check(
        &["config", "show", "--config", "nowhere.toml"],
        &expect![[r#"
            exit 1
            --- stderr
            error: cannot read nowhere.toml: No such file or directory (os error 2)
            hint: look at the path; without --config it is ./carelake.toml, or all defaults
        "#]],
    );
}

#[test]
fn an_audited_lake_records_who_saw_what_and_shows_nothing_that_it_cannot_record() {
    let place = Place::new();
    place.check(
        &["init", "--audited"],
        &expect![[r#"
            exit 0
            made a lake at ./lake
            every access to ./lake is recorded from now on
        "#]],
    );
    place.check(
        &["init", "--audited"],
        &expect![[r#"
            exit 1
            --- stderr
            error: there already is a lake at ./lake
            hint: carelake ingest PATH… fills it
        "#]],
    );
    place.run(&["ingest", "adt.hl7", "text.txt"]);
    let id = |query: &str| {
        let printed = place.run(&["sql", "--format", "csv", query]).stdout;
        String::from_utf8(printed).unwrap().lines().nth(1).unwrap().to_owned()
    };
    let staged = id("SELECT message_id FROM staging");
    let failed = id("SELECT message_id FROM errors");
    place.run(&["sql", "SELECT nothing FROM staging"]);
    place.run(&["show", &staged]);
    place.run(&["show", &"0".repeat(32)]);
    place.run(&["errors", "show", &failed]);
    place.run(&["errors", "retry", &failed]);
    place.run(&["replay", "--feed", "default"]);
    place.check(
        &[
            "sql",
            "SELECT action, outcome, who_kind, address, entity_kind, query FROM audit ORDER BY recorded, chain",
        ],
        &expect![[r#"
            exit 0
            +---------------+---------+----------+---------+-------------+---------------------------------------------------------------------------------------------------+
            | action        | outcome | who_kind | address | entity_kind | query                                                                                             |
            +---------------+---------+----------+---------+-------------+---------------------------------------------------------------------------------------------------+
            | audit_started | success | local    | local   |             |                                                                                                   |
            | export        | success | local    | local   |             | SELECT message_id FROM staging                                                                    |
            | export        | success | local    | local   |             | SELECT message_id FROM errors                                                                     |
            | query         | failed  | local    | local   |             | SELECT nothing FROM staging                                                                       |
            | view_message  | success | local    | local   | message     |                                                                                                   |
            | view_message  | failed  | local    | local   | message     |                                                                                                   |
            | view_error    | success | local    | local   | error       |                                                                                                   |
            | retry         | success | local    | local   | error       |                                                                                                   |
            | replay        | success | local    | local   | feed        |                                                                                                   |
            | query         | success | local    | local   |             | SELECT action, outcome, who_kind, address, entity_kind, query FROM audit ORDER BY recorded, chain |
            +---------------+---------+----------+---------+-------------+---------------------------------------------------------------------------------------------------+
        "#]],
    );
    let seen = format!("SELECT count(*) AS seen FROM audit WHERE entity = '{staged}' AND who_id <> ''");
    assert_eq!(id(&seen), "1");
    let verified = String::from_utf8(place.run(&["verify"]).stdout).unwrap();
    assert!(verified.contains("\naudit: 11 events, held against their chains\n"), "{verified}");

    // A zone that is gone is missed, and where nothing can be written nothing is shown.
    std::fs::rename(place.path().join("lake/audit"), place.path().join("kept")).unwrap();
    let verified = place.run(&["verify"]);
    assert_eq!(verified.status.code(), Some(1));
    let told = String::from_utf8(verified.stderr).unwrap();
    assert!(told.contains("error: the chain ") && told.contains("is not there"), "{told}");
    std::fs::write(place.path().join("lake/audit"), "no folder").unwrap();
    for command in [&["sql", "SELECT control_id FROM staging"][..], &["show", &staged], &["errors", "retry"]]
    {
        let output = place.run(command);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{told}");
        assert!(told.starts_with("error: the access cannot be recorded: "), "{told}");
        assert!(
            told.contains("\nhint: this lake is an audited one, so nothing is shown or changed"),
            "{told}"
        );
    }
}

#[test]
fn a_lake_that_is_there_becomes_an_audited_one() {
    let place = Place::new();
    place.run(&["init"]);
    place.run(&["ingest", "adt.hl7"]);
    place.run(&["sql", "SELECT 1"]);
    assert!(!place.path().join("lake/audit").exists(), "other lakes record nothing");
    place.check(
        &["init", "--audited"],
        &expect![[r#"
            exit 0
            every access to ./lake is recorded from now on
        "#]],
    );
    place.check(
        &["sql", "--format", "csv", "SELECT action, query FROM audit ORDER BY recorded"],
        &expect![[r#"
            exit 0
            action,query
            audit_started,
            export,"SELECT action, query FROM audit ORDER BY recorded"
        "#]],
    );
}
