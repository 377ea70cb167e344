//! One connection that sends frames, as an interface engine does: what is not acknowledged is sent again.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::answer::{Answer, Frames, Verdict, frame};
use super::ledger::Tally;
use super::plan::{Message, Plan, Work};
use super::reach::Reach;
use crate::Random;

/// How long a message waits that came back with AE.
const WAIT_AFTER_ERROR: Duration = Duration::from_millis(200);

/// Sends until the work is done and everything is answered.
pub(crate) fn send(
    plan: &Plan,
    (window, split): (usize, bool),
    work: &Work<'_>,
    nth: usize,
    tally: &mut Tally<'_>,
) -> io::Result<()> {
    let mut sender = Sender {
        plan,
        window,
        pieces: split.then(|| Random::for_item(plan.seed, nth as u64)),
        reach: Reach::new(plan, nth),
        unanswered: VecDeque::new(),
        again: VecDeque::new(),
        next: work.take(),
        tally,
    };
    while sender.next.is_some() || !sender.again.is_empty() {
        let stream = sender.reach.connect()?;
        if let Err(error) = sender.converse(stream, work) {
            if error.kind() == ErrorKind::Other {
                return Err(error);
            }
            sender.tally.counts.broken += 1;
            sender.reach.broke();
        }
        sender.take_back();
        sender.tally.flush()?;
    }
    Ok(())
}

struct Sender<'s, 'l> {
    plan: &'s Plan,
    window: usize,
    /// Cuts frames, if they are to be cut.
    pieces: Option<Random>,
    reach: Reach<'s>,
    /// In the order they were sent, each with when.
    unanswered: VecDeque<(Instant, Message)>,
    /// To be sent once more, none before its time.
    again: VecDeque<(Instant, Message)>,
    next: Option<Message>,
    tally: &'s mut Tally<'l>,
}

impl Sender<'_, '_> {
    /// Sends and reads over one connection until there is nothing left to do or it breaks.
    fn converse(&mut self, mut stream: TcpStream, work: &Work<'_>) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(self.plan.answer_within))?;
        let mut frames = Frames::default();
        let mut buffer = vec![0; 16 << 10];
        loop {
            self.fill(&mut stream, work)?;
            let Some(until) = self.wakes_at() else { return Ok(()) };
            let wait = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            if self.unanswered.is_empty() {
                std::thread::sleep(wait);
                continue;
            }
            stream.set_read_timeout(Some(wait))?;
            match stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => frames.feed(&buffer[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    if self.is_overdue() {
                        return Err(ErrorKind::TimedOut.into());
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            while let Some(message) = frames.take() {
                self.settle(&message);
            }
            self.tally.flush().map_err(io::Error::other)?;
        }
    }

    /// Sends what is due, as far as the window allows.
    fn fill(&mut self, stream: &mut TcpStream, work: &Work<'_>) -> io::Result<()> {
        let mut out = Vec::new();
        while self.unanswered.len() < self.window {
            let now = Instant::now();
            let message = if self.again.front().is_some_and(|(due, _)| *due <= now) {
                self.tally.counts.resent += 1;
                self.again.pop_front().map(|(_, message)| message)
            } else if self.again.is_empty() && self.next.as_ref().is_some_and(|message| message.due <= now) {
                let next = std::mem::replace(&mut self.next, work.take());
                // Without a rate it is due when there is room for it in the window.
                let is_rated = self.plan.rate.is_some();
                next.map(|message| Message { due: if is_rated { message.due } else { now }, ..message })
            } else {
                None
            };
            let Some(message) = message else { break };
            frame(&message.bytes, &mut out);
            self.unanswered.push_back((now, message));
        }
        match &mut self.pieces {
            None => stream.write_all(&out),
            Some(random) => write_in_pieces(stream, &out, random),
        }
    }

    /// When there is something to do at the latest; nothing when all is done.
    fn wakes_at(&self) -> Option<Instant> {
        let overdue = self.unanswered.front().map(|(sent, _)| *sent + self.plan.answer_within);
        let has_room = self.unanswered.len() < self.window;
        let again = self.again.front().map(|(due, _)| *due);
        let next = self.next.as_ref().map(|message| message.due);
        let sends = if has_room { again.or(next) } else { None };
        overdue.into_iter().chain(sends).min()
    }

    fn is_overdue(&self) -> bool {
        self.unanswered.front().is_some_and(|(sent, _)| sent.elapsed() >= self.plan.answer_within)
    }

    /// Finds the message that an answer is about.
    fn settle(&mut self, answer: &[u8]) {
        let Some((answer, verdict)) =
            Answer::read(answer).and_then(|answer| answer.verdict().map(|verdict| (answer, verdict)))
        else {
            self.tally.counts.stray += 1;
            return;
        };
        let place = self.unanswered.iter().position(|(_, message)| message.control_id == answer.control_id);
        let Some((_, message)) = place.and_then(|place| self.unanswered.remove(place)) else {
            self.tally.counts.stray += 1;
            return;
        };
        self.reach.works();
        match verdict {
            Verdict::Kept => self.tally.acked(&message, &answer.code),
            Verdict::Refused => self.tally.counts.refused += 1,
            Verdict::Again => {
                self.tally.counts.sent_back += 1;
                self.again.push_back((Instant::now() + WAIT_AFTER_ERROR, message));
            }
        }
    }

    /// What a connection left unanswered is sent again, before everything else and in its order.
    fn take_back(&mut self) {
        let now = Instant::now();
        for (_, message) in self.unanswered.drain(..).rev() {
            self.again.push_front((now, message));
        }
    }
}

/// Any number of bytes at a time, sometimes a pause between two.
fn write_in_pieces(stream: &mut TcpStream, mut bytes: &[u8], random: &mut Random) -> io::Result<()> {
    while !bytes.is_empty() {
        let length = if random.chance(50) { random.between(1, 8) } else { random.between(1, 1_000) };
        let (piece, rest) = bytes.split_at(bytes.len().min(length as usize));
        stream.write_all(piece)?;
        if random.chance(10) {
            std::thread::sleep(Duration::from_millis(1));
        }
        bytes = rest;
    }
    Ok(())
}
