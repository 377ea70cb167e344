//! Clients that misbehave, to see that a server bears them: each kind bounded in connections, bytes and time, and only
//! against this machine.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::Random;
use crate::feed::{self, Mix};
use crate::load::frame;

/// How to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A frame that never ends, a byte of it every now and then.
    Slowloris,
    /// Bytes that are no frames.
    Junk,
    /// The first half of a frame, then the connection is closed; again and again.
    HalfFrame,
    /// Message after message, and no answer is ever read.
    NoRead,
    /// Connections that say nothing.
    Connections,
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Ok(match name {
            "slowloris" => Self::Slowloris,
            "junk" => Self::Junk,
            "halfframe" => Self::HalfFrame,
            "noread" => Self::NoRead,
            "connections" => Self::Connections,
            _ => return Err(()),
        })
    }
}

/// What is to be done to whom.
#[derive(Debug, Clone)]
pub struct Abuse {
    /// How.
    pub kind: Kind,
    /// A loopback address.
    pub address: SocketAddr,
    /// Connections at the same time.
    pub count: usize,
    /// For how long.
    pub seconds: f64,
    /// For the bytes of junk, and where frames are cut.
    pub seed: u64,
}

/// What came of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Connections that were opened, in all.
    pub opened: u64,
    /// The most that were open at the same time.
    pub most_open: u64,
    /// Connections that were refused, or reset before anything was sent.
    pub refused: u64,
    /// Connections that the server ended.
    pub ended_by_server: u64,
    /// Bytes that were sent.
    pub sent_bytes: u64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "opened={} most_open={} refused={} ended_by_server={} sent_bytes={}",
            self.opened, self.most_open, self.refused, self.ended_by_server, self.sent_bytes
        )
    }
}

/// Between two rounds over all connections.
const ROUND: Duration = Duration::from_millis(20);
/// A slow client's byte, each connection.
const SLOW_BYTE_EVERY: Duration = Duration::from_millis(500);
/// What one connection sends at most in one round, and altogether.
const PIECE: usize = 16 << 10;
const MOST_BYTES: u64 = 64 << 20;
/// So many new connections in one round, so that none of them is lost to a full queue.
const NEW_IN_A_ROUND: usize = 100;

/// Misbehaves until the time is over.
///
/// # Errors
/// The address is none of this machine's own.
pub fn run(abuse: &Abuse) -> io::Result<Outcome> {
    if !abuse.address.ip().is_loopback() {
        return Err(io::Error::other(
            "only a loopback address, such as 127.0.0.1:2575, may be treated like this",
        ));
    }
    let until = Instant::now() + Duration::from_secs_f64(abuse.seconds);
    let mut outcome = Outcome::default();
    let mut random = Random::new(abuse.seed);
    let mut clients: Vec<Client> = Vec::new();
    while Instant::now() < until {
        let missing = abuse.count - clients.len();
        for _ in 0..missing.min(NEW_IN_A_ROUND) {
            match connect(abuse.address) {
                Ok(stream) => {
                    outcome.opened += 1;
                    clients.push(Client::new(stream, abuse.kind, &mut random));
                }
                // Out of ports or files of our own, or refused: the next round tries again.
                Err(_) => {
                    outcome.refused += 1;
                    break;
                }
            }
        }
        outcome.most_open = outcome.most_open.max(clients.len() as u64);
        clients.retain_mut(|client| match client.go_on(&mut random, &mut outcome.sent_bytes) {
            Ok(stays) => stays,
            Err(_) if client.sent == 0 && abuse.kind != Kind::Connections => {
                outcome.refused += 1;
                false
            }
            Err(_) => {
                outcome.ended_by_server += 1;
                false
            }
        });
        std::thread::sleep(ROUND);
    }
    Ok(outcome)
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

struct Client {
    stream: TcpStream,
    kind: Kind,
    /// What it is about to send.
    bytes: Vec<u8>,
    sent: u64,
    next_byte: Instant,
}

impl Client {
    fn new(stream: TcpStream, kind: Kind, random: &mut Random) -> Self {
        let mut bytes = Vec::new();
        match kind {
            Kind::Connections => {}
            Kind::Junk => {
                bytes = (0..PIECE).map(|_| random.number() as u8).filter(|byte| *byte != 0x0b).collect()
            }
            Kind::Slowloris | Kind::HalfFrame => {
                frame(&feed::message(Mix::Weekday, 0xBAD, random.below(1_000)), &mut bytes);
                bytes.truncate(bytes.len() / 2);
            }
            Kind::NoRead => {
                while bytes.len() < PIECE {
                    frame(&feed::message(Mix::Weekday, 0xBAD, random.below(1_000_000)), &mut bytes);
                }
            }
        }
        Self { stream, kind, bytes, sent: 0, next_byte: Instant::now() }
    }

    /// One round. False: it is done by its own will.
    fn go_on(&mut self, random: &mut Random, sent: &mut u64) -> io::Result<bool> {
        // Whoever never reads learns from writing that the connection is over.
        if self.kind != Kind::NoRead {
            self.read_what_there_is()?;
        }
        let start = (self.sent % self.bytes.len().max(1) as u64) as usize;
        let length = match self.kind {
            Kind::Connections => 0,
            Kind::Slowloris if self.next_byte > Instant::now() => 0,
            Kind::Slowloris => {
                self.next_byte = Instant::now() + SLOW_BYTE_EVERY;
                usize::from(self.sent < self.bytes.len() as u64)
            }
            // Mostly all, sometimes a piece of any size.
            Kind::Junk | Kind::NoRead if self.sent > MOST_BYTES => 0,
            Kind::Junk | Kind::NoRead | Kind::HalfFrame if random.chance(20) => random.below(64) as usize,
            Kind::Junk | Kind::NoRead | Kind::HalfFrame => self.bytes.len(),
        };
        let end = self.bytes.len().min(start + length);
        match self.stream.write(&self.bytes[start..end]) {
            Ok(written) => {
                self.sent += written as u64;
                *sent += written as u64;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(self.kind != Kind::HalfFrame || self.sent < self.bytes.len() as u64)
    }

    fn read_what_there_is(&mut self) -> io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests;
