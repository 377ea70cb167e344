//! A progress bar on stderr, if that is a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pipeline::{Input, Progress, ReplayProgress};

/// How many times as long a byte takes to be converted and committed as to be landed.
const CONVERTING: u64 = 8;

/// A bar that is drawn until [`Shown::finish`].
pub(crate) struct Shown {
    bar: ProgressBar,
    ended: Arc<AtomicBool>,
    drawing: Option<JoinHandle<()>>,
}

/// Draws how far a run over `inputs` is, a few times a second.
pub(crate) fn show(progress: &Arc<Progress>, inputs: &[pipeline::Result<Input>]) -> Shown {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if bar.is_hidden() {
        return Shown { bar, ended: Arc::default(), drawing: None };
    }
    let bytes = bytes_of(inputs);
    let total = bytes.map(|bytes| bytes * (1 + CONVERTING));
    let template = match total {
        Some(_) => "{bar:30} {percent:>3} %  {msg}  {eta} left",
        None => "{spinner} {msg}",
    };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    if let Some(total) = total {
        bar.set_length(total);
    }
    let progress = progress.clone();
    drawn(bar, move |bar| {
        let (messages, settled) = (progress.messages(), progress.settled_bytes());
        // What is unpacked may be more than its file.
        let converted = bytes.map_or(settled, |bytes| settled.min(bytes));
        bar.set_position(progress.landing() + CONVERTING * converted);
        (messages, settled)
    })
}

/// Draws how far a replay is, a few times a second.
pub(crate) fn show_replay(progress: &Arc<ReplayProgress>) -> Shown {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if bar.is_hidden() {
        return Shown { bar, ended: Arc::default(), drawing: None };
    }
    let style =
        |template| ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style("{spinner} reading receipts"));
    let progress = progress.clone();
    drawn(bar, move |bar| {
        let (total, messages) = (progress.total(), progress.messages());
        if total > 0 && bar.length() != Some(total) {
            bar.set_style(style("{bar:30} {percent:>3} %  {msg}  {eta} left"));
            bar.set_length(total);
        }
        bar.set_position(messages);
        (messages, progress.bytes())
    })
}

/// Draws on a thread of its own; `look` moves the bar and gives how many messages and bytes are done.
fn drawn(bar: ProgressBar, look: impl Fn(&ProgressBar) -> (u64, u64) + Send + 'static) -> Shown {
    let ended = Arc::new(AtomicBool::new(false));
    let drawing = std::thread::spawn({
        let (bar, ended) = (bar.clone(), ended.clone());
        move || draw(&bar, &ended, look)
    });
    Shown { bar, ended, drawing: Some(drawing) }
}

impl Shown {
    /// Prints something else, with the bar out of the way.
    pub(crate) fn suspend(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(drawing) = self.drawing {
            let _ = drawing.join();
        }
        self.bar.finish_and_clear();
    }
}

fn draw(bar: &ProgressBar, ended: &AtomicBool, look: impl Fn(&ProgressBar) -> (u64, u64)) {
    let began = Instant::now();
    while !ended.load(Ordering::Relaxed) {
        let seconds = began.elapsed().as_secs_f64().max(0.001);
        let (messages, bytes) = look(bar);
        let per_second = messages as f64 / seconds;
        let megabytes = bytes as f64 / 1e6 / seconds;
        bar.set_message(format!("{messages} messages, {per_second:.0} messages/s, {megabytes:.1} MB/s"));
        bar.tick();
        std::thread::sleep(Duration::from_millis(150));
    }
}

/// Bytes of all inputs, if each is a file.
fn bytes_of(inputs: &[pipeline::Result<Input>]) -> Option<u64> {
    let size = |input: &Input| match input {
        Input::File(path) => std::fs::metadata(path).ok().map(|metadata| metadata.len()),
        Input::Dropped { state, .. } => Some(state.size),
        Input::Standard => None,
    };
    inputs.iter().flatten().map(size).sum()
}
