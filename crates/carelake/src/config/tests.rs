//! File pairs: `testdata/config/right/NAME.toml` beside `NAME.shown` (the configuration in effect), `wrong/NAME.toml` beside
//! `NAME.errors` (what people read). `UPDATE_EXPECT=1 cargo test -p carelake` rewrites the expectations.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use expect_test::{Expect, expect, expect_file};
use toml::{Table, Value};

use super::describe::{Section, Shape};
use super::effective::root;
use super::feeds::Feed;
use super::path::{all_keys, join};
use super::*;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new("testdata/config").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

fn load(file: &Path, environment: &[(&str, &str)]) -> Result<Effective, Errors> {
    let environment = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Effective::of(Some(file), CommandLine::default(), environment)
}

/// All errors as they are printed.
fn printed(errors: &Errors) -> String {
    errors.iter().map(|wrong| format!("error: {wrong}\nhint: {}\n", wrong.hint())).collect()
}

#[test]
fn what_is_right() {
    let files = files("right");
    assert!(files.len() >= 3, "found only {} files", files.len());
    for file in files {
        let effective = load(&file, &[]).unwrap_or_else(|errors| panic!("{}", printed(&errors)));
        expect_file![std::path::absolute(file.with_extension("shown")).unwrap()]
            .assert_eq(&effective.to_toml());
    }
}

#[test]
fn what_is_wrong() {
    let files = files("wrong");
    assert!(files.len() >= 8, "found only {} files", files.len());
    for file in files {
        let errors = load(&file, &[]).unwrap_err();
        let text = printed(&errors).replace("testdata/config/wrong/", "");
        expect_file![std::path::absolute(file.with_extension("errors")).unwrap()].assert_eq(&text);
    }
}

#[test]
fn what_is_shown_means_the_same_when_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for file in files("right") {
        let effective = load(&file, &[]).unwrap();
        let again = folder.path().join("again.toml");
        std::fs::write(&again, effective.to_toml()).unwrap();
        let again = load(&again, &[]).unwrap_or_else(|errors| panic!("{}", printed(&errors)));
        assert!(again.config == effective.config, "{}", file.display());
    }
}

/// The paths of all values in a configuration as serde writes it, with NAME for what people name.
fn written_keys(section: &Section, table: &Table, above: &str, keys: &mut BTreeSet<String>) {
    for (name, value) in table {
        let path = join(above, name);
        let shape = section.keys.iter().find(|key| key.name == name).map(|key| &key.shape);
        match (shape, value) {
            (Some(Shape::Section(inner)), Value::Table(table)) => written_keys(inner, table, &path, keys),
            (Some(Shape::Named { each, .. }), Value::Table(table)) => {
                for value in table.values() {
                    match (&**each, value) {
                        (Shape::Section(inner), Value::Table(table)) => {
                            written_keys(inner, table, &format!("{path}.NAME"), keys);
                        }
                        _ => drop(keys.insert(format!("{path}.NAME"))),
                    }
                }
            }
            _ => drop(keys.insert(path)),
        }
    }
}

#[test]
fn the_description_names_exactly_the_keys_of_the_structs() {
    let effective = load(Path::new("testdata/config/right/full.toml"), &[]).unwrap();
    let mut written = BTreeSet::new();
    written_keys(&root(), &Table::try_from(&effective.config).unwrap(), "", &mut written);
    // The sample sets every key, so that a key without a default is there as well.
    assert_eq!(written, all_keys(&root()).into_iter().collect());
    let from_file = effective.sources.values().filter(|source| matches!(source, wrong::Source::File { .. }));
    assert!(from_file.count() > 60);
}

#[test]
fn every_key_says_what_it_is_and_every_default_is_allowed() {
    fn look(section: &Section, above: &str) {
        assert!(section.text.len() > 5, "{above}");
        for key in &section.keys {
            let path = join(above, key.name);
            assert!(key.text.trim().ends_with('.'), "{path}");
            let default = key.default.map(|text| text.parse::<Value>().unwrap());
            match (&key.shape, default) {
                (Shape::Value(kind), Some(default)) => assert!((kind.accepts)(default), "{path}"),
                (Shape::List(kind), Some(default)) => {
                    assert!(
                        default.as_array().unwrap().iter().all(|item| (kind.accepts)(item.clone())),
                        "{path}"
                    );
                }
                (Shape::Section(inner), None) => look(inner, &path),
                (Shape::Named { name, each }, default) => {
                    assert!(default.is_none_or(|name_there| (name.accepts)(name_there)), "{path}");
                    if let Shape::Section(inner) = &**each {
                        look(inner, &path);
                    }
                }
                (Shape::Section(_), Some(_)) => panic!("{path}: a section has no default"),
                (Shape::Value(kind) | Shape::List(kind), None) => {
                    let has_file =
                        section.keys.iter().any(|other| other.name == format!("{}_file", key.name));
                    assert!(!kind.is_secret || (key.is_optional && has_file), "{path}");
                }
            }
        }
    }
    look(&root(), "");
}

#[test]
fn a_feed_without_a_section_has_the_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("carelake.toml");
    std::fs::write(&file, "[feeds.plain]\n[feeds.strict]\nstrict = true").unwrap();
    let config = load(&file, &[]).unwrap().config;
    assert_eq!(config.feed("plain"), Feed::default());
    assert_eq!(config.feed("other"), Feed::default());
    assert_eq!(config.feed("strict"), Feed { strict: true, ..Feed::default() });
}

#[test]
fn tokens_are_needed_where_others_can_reach_http() {
    let file = Path::new("testdata/config/right/empty.toml");
    let needs = |environment: &[(&str, &str)]| load(file, environment).unwrap().config.needs_tokens();
    let pem = "testdata/config/some.pem";
    let tls = [("CARELAKE_HTTP__TLS__CERTIFICATE", pem), ("CARELAKE_HTTP__TLS__KEY", pem)];
    let open = ("CARELAKE_HTTP__LISTEN", "0.0.0.0:80");
    assert!(!needs(&[]));
    assert!(needs(&[("CARELAKE_AUTH__REQUIRED", "true")]));
    assert!(needs(&[open, tls[0], tls[1]]));
    assert!(!needs(&[open, ("CARELAKE_INSECURE", "true")]));
    assert!(needs(&[open, ("CARELAKE_INSECURE", "true"), ("CARELAKE_AUTH__REQUIRED", "true")]));
}

#[test]
fn a_missing_file_is_an_error_only_if_it_is_named() {
    let errors = Config::load(Some(Path::new("testdata/config/not-there.toml"))).unwrap_err();
    expect![[r#"
        error: cannot read testdata/config/not-there.toml: No such file or directory (os error 2)
        hint: look at the path; without --config it is ./carelake.toml, or all defaults
    "#]]
    .assert_eq(&printed(&errors));
    // The folder of the crate, where tests run, has none.
    let effective = Effective::of(None, CommandLine::default(), []).unwrap();
    assert_eq!(effective.file, None);
    let empty = load(Path::new("testdata/config/right/empty.toml"), &[]).unwrap();
    assert_eq!(effective.config, empty.config);
}

#[test]
fn the_environment_comes_before_the_file_and_the_command_line_before_both() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("carelake.toml");
    std::fs::write(
        &file,
        "lake.path = 'file'\n[http]\nlisten = '127.0.0.1:1'\nmax_requests = 1\n[feeds.LAB]\nstrict = false\n",
    )
    .unwrap();
    let environment = [
        ("CARELAKE_HTTP__LISTEN", "127.0.0.1:9000"),
        ("CARELAKE_http__Max_Body", "\"5MB\""),
        ("CARELAKE_FEEDS__LAB__STRICT", "true"),
        ("CARELAKE_FEEDS__LAB__DROP", r#"["ACK", "ADT^A31"]"#),
        ("CARELAKE_FEEDS__NEW__CHARSET", "8859/1"),
        ("CARELAKE_MLLP__ADT__LISTEN", "off"),
        ("CARELAKE_LAKE", "2024"),
        ("CARELAKE_LOGS__LEVEL", ""),
        ("CARELAKE_CORPUS", "/not/ours"),
        ("OTHER_HTTP__LISTEN", "x"),
        ("CARELAKE_TRACES__TOKEN", "[\"hush\"]"),
        ("CARELAKE_TRACES__OTLP_ENDPOINT", "https://traces.example.org"),
    ];
    let effective = load(&file, &environment).unwrap_or_else(|errors| panic!("{}", printed(&errors)));
    assert_eq!(effective.config.traces.token.as_ref().unwrap().reveal(), "[\"hush\"]");
    let shown = effective.to_toml();
    assert!(!shown.contains("hush") && !format!("{effective:?}").contains("hush"));
    let given: String = shown
        .lines()
        .filter(|line| line.starts_with('[') || (line.contains("  # ") && !line.ends_with("# default")))
        .map(|line| line.replace(&file.display().to_string(), "carelake.toml") + "\n")
        .collect();
    expect![[r#"
        [lake]
        path = "2024"  # CARELAKE_LAKE
        [feeds.LAB]
        strict = true  # CARELAKE_FEEDS__LAB__STRICT
        drop = ["ACK", "ADT^A31"]  # CARELAKE_FEEDS__LAB__DROP
        [feeds.new]
        charset = "8859/1"  # CARELAKE_FEEDS__NEW__CHARSET
        [mllp.adt]
        listen = "off"  # CARELAKE_MLLP__ADT__LISTEN
        [http]
        listen = "127.0.0.1:9000"  # CARELAKE_HTTP__LISTEN
        max_body = "5MB"  # CARELAKE_http__Max_Body
        max_requests = 1  # carelake.toml:4
        [raw_folder]
        [limits]
        [commit]
        [log]
        [retention]
        [logs]
        [traces]
        otlp_endpoint = "https://traces.example.org"  # CARELAKE_TRACES__OTLP_ENDPOINT
        # token = "(set)"  # CARELAKE_TRACES__TOKEN
    "#]]
    .assert_eq(&given);

    let line = CommandLine { lake: Some("line"), insecure: true };
    let effective = Effective::of(Some(&file), line, [("CARELAKE_LAKE".into(), "variable".into())]).unwrap();
    assert_eq!(effective.config.lake.path.as_str(), "line");
    assert!(effective.config.insecure);
    assert!(effective.to_toml().contains("path = \"line\"  # --lake"));
}

#[test]
fn the_mark_that_some_editors_begin_a_file_with_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("carelake.toml");
    std::fs::write(&file, "\u{feff}lake.path = 'here'\r\n[http]\r\nlisten = 'off'\r\n").unwrap();
    let config = load(&file, &[]).unwrap_or_else(|errors| panic!("{}", printed(&errors))).config;
    assert_eq!((config.lake.path.as_str(), config.http.listen), ("here", values::Listen::Off));
}

#[test]
fn several_errors_make_one_failure_that_reads_like_them() {
    let errors = load(Path::new("testdata/config/wrong/open-doors.toml"), &[]).unwrap_err();
    let text = printed(&errors);
    let failure = format!("{:?}", crate::report::Failure::from(errors));
    for line in text.lines() {
        let (_, said) = line.split_once(": ").unwrap();
        assert!(failure.contains(said), "{said}");
    }
}

#[test]
fn what_is_wrong_with_the_environment() {
    let check = |environment: &[(&str, &str)], expected: &Expect| {
        let errors = load(Path::new("testdata/config/right/empty.toml"), environment).unwrap_err();
        expected.assert_eq(&printed(&errors));
    };
    check(
        &[
            ("CARELAKE_HTTP__LISTN", "127.0.0.1:80"),
            ("CARELAKE_HTTP_LISTEN", "127.0.0.1:80"),
            ("CARELAKE_HTTP__MAX_REQUESTS", "many"),
            ("CARELAKE_HTTP__MAX_BODY", "7"),
            ("CARELAKE_FEEDS__LAB__DROP", "ACK"),
            ("CARELAKE_FEEDS__ADT__DROP", "['ACK', 'ADT^']"),
            ("CARELAKE_HTTP__", "x"),
            ("CARELAKE_LOGS__", "x"),
            ("CARELAKE_MLLP__LAB", "127.0.0.1:80"),
            ("CARELAKE_LISTEN__X", "127.0.0.1:80"),
            ("CARELAKE_LAKE", "one"),
            ("CARELAKE_LAKE__PATH", "two"),
            ("CARELAKE_INSECURE", "perhaps"),
        ],
        &expect![[r#"
            error: CARELAKE_FEEDS__ADT__DROP: feeds.adt.drop[2]: "ADT^" is not a filter
            hint: allowed: a message type such as "ACK", type^event such as "ADT^A31", or "unchanged ADT^A31": if nothing but MSH-7, MSH-10 and EVN changed since the patient's last
            error: CARELAKE_FEEDS__LAB__DROP: feeds.lab.drop is not a list
            hint: allowed: a list in brackets, each of it a message type such as "ACK", type^event such as "ADT^A31", or "unchanged ADT^A31": if nothing but MSH-7, MSH-10 and EVN changed since the patient's last
            error: CARELAKE_HTTP_LISTEN: this variable names no key
            hint: two underscores stand between the parts of a key: CARELAKE_HTTP__LISTEN
            error: CARELAKE_HTTP__: this variable names no key
            hint: CARELAKE_SECTION__KEY, such as CARELAKE_HTTP__LISTEN
            error: CARELAKE_HTTP__LISTN: no key http.listn
            hint: nearest: CARELAKE_HTTP__LISTEN
            error: CARELAKE_HTTP__MAX_BODY: http.max_body: "7" is not a size
            hint: allowed: a whole number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as "64MB"
            error: CARELAKE_HTTP__MAX_REQUESTS: http.max_requests: "many" is not a number above 0
            hint: allowed: a whole number from 1 to 4294967295, without quotes
            error: CARELAKE_INSECURE: insecure: "perhaps" is not true or false
            hint: allowed: true or false, without quotes
            error: CARELAKE_LAKE__PATH: CARELAKE_LAKE gives the same key
            hint: unset one of the two variables
            error: CARELAKE_LISTEN__X: no key listen
            hint: there is: CARELAKE_MLLP__NAME__LISTEN, CARELAKE_HTTP__LISTEN
            error: CARELAKE_LOGS__: this variable names no key
            hint: CARELAKE_SECTION__KEY, such as CARELAKE_HTTP__LISTEN
            error: CARELAKE_MLLP__LAB: mllp.lab is a section, not a value
            hint: CARELAKE_MLLP__LAB__KEY sets one of its keys
        "#]],
    );
    check(
        &[("CARELAKE_TRACES__TOKEN", "hush"), ("CARELAKE_TRACES__TOKEN_FILE", "testdata/config/some.pem")],
        &expect![[r#"
            error: CARELAKE_TRACES__TOKEN_FILE: traces.token_file and traces.token are both given
            hint: give one of the two
        "#]],
    );
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_printed() {
    let errors = load(Path::new("testdata/config/wrong/secret.toml"), &[]).unwrap_err();
    assert!(!printed(&errors).contains("hush") && !format!("{errors:?}").contains("hush"));
}
