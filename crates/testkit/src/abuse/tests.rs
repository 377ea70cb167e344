use std::net::TcpListener;
use std::sync::mpsc;

use super::*;

fn abuse(kind: Kind, address: SocketAddr) -> Abuse {
    Abuse { kind, address, count: 5, seconds: 0.5, seed: 3 }
}

/// Runs against a server that reads everything; gives what came of it, and the bytes of each connection that ended by
/// itself or with the run.
fn against_a_reader(kind: Kind) -> (Outcome, Vec<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (give, take) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let give = give.clone();
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                let _ = stream.unwrap().read_to_end(&mut bytes);
                let _ = give.send(bytes);
            });
        }
    });
    let outcome = run(&abuse(kind, address)).unwrap();
    let bytes = (0..outcome.opened).map(|_| take.recv_timeout(Duration::from_secs(10)).unwrap()).collect();
    (outcome, bytes)
}

#[test]
fn other_machines_are_left_alone() {
    let error = run(&abuse(Kind::Connections, "192.0.2.1:2575".parse().unwrap())).unwrap_err();
    assert!(error.to_string().contains("loopback"));
}

#[test]
fn silent_connections_are_held() {
    let (outcome, bytes) = against_a_reader(Kind::Connections);
    assert_eq!((outcome.opened, outcome.most_open, outcome.sent_bytes), (5, 5, 0));
    assert!(bytes.iter().all(Vec::is_empty));
}

#[test]
fn a_slow_client_begins_a_frame_and_never_ends_it() {
    let (outcome, bytes) = against_a_reader(Kind::Slowloris);
    assert_eq!(outcome.opened, 5);
    assert!(bytes.iter().all(|bytes| bytes[0] == 0x0b && bytes.len() < 5 && !bytes.contains(&0x1c)));
}

#[test]
fn junk_holds_no_frame() {
    let (outcome, bytes) = against_a_reader(Kind::Junk);
    assert!(outcome.sent_bytes > 100_000);
    assert!(bytes.iter().all(|bytes| !bytes.contains(&0x0b)));
}

#[test]
fn half_frames_are_sent_again_and_again() {
    let (outcome, bytes) = against_a_reader(Kind::HalfFrame);
    assert!(outcome.opened > 10, "{outcome}");
    assert!(bytes.iter().all(|bytes| bytes.is_empty() || bytes[0] == 0x0b));
    assert!(bytes.iter().all(|bytes| !bytes.contains(&0x1c)));
    let whole = bytes.iter().filter(|bytes| bytes.len() > 100).count();
    assert!(whole > 5, "{whole} of {}", bytes.len());
}

#[test]
fn answers_stay_unread_until_nothing_can_be_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Accepts by the queue alone and reads nothing either: both sides' buffers fill.
    let outcome = run(&Abuse { seconds: 1.0, count: 1, ..abuse(Kind::NoRead, address) }).unwrap();
    assert_eq!((outcome.opened, outcome.ended_by_server), (1, 0));
    assert!(outcome.sent_bytes > 100_000, "{outcome}");
    drop(listener);
}

#[test]
fn a_server_that_hangs_up_is_noticed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let outcome = run(&abuse(Kind::Connections, address)).unwrap();
    assert!(outcome.ended_by_server >= 5, "{outcome}");
}
