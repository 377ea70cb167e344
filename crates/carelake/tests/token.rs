//! Tokens as people and scripts see them.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use expect_test::{Expect, expect};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        assert!(place.run(&["init"]).status.success());
        place
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_carelake"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("CARELAKE_LAKE")
            .output()
            .unwrap()
    }

    /// Exit code, stdout and stderr of a command, with what is never the same twice left out.
    fn check(&self, arguments: &[&str], ids: &[&str], expected: &Expect) {
        let output = self.run(arguments);
        let mut text = format!("exit {}\n", output.status.code().unwrap_or(-1));
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        let stderr = String::from_utf8_lossy(&output.stderr);
        if !stderr.is_empty() {
            text.push_str(&format!("--- stderr\n{stderr}"));
        }
        for (number, id) in ids.iter().enumerate() {
            text = text.replace(id, &format!("<id of token {}>", number + 1));
        }
        expected.assert_eq(&without_times(&text));
    }

    /// Makes a token; its id, its whole text, and what was told beside.
    fn create(&self, arguments: &[&str]) -> (String, String, String) {
        let output = self.run(&[&["token", "create"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8(output.stdout).unwrap();
        let token = token.strip_suffix('\n').unwrap();
        let id = token.split('_').nth(1).unwrap();
        (id.to_owned(), token.to_owned(), String::from_utf8(output.stderr).unwrap())
    }
}

/// A moment such as `2026-01-31T12:00:00.000Z` is `<time>`.
fn without_times(text: &str) -> String {
    let is_time = |text: &&str| text.ends_with('Z') && pipeline::time::parse(text).is_some();
    let (mut rest, mut out) = (text, String::new());
    while let Some(first) = rest.chars().next() {
        let (length, shown) = match rest.get(..24).filter(is_time) {
            Some(_) => (24, "<time>"),
            None => (first.len_utf8(), &rest[..first.len_utf8()]),
        };
        out.push_str(shown);
        rest = &rest[length..];
    }
    out
}

#[test]
fn a_token_is_made_listed_and_revoked() {
    let place = Place::new();
    let gateway =
        ["--name", "lab gateway", "--scope", "ingest", "--feed", "lab", "--feed", "adt", "--expires", "90d"];
    let (first, token, told) = place.create(&gateway);
    assert_eq!(token.len(), 63);
    assert!(!told.contains(&token[20..]), "the secret is on stdout alone");
    expect![[r#"
        note: id <id>, scopes ingest, feeds adt,lab
        note: it is good until <time>
        note: this is the only time it is shown: the lake keeps its hash
    "#]]
    .assert_eq(&without_times(&told.replace(&first, "<id>")));
    let (second, _, told) = place.create(&["--name", "analysts", "--scope", "sql", "--scope", "read"]);
    assert!(told.contains("until it is revoked"));
    let ids = [first.as_str(), second.as_str()];

    place.check(
        &["token", "list"],
        &ids,
        &expect![[r#"
        exit 0
        id                state  scopes    feeds    made                      good until                name
        <id of token 1>  valid  ingest    adt,lab  <time>  <time>  lab gateway
        <id of token 2>  valid  read,sql  all      <time>  revoked                   analysts
    "#]],
    );
    place.check(
        &["token", "revoke", &first],
        &ids,
        &expect![[r#"
        exit 0
        revoked <id of token 1>; servers on this lake see it within seconds
    "#]],
    );
    place.check(
        &["token", "revoke", &token],
        &ids,
        &expect![[r#"
        exit 0
        <id of token 1> was revoked before
    "#]],
    );
    place.check(
        &["token", "list"],
        &ids,
        &expect![[r#"
        exit 0
        id                state    scopes    feeds    made                      good until                name
        <id of token 1>  revoked  ingest    adt,lab  <time>  <time>  lab gateway
        <id of token 2>  valid    read,sql  all      <time>  revoked                   analysts
    "#]],
    );
    assert!(
        !holds(&place.folder.path().join("lake"), &token.as_bytes()[20..]),
        "the secret is not in the lake"
    );
    assert!(holds(&place.folder.path().join("lake"), first.as_bytes()));
    assert!(place.run(&["verify"]).status.success(), "tokens are no fault of the lake");
}

#[test]
fn mistakes_are_told_with_a_hint() {
    let place = Place::new();
    let create = |arguments: &[&'static str]| [&["token", "create", "--name", "x"], arguments].concat();
    place.check(
        &create(&["--scope", "write"]),
        &[],
        &expect![[r#"
        exit 2
        --- stderr
        error: invalid value 'write' for '--scope <SCOPE>': the scopes are ingest, read, sql and admin
        hint: carelake help lists the commands, carelake help COMMAND its options
    "#]],
    );
    place.check(
        &create(&[]),
        &[],
        &expect![[r#"
        exit 2
        --- stderr
        error: the following required arguments were not provided:
          --scope <SCOPE>
        hint: carelake help lists the commands, carelake help COMMAND its options
    "#]],
    );
    place.check(
        &create(&["--scope", "sql", "--feed", "lab"]),
        &[],
        &expect![[r#"
        exit 1
        --- stderr
        error: the scope sql covers every feed and cannot be kept to some
        hint: make a token for all feeds, or one with ingest and read alone
    "#]],
    );
    place.check(
        &create(&["--scope", "ingest", "--feed", "a/b"]),
        &[],
        &expect![[r#"
        exit 1
        --- stderr
        error: "a/b" cannot be a feed's name
        hint: use 1 to 100 letters, digits, '-', '_' and '.', with a letter or digit in front
    "#]],
    );
    place.check(
        &create(&["--scope", "ingest", "--expires", "0d"]),
        &[],
        &expect![[r#"
        exit 1
        --- stderr
        error: the token would expire before it is made
    "#]],
    );
    place.check(
        &["token", "revoke", "0123456789abcdef"],
        &[],
        &expect![[r#"
        exit 1
        --- stderr
        error: there is no token 0123456789abcdef
        hint: carelake token list shows those there are
    "#]],
    );
    place.check(
        &["token", "revoke", "cl_0123456789abcdef_not-whole"],
        &[],
        &expect![[r#"
        exit 1
        --- stderr
        error: this is no token id
        hint: an id is 16 hex digits, as carelake token list shows them
    "#]],
    );
    place.check(
        &["token", "list"],
        &[],
        &expect![[r#"
        exit 0
        id  state  scopes  feeds  made  good until  name
    "#]],
    );
}

/// A server of the lake.
struct Serving {
    server: Child,
    address: String,
}

impl Serving {
    fn begin(place: &Place) -> Self {
        let config =
            "[http]\nlisten = \"127.0.0.1:0\"\n[auth]\nrequired = true\n[mllp.default]\nlisten = \"off\"\n";
        std::fs::write(place.folder.path().join("carelake.toml"), config).unwrap();
        let mut server = Command::new(env!("CARGO_BIN_EXE_carelake"))
            .arg("serve")
            .current_dir(place.folder.path())
            .env_remove("CARELAKE_LAKE")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap().to_owned();
        Self { server, address }
    }

    /// The status of the answer to a request.
    fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> u16 {
        self.answer(method, path, token, body).0
    }

    /// The status and all the rest of the answer to a request.
    fn answer(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let authorization =
            token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{authorization}\
             Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
    }

    fn end(mut self) {
        let id = self.server.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.server.wait().unwrap().success());
    }
}

#[test]
fn who_came_in_and_who_did_not_is_in_the_audit_zone() {
    let place = Place::new();
    assert!(place.run(&["init", "--audited"]).status.success());
    let (_, analyst, _) = place.create(&["--name", "analysts", "--scope", "sql"]);
    let (lost, lost_token, _) = place.create(&["--name", "lost one", "--scope", "admin"]);
    assert!(place.run(&["token", "revoke", &lost]).status.success());
    let serving = Serving::begin(&place);
    for _ in 0..30 {
        assert_eq!(serving.ask("GET", "/v1/messages/0123456789abcdef0123456789abcdef", None, ""), 401);
    }
    assert_eq!(serving.ask("GET", "/v1/errors", Some(&lost_token), ""), 401);
    assert_eq!(serving.ask("POST", "/hl7", Some(&analyst), "MSH|"), 403);
    for _ in 0..3 {
        assert_eq!(serving.ask("POST", "/v1/sql", Some(&analyst), "SELECT 1"), 200);
    }
    // What needs the lake's parts all together: the catalog of an admin, and a message as a row.
    let (_, admin, _) = place.create(&["--name", "admin", "--scope", "sql", "--scope", "admin"]);
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    for (token, has_audit) in [(&analyst, false), (&admin, true)] {
        let (status, catalog) = serving.answer("GET", "/v1/catalog", Some(token), "");
        assert_eq!((status, catalog.contains("\"audit\"")), (200, has_audit), "{catalog}");
    }
    let message = "MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|C1|P|2.5\rPID|1||P1\r";
    let (status, row) = serving.answer("POST", "/v1/convert?shape=flat", Some(&analyst), message);
    assert!(
        status == 200 && row.contains("\"control_id\":\"C1\"") && row.contains("\"raw_key\":\"-\""),
        "{row}"
    );
    serving.end();
    let asked = "SELECT action, outcome, who_kind, CASE WHEN who_kind = 'local' THEN 'me' ELSE who_name END AS who, \
         entity_kind, CASE WHEN entity_kind = 'token' THEN 'its id' ELSE entity END AS what, count(*) AS events \
         FROM audit WHERE action IN ('refused', 'sign_in', 'token_created', 'token_revoked') \
         GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6";
    let answer = place.run(&["sql", "--format", "csv", asked]);
    expect![[r#"
        action,outcome,who_kind,who,entity_kind,what,events
        refused,failed,token,analysts,reason,scope,1
        refused,failed,token,analysts,request,POST /hl7,1
        refused,failed,token,lost one,reason,revoked,1
        refused,failed,token,lost one,request,GET /v1/errors,1
        refused,failed,unknown,unknown,reason,no_token,11
        refused,failed,unknown,unknown,request,GET /v1/messages/{id},11
        refused,failed,unknown,unknown,times,20,1
        sign_in,success,token,admin,token,its id,1
        sign_in,success,token,analysts,token,its id,1
        token_created,success,local,me,token,its id,3
        token_revoked,success,local,me,token,its id,1
    "#]]
    .assert_eq(&String::from_utf8(answer.stdout).unwrap());
    let verified = place.run(&["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// Whether a file under a folder, or its name, holds these bytes.
fn holds(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, bytes);
        }
        let content = std::fs::read(&path).unwrap();
        let in_content = content.windows(bytes.len()).any(|window| window == bytes);
        in_content || path.to_string_lossy().as_bytes().windows(bytes.len()).any(|window| window == bytes)
    })
}
