//! Which feeds may have been meant by a name that no receipt has.

use std::collections::BTreeSet;

/// Names that are told, at most.
const MOST: usize = 3;

/// The names most like `wanted`, the most alike first.
pub(super) fn nearest(wanted: &str, feeds: BTreeSet<String>) -> Vec<String> {
    let mut feeds: Vec<(usize, String)> =
        feeds.into_iter().map(|feed| (changes(wanted, &feed), feed)).collect();
    feeds.sort_unstable();
    feeds.into_iter().take(MOST).map(|(_, feed)| feed).collect()
}

/// How many characters are to be put in, taken out or replaced to make one name of the other; case does not count.
fn changes(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    // The number for each beginning of `other`, against the part of `one` that was walked over.
    let mut numbers: Vec<usize> = (0..=other.len()).collect();
    for (walked, letter) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = walked;
        numbers[0] = walked + 1;
        for (at, candidate) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *candidate);
            diagonal = numbers[at + 1];
            numbers[at + 1] = replaced.min(diagonal + 1).min(numbers[at] + 1);
        }
    }
    numbers[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted() {
        for (one, other, number) in [
            ("lab", "lab", 0),
            ("lab", "LAB", 0),
            ("", "lab", 3),
            ("lba", "lab", 2),
            ("labs", "lab", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(changes(one, other), number, "{one} {other}");
            assert_eq!(changes(other, one), number, "{other} {one}");
        }
    }

    #[test]
    fn the_most_alike_come_first_and_there_are_few() {
        let feeds = ["adt", "default", "lab-north", "lab-south", "pharmacy"].map(str::to_owned).into();
        assert_eq!(nearest("lab_south", feeds), ["lab-south", "lab-north", "adt"]);
        assert!(nearest("lab", BTreeSet::new()).is_empty());
    }
}
