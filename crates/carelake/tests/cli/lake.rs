//! A lake made, filled and asked, and mistakes on the way.

use expect_test::expect;

use super::*;

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
        &["--lake", "gs://bucket/lake", "catalog"],
        &expect![[r#"
        exit 1
        --- stderr
        error: cannot use gs://bucket/lake as a lake: gs:// is not known here, a folder or s3://BUCKET/PREFIX is
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
