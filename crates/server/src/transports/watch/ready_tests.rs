use super::*;

/// A folder that is looked at by second.
struct Watched {
    waiting: Waiting,
    taken: Vec<(PathBuf, FileState)>,
    after: Known,
}

fn watched(ready: Ready) -> Watched {
    Watched { waiting: Waiting::new(ready, Duration::from_secs(2)), taken: Vec::new(), after: Known::Kept }
}

fn file(path: &str, size: u64) -> Entry {
    Entry { path: path.into(), state: FileState { size, modified: 0, changed: 0 }, done: None }
}

impl Watched {
    fn look(&mut self, second: u64, files: &[Entry]) -> Outcome {
        self.look_at(Duration::from_secs(second), files, |_| true)
    }

    fn look_at(&mut self, now: Duration, files: &[Entry], in_sight: impl Fn(&Path) -> bool) -> Outcome {
        let (taken, after) = (&self.taken, self.after);
        let known = |entry: &Entry| match taken.contains(&(entry.path.clone(), entry.state)) {
            true => after,
            false => Known::New,
        };
        self.waiting.look(files.to_vec(), now, known, in_sight)
    }

    /// The paths that are ready at a second.
    fn ready(&mut self, second: u64, files: &[Entry]) -> Vec<String> {
        let outcome = self.look(second, files);
        outcome.ready.iter().map(|entry| entry.path.display().to_string()).collect()
    }

    fn take(&mut self, entry: &Entry) {
        self.taken.push((entry.path.clone(), entry.state));
        self.waiting.forget(&entry.path);
    }
}

#[test]
fn a_file_that_grows_is_waited_for() {
    let mut watched = watched(Ready::Stable);
    for (second, size) in [(0, 1), (1, 2), (2, 3), (3, 3), (4, 4), (5, 4)] {
        assert!(watched.ready(second, &[file("a", size)]).is_empty(), "second {second}");
    }
    assert_eq!(watched.ready(6, &[file("a", 4)]), ["a"]);
    assert_eq!(watched.ready(7, &[file("a", 4)]), ["a"], "until it is taken");
    watched.take(&file("a", 4));
    assert!(watched.ready(60, &[file("a", 4)]).is_empty());
    assert_eq!(watched.waiting.len(), 0);
}

#[test]
fn a_change_of_either_time_begins_the_wait_anew() {
    let with = |modified, changed| Entry { state: FileState { size: 1, modified, changed }, ..file("a", 1) };
    let mut watched = watched(Ready::Stable);
    for (second, entry) in
        [(0, with(0, 0)), (2, with(1, 0)), (3, with(1, 0)), (4, with(1, 1)), (5, with(0, 1))]
    {
        assert!(watched.ready(second, &[entry]).is_empty(), "second {second}");
    }
    assert_eq!(watched.ready(7, &[with(0, 1)]), ["a"]);
}

#[test]
fn times_of_files_in_the_future_or_long_ago_mean_nothing() {
    for modified in [i64::MIN, -1, i64::MAX] {
        let entry = Entry { state: FileState { size: 1, modified, changed: modified }, ..file("a", 1) };
        let mut watched = watched(Ready::Stable);
        assert!(watched.ready(100, std::slice::from_ref(&entry)).is_empty());
        assert_eq!(watched.ready(102, &[entry]), ["a"]);
    }
}

#[test]
fn time_that_goes_back_or_jumps_costs_waiting_and_nothing_else() {
    let mut watched = watched(Ready::Stable);
    assert!(watched.ready(1_000, &[file("a", 1)]).is_empty());
    assert!(watched.ready(5, &[file("a", 1)]).is_empty(), "it went back");
    assert!(watched.ready(6, &[file("a", 1)]).is_empty());
    assert_eq!(watched.ready(7, &[file("a", 1)]), ["a"], "from then on it counts");
    watched.waiting.failed(Path::new("a"), Duration::from_secs(7));
    assert!(watched.ready(1, &[file("a", 1)]).is_empty());
    assert_eq!(watched.ready(3, &[file("a", 1)]), ["a"], "its rest counts from there too");
    // A jump ahead makes ready what has not changed in between, and nothing that was not seen before.
    let both = [file("a", 2), file("b", 1)];
    assert!(watched.ready(4, &both[..1]).is_empty());
    assert_eq!(watched.ready(u64::MAX, &both), ["a"]);
}

#[test]
fn what_is_the_same_after_a_long_look_away_is_ready() {
    let mut watched = watched(Ready::Stable);
    watched.look(0, &[file("a", 1), file("b", 1)]);
    assert_eq!(watched.ready(600, &[file("a", 1), file("b", 2)]), ["a"]);
}

#[test]
fn a_file_with_its_name_is_taken_at_once() {
    assert_eq!(watched(Ready::Rename).ready(0, &[file("a", 1)]), ["a"]);
}

#[test]
fn a_file_waits_for_its_done_file() {
    let mut watched = watched(Ready::DoneFile);
    assert!(watched.ready(0, &[file("a", 1)]).is_empty());
    assert!(watched.ready(1_000, &[file("a", 1)]).is_empty());
    let done = Entry { done: Some(file("a.done", 0).state), ..file("a", 1) };
    assert_eq!(watched.ready(1_001, &[done]), ["a"]);
}

#[test]
fn those_written_first_come_first() {
    let with = |path, modified| Entry { state: FileState { size: 1, modified, changed: 9 }, ..file(path, 1) };
    let files = [with("a", 3), with("d", 1), with("c", 2), with("b", 2)];
    assert_eq!(watched(Ready::Rename).ready(0, &files), ["d", "b", "c", "a"]);
}

#[test]
fn the_same_name_with_other_bytes_is_another_file() {
    let mut watched = watched(Ready::Stable);
    watched.take(&file("a", 1));
    assert!(watched.ready(0, &[file("a", 1)]).is_empty());
    assert!(watched.ready(1, &[file("a", 2)]).is_empty());
    assert_eq!(watched.ready(3, &[file("a", 2)]), ["a"]);
}

#[test]
fn what_waited_and_vanished_is_told_once_and_what_was_taken_is_not() {
    let mut watched = watched(Ready::Stable);
    watched.take(&file("taken", 1));
    watched.look(0, &[file("taken", 1), file("waits", 1)]);
    let outcome = watched.look(1, &[]);
    assert_eq!(outcome.vanished, [Path::new("waits")]);
    assert!(watched.look(2, &[]).vanished.is_empty());
    watched.look(3, &[file("waits", 1)]);
    assert!(watched.ready(4, &[file("waits", 1)]).is_empty(), "it is new again");
}

#[test]
fn what_is_out_of_sight_has_not_vanished() {
    let mut watched = watched(Ready::Stable);
    watched.look(0, &[file("far/a", 1), file("b", 1)]);
    let outcome = watched.look_at(Duration::from_secs(5), &[], |path| !path.starts_with("far"));
    assert_eq!(outcome.vanished, [Path::new("b")]);
    assert_eq!(watched.ready(6, &[file("far/a", 1)]), ["far/a"]);
}

#[test]
fn what_failed_rests_longer_each_time_until_it_changes() {
    let mut watched = watched(Ready::Stable);
    watched.look(0, &[file("a", 1)]);
    let mut now = 2;
    for rest in [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600] {
        assert_eq!(watched.ready(now, &[file("a", 1)]), ["a"]);
        assert_eq!(watched.waiting.failed(Path::new("a"), Duration::from_secs(now)).0.as_secs(), rest);
        assert!(watched.waiting.has_failed(Path::new("a")));
        assert!(watched.ready(now + rest - 1, &[file("a", 1)]).is_empty());
        now += rest;
    }
    watched.waiting.failed(Path::new("a"), Duration::from_secs(now));
    assert!(watched.ready(now + 1, &[file("a", 2)]).is_empty());
    assert_eq!(watched.ready(now + 3, &[file("a", 2)]), ["a"]);
    assert!(!watched.waiting.has_failed(Path::new("a")));
}

#[test]
fn what_was_taken_and_not_withdrawn_is_withdrawn_and_not_taken_again() {
    let mut watched = watched(Ready::Stable);
    watched.after = Known::Left;
    watched.take(&file("a", 1));
    let outcome = watched.look(0, &[file("a", 1)]);
    assert_eq!((outcome.left.len(), outcome.ready.len()), (1, 0));
    assert_eq!(watched.waiting.failed(Path::new("a"), Duration::ZERO), (Duration::from_secs(2), 1));
    assert_eq!(watched.look(1, &[file("a", 1)]).left.len(), 0, "it rests");
    assert_eq!(watched.look(2, &[file("a", 1)]).left.len(), 1);
    assert!(watched.look(3, &[file("a", 2)]).left.is_empty(), "it is another file now");
    assert_eq!(watched.ready(5, &[file("a", 2)]), ["a"]);
}

#[test]
fn a_span_that_doubles_ends_somewhere() {
    let second = Duration::from_secs(1);
    let longest = Duration::from_secs(60);
    let spans: Vec<u64> =
        [0, 1, 2, 3, 7, 32, u32::MAX].map(|failures| doubled(second, longest, failures).as_secs()).into();
    assert_eq!(spans, [1, 1, 2, 4, 60, 60, 60]);
}
