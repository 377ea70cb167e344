//! Connecting, and connecting again: to the next address, with growing pauses, as long as the plan has patience.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::plan::Plan;

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// The servers as one connection sees them.
#[derive(Debug)]
pub(crate) struct Reach<'p> {
    plan: &'p Plan,
    /// Which address is next.
    place: usize,
    pause: Duration,
    /// Since when there is no answer to anything.
    lost_since: Option<Instant>,
}

impl<'p> Reach<'p> {
    pub(crate) fn new(plan: &'p Plan, nth: usize) -> Self {
        Self { plan, place: nth, pause: FIRST_PAUSE, lost_since: None }
    }

    /// A new connection.
    ///
    /// # Errors
    /// There was no answer for as long as the plan has patience; the kind is [`io::ErrorKind::Other`].
    pub(crate) fn connect(&mut self) -> io::Result<TcpStream> {
        loop {
            let address = &self.plan.addresses[self.place % self.plan.addresses.len()];
            if let Some(since) = self.lost_since {
                if since.elapsed() > self.plan.patience {
                    return Err(io::Error::other(format!(
                        "{address} has not answered for {:?}",
                        self.plan.patience
                    )));
                }
                std::thread::sleep(self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            }
            match resolve(address).and_then(|address| TcpStream::connect_timeout(&address, CONNECT_WITHIN)) {
                Ok(stream) => return Ok(stream),
                Err(_) => self.broke(),
            }
        }
    }

    /// The connection broke: the next one goes to the next address.
    pub(crate) fn broke(&mut self) {
        self.lost_since.get_or_insert_with(Instant::now);
        self.place += 1;
    }

    /// There was an answer.
    pub(crate) fn works(&mut self) {
        self.lost_since = None;
        self.pause = FIRST_PAUSE;
    }
}

fn resolve(address: &str) -> io::Result<SocketAddr> {
    address.to_socket_addrs()?.next().ok_or_else(|| io::Error::other("it has no address"))
}
