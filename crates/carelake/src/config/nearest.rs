//! The names that may have been meant by one that nothing has.

/// Names that are told, at most.
const MOST: usize = 3;

/// Those of the known names that are like the wanted one, the most alike first.
pub(super) fn nearest<'k>(wanted: &str, known: impl IntoIterator<Item = &'k str>) -> Vec<&'k str> {
    let wanted = wanted.to_ascii_lowercase();
    let mut alike: Vec<(usize, &str)> = known
        .into_iter()
        .map(|name| (changes(&wanted, &name.to_ascii_lowercase()), name))
        // With every third letter another it is another word, unless one is how the other begins.
        .filter(|(changes, name)| changes * 3 <= name.len().max(wanted.len()) || begins(&wanted, name))
        .collect();
    alike.sort_unstable();
    alike.dedup();
    alike.into_iter().take(MOST).map(|(_, name)| name).collect()
}

fn begins(wanted: &str, name: &str) -> bool {
    wanted.len() >= 3 && (name.starts_with(wanted) || wanted.starts_with(name))
}

/// How many letters must be put in, taken out, replaced, or swapped with the next to make one word of the other.
fn changes(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let width = other.len() + 1;
    // The number for the first `row` letters of one and the first `column` of the other.
    let mut numbers = vec![0; (one.len() + 1) * width];
    for row in 0..=one.len() {
        for column in 0..=other.len() {
            let at = |row: usize, column: usize| numbers[row * width + column];
            let number = match (row, column) {
                (row, 0) => row,
                (0, column) => column,
                (row, column) => {
                    let is_other = usize::from(one[row - 1] != other[column - 1]);
                    let plain = (at(row - 1, column) + 1)
                        .min(at(row, column - 1) + 1)
                        .min(at(row - 1, column - 1) + is_other);
                    let is_swapped = row > 1
                        && column > 1
                        && one[row - 1] == other[column - 2]
                        && one[row - 2] == other[column - 1];
                    if is_swapped { plain.min(at(row - 2, column - 2) + 1) } else { plain }
                }
            };
            numbers[row * width + column] = number;
        }
    }
    numbers[one.len() * width + other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted() {
        for (one, other, number) in [
            ("listen", "listen", 0),
            ("", "tls", 3),
            ("listn", "listen", 1),
            ("lsiten", "listen", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(changes(one, other), number, "{one} {other}");
            assert_eq!(changes(other, one), number, "{other} {one}");
        }
    }

    #[test]
    fn the_most_alike_come_first_and_others_not_at_all() {
        let known = ["max_frame", "max_body", "listen", "level"];
        assert_eq!(nearest("max_fram", known), ["max_frame"]);
        assert_eq!(nearest("MAX", known), ["max_body", "max_frame"]);
        assert!(nearest("colour", known).is_empty());
    }
}
