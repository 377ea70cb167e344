//! One connection that posts messages: batches of a feed, or one at a time for an acknowledgment each.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::answer::{Answer, Verdict};
use super::ledger::Tally;
use super::plan::{Door, Message, Plan, Work};
use super::reach::Reach;

/// How long a request waits that came back, unless the answer says how long.
const WAIT: Duration = Duration::from_millis(200);
/// More is no answer to a post.
const LONGEST_BODY: usize = 64 << 20;

/// Sends until the work is done and everything is answered.
pub(crate) fn send(plan: &Plan, work: &Work<'_>, nth: usize, tally: &mut Tally<'_>) -> io::Result<()> {
    let (path, size) = match &plan.door {
        Door::Batches { feed, size } => (format!("/v1/feeds/{feed}/messages"), *size),
        Door::Hl7OverHttp | Door::Mllp { .. } => ("/hl7".to_owned(), 1),
    };
    let mut reach = Reach::new(plan, nth);
    let mut connection = None;
    loop {
        let batch: Vec<Message> = std::iter::from_fn(|| work.take()).take(size).collect();
        let Some(last) = batch.last() else { return Ok(()) };
        std::thread::sleep(last.due.saturating_duration_since(Instant::now()));
        let body = batch.iter().map(|message| message.bytes.as_slice()).collect::<Vec<_>>().concat();
        // A batch counts from when it is sent: its first message had to wait for its last.
        let sent = Instant::now();
        let batch: Vec<Message> =
            batch.into_iter().map(|message| Message { due: message.due.max(sent), ..message }).collect();
        loop {
            let mut stream = match connection.take() {
                Some(stream) => stream,
                None => open(reach.connect()?, plan)?,
            };
            let fate = match post(&mut stream, &path, &body) {
                Ok(response) => {
                    reach.works();
                    if response.keeps_open {
                        connection = Some(stream);
                    }
                    judge(&plan.door, &batch, &response, tally)
                }
                Err(_) => {
                    tally.counts.broken += 1;
                    reach.broke();
                    Fate::Again(Duration::ZERO)
                }
            };
            tally.flush()?;
            match fate {
                Fate::Settled => break,
                Fate::Again(wait) => {
                    tally.counts.resent += batch.len() as u64;
                    std::thread::sleep(wait);
                }
            }
        }
    }
}

enum Fate {
    Settled,
    Again(Duration),
}

/// What an answer means for the messages of its request.
fn judge(door: &Door, batch: &[Message], response: &Response, tally: &mut Tally<'_>) -> Fate {
    let wait = response.retry_after.unwrap_or(WAIT);
    if let Door::Hl7OverHttp = door {
        let answer = Answer::read(&response.body);
        let verdict = answer.as_ref().and_then(|answer| {
            let is_of_this = batch.iter().any(|message| message.control_id == answer.control_id);
            if is_of_this { answer.verdict() } else { None }
        });
        // The status says the same as the acknowledgment.
        if let (Some(answer), Some(verdict)) = (answer, verdict) {
            match (verdict, response.status) {
                (Verdict::Kept, 200) => {
                    batch.iter().for_each(|message| tally.acked(message, &answer.code));
                    return Fate::Settled;
                }
                (Verdict::Refused, 400) => {
                    tally.counts.refused += batch.len() as u64;
                    return Fate::Settled;
                }
                (Verdict::Again, 500) => {
                    tally.counts.sent_back += 1;
                    return Fate::Again(wait);
                }
                _ => {}
            }
        }
    } else if (200..300).contains(&response.status) {
        if count_received(&response.body) == Some(batch.len() as u64) {
            batch.iter().for_each(|message| tally.acked(message, "AA"));
        } else {
            tally.counts.stray += 1;
            tally.counts.refused += batch.len() as u64;
        }
        return Fate::Settled;
    }
    match response.status {
        429 | 500..600 => {
            tally.counts.sent_back += 1;
            Fate::Again(wait)
        }
        400..500 => {
            tally.counts.refused += batch.len() as u64;
            Fate::Settled
        }
        _ => {
            tally.counts.stray += 1;
            tally.counts.refused += batch.len() as u64;
            Fate::Settled
        }
    }
}

/// The number behind `"received":`.
fn count_received(body: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(body);
    let (_, behind) = text.split_once("\"received\"")?;
    let digits = behind.trim_start_matches([':', ' ']);
    digits[..digits.find(|character: char| !character.is_ascii_digit())?].parse().ok()
}

type Connection = BufReader<TcpStream>;

fn open(stream: TcpStream, plan: &Plan) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(plan.answer_within))?;
    stream.set_write_timeout(Some(plan.answer_within))?;
    Ok(BufReader::new(stream))
}

struct Response {
    status: u16,
    retry_after: Option<Duration>,
    keeps_open: bool,
    body: Vec<u8>,
}

fn post(connection: &mut Connection, path: &str, body: &[u8]) -> io::Result<Response> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/hl7-v2\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut request = head.into_bytes();
    request.extend_from_slice(body);
    connection.get_mut().write_all(&request)?;
    read_response(connection)
}

fn read_response(connection: &mut impl BufRead) -> io::Result<Response> {
    let status_line = read_line(connection)?;
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(not_http)?;
    let mut response = Response { status, retry_after: None, keeps_open: true, body: Vec::new() };
    let (mut length, mut is_chunked) = (None, false);
    loop {
        let line = read_line(connection)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(not_http)?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.parse::<usize>().map_err(|_| not_http())?),
            "transfer-encoding" => is_chunked = value.eq_ignore_ascii_case("chunked"),
            "connection" => response.keeps_open = !value.eq_ignore_ascii_case("close"),
            "retry-after" => response.retry_after = value.parse().ok().map(Duration::from_secs),
            _ => {}
        }
    }
    if is_chunked {
        loop {
            let size = usize::from_str_radix(&read_line(connection)?, 16).map_err(|_| not_http())?;
            read_body(connection, size, &mut response.body)?;
            read_line(connection)?;
            if size == 0 {
                break;
            }
        }
    } else {
        read_body(connection, length.unwrap_or(0), &mut response.body)?;
    }
    Ok(response)
}

fn read_body(connection: &mut impl BufRead, length: usize, body: &mut Vec<u8>) -> io::Result<()> {
    if length > LONGEST_BODY - body.len().min(LONGEST_BODY) {
        return Err(not_http());
    }
    let start = body.len();
    body.resize(start + length, 0);
    connection.read_exact(&mut body[start..])
}

fn read_line(connection: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    connection.by_ref().take(64 << 10).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| not_http())
}

fn not_http() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the answer is not HTTP/1.1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> io::Result<Response> {
        read_response(&mut text.as_bytes())
    }

    #[test]
    fn responses_are_read_by_length_and_in_chunks() {
        let plain = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap();
        assert_eq!((plain.status, plain.body.as_slice(), plain.keeps_open), (200, &b"hello"[..], true));
        let chunked =
            read("HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")
                .unwrap();
        assert_eq!((chunked.status, chunked.body.as_slice()), (503, &b"hello"[..]));
        assert_eq!((chunked.retry_after, chunked.keeps_open), (Some(Duration::from_secs(2)), false));
        assert!(read("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello").is_err());
        assert!(read("SSH-2.0\r\n\r\n").is_err());
        assert!(read("HTTP/1.1 200").is_err());
    }

    #[test]
    fn the_count_of_an_answer_is_found() {
        assert_eq!(count_received(br#"{"feed":"lab","received": 12,"duplicate":1}"#), Some(12));
        assert_eq!(count_received(b"{}"), None);
    }
}
