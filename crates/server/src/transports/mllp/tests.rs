use std::io::ErrorKind;

use pipeline::{FeedRules, Filter, LiveSettings, Location, staged_ids, verify};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::feeds::Acknowledge;

struct Running {
    _folder: tempfile::TempDir,
    live: Arc<Live>,
    address: SocketAddr,
    shutdown: CancellationToken,
    door: tokio::task::JoinHandle<()>,
    metrics: Arc<Metrics>,
}

impl Running {
    async fn start(settings: Settings, feeds: Feeds) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::parse(folder.path().join("lake").to_str().unwrap()).unwrap();
        let lake = pipeline::init(location).await.unwrap();
        let live_settings = LiveSettings { gather: Duration::from_millis(5), ..LiveSettings::default() };
        let live = Arc::new(Live::open(&lake, live_settings).await.unwrap().0);
        let door = Door::open("127.0.0.1:0".parse().unwrap(), settings, None).await.unwrap();
        let (address, shutdown, metrics) =
            (door.address().unwrap(), CancellationToken::new(), Arc::new(Metrics::default()));
        let running = door.run(live.clone(), Arc::new(feeds), metrics.clone(), shutdown.clone());
        Self { _folder: folder, live, address, shutdown, door: tokio::spawn(running), metrics }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Ends as the program does; gives how many messages are staged.
    async fn end(self) -> usize {
        self.shutdown.cancel();
        self.door.await.unwrap();
        self.live.close().await;
        let verified = verify(self.live.lake()).await.unwrap();
        assert!(verified.problems.is_empty(), "{:#?}", verified.problems);
        staged_ids(self.live.lake()).await.unwrap().len()
    }
}

fn message(number: usize) -> String {
    format!("MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|C{number}|P|2.5\rPID|1||P{number}\r")
}

fn frame(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    hl7::mllp::frame(text.as_bytes(), &mut out);
    out
}

/// The next answers, each as `CODE control-id`.
async fn answers(stream: &mut TcpStream, count: usize) -> Vec<String> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    while bytes.iter().filter(|byte| **byte == hl7::mllp::END).count() < count {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the door closed after {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&buffer[..read]);
    }
    let text = String::from_utf8(bytes).unwrap();
    let msa = |frame: &str| {
        let msa = frame.split('\r').find(|segment| segment.starts_with("MSA"))?.split('|');
        Some(msa.skip(1).take(2).collect::<Vec<_>>().join(" "))
    };
    text.split('\u{1c}').filter_map(msa).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_answered_in_order_however_they_are_cut() {
    let running = Running::start(Settings::default(), Feeds::default()).await;
    let mut stream = running.connect().await;
    // Several in one write, one in many, with junk between and a frame that ends in a line feed as well.
    let mut bytes = [frame(&message(0)), b"junk".to_vec(), frame(&message(1)), b"\n".to_vec()].concat();
    bytes.extend(frame(&message(2)));
    stream.write_all(&bytes).await.unwrap();
    for byte in frame(&message(3)) {
        stream.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(answers(&mut stream, 4).await, ["AA C0", "AA C1", "AA C2", "AA C3"]);
    // Sent again it is answered the same way, and staged once.
    stream.write_all(&frame(&message(3))).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, ["AA C3"]);
    // Without a carriage return behind the end block, and nothing after it.
    let last = frame(&message(4));
    stream.write_all(&last[..last.len() - 1]).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, ["AA C4"]);
    let text = running.metrics.text(0, None);
    assert!(text.contains("carelake_acknowledged_total{feed=\"default\",code=\"AA\"} 6"), "{text}");
    assert!(text.contains("carelake_skipped_bytes_total{door=\"default\"} 4"), "{text}");
    drop(stream);
    assert_eq!(running.end().await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_of_messages_is_answered_in_order_with_fewer_syncs() {
    let running = Running::start(Settings { window: 64, ..Settings::default() }, Feeds::default()).await;
    let mut stream = running.connect().await;
    let (mut reader, mut writer) = stream.split();
    let all: Vec<u8> = (0..500).flat_map(|number| frame(&message(number))).collect();
    let sending = writer.write_all(&all);
    let receiving = async {
        let (mut bytes, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
        while bytes.iter().filter(|byte| **byte == hl7::mllp::END).count() < 500 {
            let read = reader.read(&mut buffer).await.unwrap();
            bytes.extend_from_slice(&buffer[..read]);
        }
        String::from_utf8(bytes).unwrap()
    };
    let (sent, answered) = tokio::join!(sending, receiving);
    sent.unwrap();
    let ids: Vec<&str> =
        answered.split("MSA|AA|C").skip(1).filter_map(|rest| rest.split('\r').next()).collect();
    assert!(
        ids.iter().enumerate().all(|(number, id)| *id == number.to_string()) && ids.len() == 500,
        "{ids:?}"
    );
    drop(stream);
    assert_eq!(running.end().await, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_message_is_rejected_and_kept_and_what_is_too_long_is_not() {
    let running =
        Running::start(Settings { max_frame: 1 << 10, ..Settings::default() }, Feeds::default()).await;
    let mut stream = running.connect().await;
    stream.write_all(&frame("hello")).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, ["AR "]);
    let long = format!("{}OBX|1|TX|||{}\r", message(1), "x".repeat(2 << 10));
    stream.write_all(&frame(&long)).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, ["AR C1"]);
    stream.write_all(&frame(&message(2))).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, ["AA C2"]);
    while running.live.waiting() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(pipeline::errors(running.live.lake()).await.unwrap().len(), 1);
    drop(stream);
    assert_eq!(running.end().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_may_want_its_messages_converted_and_conformant_before_they_are_accepted() {
    let mut feeds = Feeds::default();
    let filters = vec!["ACK".parse::<Filter>().unwrap()];
    let rules = FeedRules { name: "lab".into(), strict: true, filters, ..FeedRules::default() };
    let feed = Feed { rules: Arc::new(rules), acknowledge: Acknowledge::Converted };
    feeds.declare(feed, &["A".into()], &[]);
    let running = Running::start(Settings::default(), feeds).await;
    let mut stream = running.connect().await;
    // PID-5 is required.
    stream.write_all(&frame(&message(1))).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, ["AE C1"]);
    let acknowledgment = "MSH|^~\\&|A|B|C|D|2026||ACK|C2|P|2.5\rMSA|AA|1\r";
    stream.write_all(&frame(acknowledgment)).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, ["AA C2"]);
    // Of another sender, whose feed is content when it is safe; in enhanced mode.
    let other = message(3).replace("|A|B|", "|Z|B|").replace("|P|2.5\r", "|P|2.5|||AL|NE\r");
    stream.write_all(&frame(&other)).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, ["CA C3"]);
    drop(stream);
    assert_eq!(running.end().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_stands_still_is_let_go_and_what_it_sent_before_is_kept() {
    let settings = Settings { read_timeout: Duration::from_millis(100), ..Settings::default() };
    let running = Running::start(settings, Feeds::default()).await;
    let mut stream = running.connect().await;
    stream.write_all(&[frame(&message(1)), b"\x0bMSH|^~\\&|A".to_vec()].concat()).await.unwrap();
    assert_eq!(answers(&mut stream, 1).await, ["AA C1"]);
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.unwrap();
    assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    assert_eq!(running.end().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_more_connections_than_allowed() {
    let running =
        Running::start(Settings { max_connections: 1, ..Settings::default() }, Feeds::default()).await;
    let mut first = running.connect().await;
    first.write_all(&frame(&message(1))).await.unwrap();
    assert_eq!(answers(&mut first, 1).await, ["AA C1"]);
    let mut second = running.connect().await;
    let _ = second.write_all(&frame(&message(2))).await;
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(10), second.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty(), "{ended:?}");
    drop((first, second));
    assert_eq!(running.end().await, 1);
}
