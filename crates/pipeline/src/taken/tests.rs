use storage::Location;

use super::*;

const FOLDER: &str = "/srv/drops";

async fn opened(lake: &Lake) -> Taken {
    Taken::open(lake, FilePath::new(FOLDER)).await.unwrap()
}

fn state(number: u64) -> FileState {
    FileState { size: number, modified: -5, changed: i64::MAX - 1 }
}

async fn add(taken: &mut Taken, name: &str, number: u64) {
    let sha256 = "ab".repeat(32);
    let file = TakenFile { path: FilePath::new(name), state: state(number), sha256: &sha256 };
    taken.add(&[file]).await.unwrap();
}

#[tokio::test]
async fn what_was_taken_is_known_to_the_next_and_no_name_is_written() {
    let lake = Lake::at(Location::memory().unwrap());
    let mut taken = opened(&lake).await;
    assert!(taken.is_empty());
    add(&mut taken, "lab/STONE.hl7", 1).await;
    add(&mut taken, "lab/STONE.hl7", 2).await;
    add(&mut taken, "other", 1).await;
    let next = opened(&lake).await;
    assert_eq!(next.len(), 2);
    assert!(next.has(FilePath::new("lab/STONE.hl7"), &state(2)));
    assert!(!next.has(FilePath::new("lab/STONE.hl7"), &state(1)), "it was written to since");
    assert!(next.has(FilePath::new("other"), &state(1)));
    assert!(!next.has(FilePath::new("none"), &state(1)));
    let elsewhere = Taken::open(&lake, FilePath::new("/srv/other")).await.unwrap();
    assert!(elsewhere.is_empty());
    for object in lake.list(&Path::from("_carelake")).await.unwrap() {
        let text = lake.read(&object.key).await.unwrap();
        assert!(!String::from_utf8_lossy(&text).contains("STONE") && !object.key.as_ref().contains("drops"));
    }
}

#[tokio::test]
async fn pieces_stay_few_nothing_is_lost_and_what_was_forgotten_goes() {
    let lake = Lake::at(Location::memory().unwrap());
    let mut taken = opened(&lake).await;
    let name = |number: u64| format!("lab/{number}.hl7");
    for number in 0..500 {
        add(&mut taken, &name(number), number).await;
        if number % 2 == 1 {
            taken.forget(FilePath::new(&name(number)));
        }
        if number % 97 == 0 {
            taken = opened(&lake).await;
        }
        assert!(taken.pieces.len() <= PIECES, "{}", taken.pieces.len());
    }
    let next = opened(&lake).await;
    for number in (0..500).step_by(2) {
        assert!(next.has(FilePath::new(&name(number)), &state(number)), "{number}");
    }
    // What was forgotten behind the last merge of its piece is still there, and so is what a restart found again.
    assert!(next.len() < 320, "{}", next.len());
    let bytes: u64 =
        lake.list(&Path::from("_carelake")).await.unwrap().iter().map(|object| object.size).sum();
    assert!(bytes < 320 * 110, "{bytes}");
}

#[tokio::test]
async fn a_merge_that_was_interrupted_loses_nothing_and_is_made_again() {
    let lake = Lake::at(Location::memory().unwrap());
    let mut taken = opened(&lake).await;
    for number in 0..12 {
        add(&mut taken, "same", number).await;
        add(&mut taken, &number.to_string(), number).await;
    }
    // The pieces that a merge made one of come back, as if they had not been removed.
    let merged = taken.pieces.iter().find(|piece| piece.first != piece.last).unwrap().clone();
    let text = lake.read(&merged.key).await.unwrap();
    for (number, line) in (merged.first..).zip(std::str::from_utf8(&text).unwrap().lines()) {
        let key = taken_key(&taken.folder, number, number);
        lake.put_new(&key, format!("{line}\n").into()).await.unwrap();
    }
    let mut next = opened(&lake).await;
    let check = |taken: &Taken| {
        assert!(taken.has(FilePath::new("same"), &state(11)));
        (0..12).for_each(|number| assert!(taken.has(FilePath::new(&number.to_string()), &state(number))));
    };
    check(&next);
    for _ in 0..PIECES {
        add(&mut next, "more", 1).await;
    }
    check(&next);
    check(&opened(&lake).await);
}

#[tokio::test]
async fn damage_costs_the_entries_that_are_damaged() {
    let lake = Lake::at(Location::memory().unwrap());
    let mut taken = opened(&lake).await;
    add(&mut taken, "a", 1).await;
    let whole = lake.read(&taken.pieces[0].key).await.unwrap();
    let damaged = [&b"\xff\xfe nonsense\n"[..], &whole, &whole[..40]].concat();
    lake.put_new(&taken_key(&taken.folder, 7, 7), damaged.into()).await.unwrap();
    lake.delete(&taken.pieces[0].key).await.unwrap();
    let mut next = opened(&lake).await;
    assert_eq!(next.len(), 1);
    assert!(next.has(FilePath::new("a"), &state(1)));
    add(&mut next, "b", 2).await;
    assert_eq!(next.pieces.last().unwrap().first, 8);
}

#[tokio::test]
async fn two_writers_do_not_disturb_each_other() {
    let lake = Lake::at(Location::memory().unwrap());
    let (mut one, mut other) = (opened(&lake).await, opened(&lake).await);
    for number in 0..40 {
        add(&mut one, &format!("one {number}"), number).await;
        add(&mut other, &format!("other {number}"), number).await;
    }
    let next = opened(&lake).await;
    for number in 0..40 {
        assert!(next.has(FilePath::new(&format!("one {number}")), &state(number)), "{number}");
        assert!(next.has(FilePath::new(&format!("other {number}")), &state(number)), "{number}");
    }
}

#[tokio::test]
async fn what_could_not_be_written_is_written_with_what_comes_next() {
    let lake = Lake::at(Location::memory().unwrap());
    let mut taken = opened(&lake).await;
    taken.unwritten = format!("{:032x} 7 -5 {} ab\n", hash_of(FilePath::new("early")), i64::MAX - 1);
    taken.add(&[]).await.unwrap();
    assert!(opened(&lake).await.has(FilePath::new("early"), &state(7)));
    taken.add(&[]).await.unwrap();
    assert_eq!(taken.pieces.len(), 1, "nothing is written for nothing");
}

#[test]
fn a_file_that_was_written_to_has_another_state() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let state = || FileState::of(&std::fs::symlink_metadata(file.path()).unwrap());
    std::fs::write(file.path(), "one").unwrap();
    let first = state();
    assert_eq!((first.size, first), (3, state()));
    std::thread::sleep(std::time::Duration::from_millis(20));
    std::fs::write(file.path(), "two").unwrap();
    // Somebody who gives it the time it had.
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(first.modified as u64);
    file.as_file().set_modified(then).unwrap();
    let second = state();
    assert_eq!((second.size, second.modified), (first.size, first.modified));
    #[cfg(unix)]
    assert_ne!(second, first);
    let before = std::time::UNIX_EPOCH - std::time::Duration::from_secs(3);
    file.as_file().set_modified(before).unwrap();
    assert_eq!(state().modified, -3_000_000_000);
}
