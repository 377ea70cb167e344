//! The sender against servers of a few lines that misbehave on purpose. What they took is what the ledger must name.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::feed::{self, Mix};

/// What a server does with the message of this number, counted from 1 over all connections.
#[derive(Clone, Copy)]
enum Does {
    Acks,
    /// AE, and keeps nothing.
    SaysAgain,
    /// Keeps it, then hangs up without an answer.
    HangsUp,
    /// AR.
    Refuses,
}

/// How often each message was kept, by its bytes.
type Kept = Arc<Mutex<BTreeMap<Vec<u8>, u64>>>;

struct Server {
    address: String,
    kept: Kept,
}

/// Serves for as long as the test runs.
fn serve(serve_one: impl Fn(TcpStream, &Kept) + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let kept = Kept::default();
    let (serve_one, shared) = (Arc::new(serve_one), Arc::clone(&kept));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (serve_one, shared) = (Arc::clone(&serve_one), Arc::clone(&shared));
            std::thread::spawn(move || serve_one(stream.unwrap(), &shared));
        }
    });
    Server { address, kept }
}

fn serve_mllp(does: impl Fn(u64) -> Does + Send + Sync + 'static) -> Server {
    let count = AtomicU64::new(0);
    serve(move |mut stream, kept| {
        let mut frames = Frames::default();
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            frames.feed(&buffer[..length]);
            while let Some(message) = frames.take() {
                let does = does(count.fetch_add(1, Ordering::SeqCst) + 1);
                let code = match does {
                    Does::Acks => "AA",
                    Does::HangsUp => "",
                    Does::SaysAgain => "AE",
                    Does::Refuses => "AR",
                };
                if matches!(does, Does::Acks | Does::HangsUp) {
                    *kept.lock().unwrap().entry(message.clone()).or_default() += 1;
                }
                if code.is_empty() {
                    return;
                }
                let mut out = Vec::new();
                frame(acknowledgment(code, &control_id(&message)).as_bytes(), &mut out);
                if stream.write_all(&out).is_err() {
                    return;
                }
            }
        }
    })
}

fn acknowledgment(code: &str, control_id: &str) -> String {
    format!("MSH|^~\\&|||||||ACK|1|P|2.5.1\rMSA|{code}|{control_id}\r")
}

fn plan(server: &Server, door: Door, messages: u64) -> Plan {
    Plan {
        addresses: vec![server.address.clone()],
        door,
        connections: 4,
        mix: Mix::Weekday,
        seed: 9,
        repeat: None,
        first: 0,
        messages: Some(messages),
        seconds: None,
        rate: None,
        answer_within: Duration::from_secs(10),
        patience: Duration::from_secs(10),
    }
}

/// Sends with a ledger; gives the control IDs in it.
fn send_with_ledger(name: &str, plan: &Plan) -> (Report, Vec<String>) {
    let path: PathBuf = std::env::temp_dir().join(format!("testkit-{name}-{}.ledger", std::process::id()));
    let report = send(plan, Some(&path)).unwrap();
    let ledger = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let ids = ledger.lines().map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [id, number, code, latency, at] = fields[..] else { panic!("{line}") };
        assert_eq!(id, control_id(&feed::message(plan.mix, plan.seed, number.parse().unwrap())));
        assert!(matches!(code, "AA" | "CA"));
        assert!(latency.parse::<u64>().unwrap() < at.parse::<u64>().unwrap());
        id.to_owned()
    });
    (report, ids.collect())
}

fn assert_all_kept(server: &Server, ids: &[String], messages: usize) {
    let unique: BTreeSet<&String> = ids.iter().collect();
    assert_eq!((unique.len(), ids.len()), (messages, messages), "each message stands in the ledger once");
    let kept: BTreeSet<String> =
        server.kept.lock().unwrap().keys().map(|message| control_id(message)).collect();
    assert!(unique.into_iter().all(|id| kept.contains(id)));
}

#[test]
fn every_message_is_sent_once_over_connections_that_hold() {
    for (window, split) in [(1, false), (32, false), (8, true)] {
        let server = serve_mllp(|_| Does::Acks);
        let (report, ids) =
            send_with_ledger(&format!("hold-{window}"), &plan(&server, Door::Mllp { window, split }, 500));
        assert_all_kept(&server, &ids, 500);
        assert_eq!((report.counts.acked, report.counts.resent, report.counts.stray), (500, 0, 0));
        assert!(server.kept.lock().unwrap().values().all(|times| *times == 1));
        let sent: u64 = feed::messages(Mix::Weekday, 9).take(500).map(|message| message.len() as u64).sum();
        assert_eq!(report.counts.bytes, sent);
    }
}

#[test]
fn repeated_messages_differ_by_their_control_ids() {
    let server = serve_mllp(|_| Does::Acks);
    let mut plan = plan(&server, Door::Mllp { window: 4, split: false }, 100);
    (plan.repeat, plan.first) = (Some(7), 3);
    let report = send(&plan, None).unwrap();
    let kept = server.kept.lock().unwrap();
    assert_eq!((report.counts.acked, kept.len()), (100, 100));
    for number in 0..100 {
        let id = feed::control_id(9, number + 3);
        let message = kept.keys().find(|message| control_id(message) == id).unwrap();
        let made = feed::message(Mix::Weekday, 9, (number + 3) % 7);
        let as_made = String::from_utf8(made.clone()).unwrap().replacen(&control_id(&made), &id, 1);
        assert_eq!(message, as_made.as_bytes());
    }
}

#[test]
fn what_a_broken_connection_left_unanswered_is_sent_again() {
    for window in [1, 16] {
        let server = serve_mllp(|nth| if nth.is_multiple_of(37) { Does::HangsUp } else { Does::Acks });
        let (report, ids) = send_with_ledger(
            &format!("hang-{window}"),
            &plan(&server, Door::Mllp { window, split: false }, 400),
        );
        assert_all_kept(&server, &ids, 400);
        assert!(report.counts.broken >= 10, "{} broken", report.counts.broken);
        assert!(report.counts.resent >= report.counts.broken);
    }
}

#[test]
fn an_error_is_waited_for_and_a_refusal_is_not() {
    let server = serve_mllp(|nth| match nth {
        10 | 20 | 30 => Does::SaysAgain,
        40 | 50 => Does::Refuses,
        _ => Does::Acks,
    });
    let (report, ids) =
        send_with_ledger("again", &plan(&server, Door::Mllp { window: 4, split: false }, 100));
    assert_all_kept(&server, &ids, 98);
    assert_eq!((report.counts.sent_back, report.counts.resent, report.counts.refused), (3, 3, 2));
}

#[test]
fn an_answer_to_another_message_acknowledges_nothing() {
    let server = serve(|mut stream, _| {
        let mut buffer = [0; 4096];
        while let Ok(1..) = stream.read(&mut buffer) {
            let mut out = Vec::new();
            frame(acknowledgment("AA", "somebody-else").as_bytes(), &mut out);
            if stream.write_all(&out).is_err() {
                return;
            }
        }
    });
    let short = Duration::from_millis(100);
    let plan = Plan {
        answer_within: short,
        patience: short * 5,
        connections: 1,
        ..plan(&server, Door::Mllp { window: 1, split: false }, 1)
    };
    let error = send(&plan, None).unwrap_err();
    assert!(error.to_string().contains("has not answered"), "{error}");
}

#[test]
fn another_address_is_tried_when_one_is_gone() {
    let server = serve_mllp(|_| Does::Acks);
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut plan = plan(&server, Door::Mllp { window: 1, split: false }, 50);
    plan.addresses.insert(0, gone);
    assert_eq!(send(&plan, None).unwrap().counts.acked, 50);
}

#[test]
fn the_rate_and_the_time_are_kept() {
    let server = serve_mllp(|_| Does::Acks);
    let plan = Plan {
        messages: None,
        seconds: Some(1.0),
        rate: Some(200.0),
        ..plan(&server, Door::Mllp { window: 4, split: false }, 0)
    };
    let report = send(&plan, None).unwrap();
    assert!((150..=200).contains(&report.counts.acked), "{} acked", report.counts.acked);
    assert!(report.seconds > 0.9 && report.seconds < 5.0, "{} s", report.seconds);
}

#[test]
fn batches_are_posted_and_counted() {
    let requests = AtomicU64::new(0);
    let server = serve(move |stream, kept| {
        let mut reader = BufReader::new(stream);
        while let Some((head, body)) = read_request(&mut reader) {
            assert!(head.starts_with("POST /v1/feeds/lab/messages HTTP/1.1"));
            let nth = requests.fetch_add(1, Ordering::SeqCst) + 1;
            if nth.is_multiple_of(5) {
                let answer =
                    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n";
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
                continue;
            }
            let messages = split_batch(&body);
            let count = messages.len();
            for message in messages {
                *kept.lock().unwrap().entry(message).or_default() += 1;
            }
            if nth.is_multiple_of(7) {
                return;
            }
            let body = format!("{{\"feed\":\"lab\",\"received\":{count},\"staged\":0}}");
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    let door = Door::Batches { feed: "lab".to_owned(), size: 10 };
    let (report, ids) = send_with_ledger("batches", &plan(&server, door, 305));
    assert_all_kept(&server, &ids, 305);
    assert!(report.counts.sent_back >= 5 && report.counts.broken >= 3);
    assert!(report.counts.resent >= 80, "whole batches are sent again: {}", report.counts.resent);
}

#[test]
fn hl7_over_http_reads_the_acknowledgment() {
    let server = serve(|stream, kept| {
        let mut reader = BufReader::new(stream);
        while let Some((head, message)) = read_request(&mut reader) {
            assert!(head.starts_with("POST /hl7 HTTP/1.1"));
            let body = acknowledgment("CA", &control_id(&message));
            *kept.lock().unwrap().entry(message).or_default() += 1;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    let (report, ids) = send_with_ledger("hl7", &plan(&server, Door::Hl7OverHttp, 60));
    assert_all_kept(&server, &ids, 60);
    assert_eq!((report.counts.acked, report.counts.stray), (60, 0));
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn split_batch(body: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8(body.to_vec()).unwrap();
    let parts = text.split("MSH|").skip(1);
    parts.map(|part| format!("MSH|{part}").into_bytes()).collect()
}
