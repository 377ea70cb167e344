//! What whoever runs a lake sets and sees: configuration, audit zone.

use expect_test::expect;

use super::*;

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
