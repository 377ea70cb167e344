//! Which files are put together: those of like size, so that a row is written anew only a few times in its life, and
//! those that follow each other in the order of receiving, so that what comes of them does too.
//!
//! A file's level is how often the number of files that make one goes into its size. As many files of a level make one of the
//! next, with the smaller ones between them, until they are large enough.

use super::Maintenance;
use crate::delta::ListedFile;

/// Files that become one, at most: each of them is a line in the commit.
const MOST: usize = 1_000;
/// How often as many small files as there should be there must be before those that do not follow each other are put together.
const SCATTERED: usize = 4;

/// The groups of files that are each to become one; the files of a group are in the order of receiving.
pub(super) fn due(mut files: Vec<ListedFile>, settings: &Maintenance) -> Vec<Vec<ListedFile>> {
    files.retain(|file| weight(file, settings).saturating_mul(2) <= settings.file_rows);
    files.sort_by(|left, right| (&left.order, &left.key).cmp(&(&right.order, &right.key)));
    let least = settings.least_files.max(2);
    let level = |file: &ListedFile| weight(file, settings).ilog(least as u64);
    let highest = settings.file_rows.max(1).ilog(least as u64);
    let few = least * (highest as usize + 1);
    let mut groups = Vec::new();
    let mut is_taken = vec![false; files.len()];
    for wanted in (0..=highest).rev() {
        // Larger files, and those that are in a group already, part one run from the next.
        let mut run: Vec<usize> = Vec::new();
        for at in 0..=files.len() {
            if at < files.len() && !is_taken[at] && level(&files[at]) <= wanted {
                run.push(at);
                continue;
            }
            let run = std::mem::take(&mut run);
            if run.iter().filter(|at| level(&files[**at]) == wanted).count() >= least {
                run.iter().for_each(|at| is_taken[*at] = true);
                let run = run.into_iter().map(|at| files[at].clone()).collect();
                groups.extend(filled(run, least, settings));
            }
        }
    }
    if groups.is_empty() && files.len() > SCATTERED * few {
        groups = filled(files, least, settings);
    }
    groups
}

/// Files in groups that are full, and the last if there are enough in it.
fn filled(files: Vec<ListedFile>, least: usize, settings: &Maintenance) -> Vec<Vec<ListedFile>> {
    let mut groups = Vec::new();
    let (mut group, mut sum) = (Vec::new(), 0);
    for file in files {
        let weight = weight(&file, settings);
        if sum + weight > settings.file_rows || group.len() == MOST {
            // It is full, however few they are.
            groups.extend((group.len() > 1).then_some(group));
            (group, sum) = (Vec::new(), 0);
        }
        sum += weight;
        group.push(file);
    }
    groups.extend((group.len() >= least).then_some(group));
    groups
}

/// The size of a file in rows, or what its bytes are worth in rows, if that is more.
fn weight(file: &ListedFile, settings: &Maintenance) -> u64 {
    let bytes =
        u128::from(file.size) * u128::from(settings.file_rows) / u128::from(settings.file_bytes.max(1));
    file.rows.unwrap_or(0).max(u64::try_from(bytes).unwrap_or(u64::MAX)).max(1)
}

#[cfg(test)]
mod tests {
    use object_store::path::Path;

    use super::*;

    fn settings() -> Maintenance {
        Maintenance { file_bytes: 100_000, file_rows: 1_000, least_files: 4, ..Maintenance::default() }
    }

    fn file(number: u64, rows: u64, size: u64) -> ListedFile {
        let order = (format!("2026-01-01T00:00:{number:05}Z"), 0);
        ListedFile {
            key: Path::from(format!("{rows}-{number}")),
            size,
            rows: Some(rows),
            documents: None,
            order,
        }
    }

    fn rows(groups: &[Vec<ListedFile>]) -> Vec<Vec<u64>> {
        groups.iter().map(|group| group.iter().map(|file| file.rows.unwrap()).collect()).collect()
    }

    #[test]
    fn as_many_files_of_like_size_as_it_takes_are_put_together_in_order() {
        let rows_of = [5, 300, 1, 3, 2_000, 2, 1, 16, 1, 17];
        let mut files: Vec<ListedFile> =
            rows_of.iter().zip(0..).map(|(rows, number)| file(number, *rows, 10)).collect();
        files.reverse();
        assert_eq!(rows(&due(files, &settings())), [[1, 3, 2, 1]]);
        assert!(due(vec![file(0, 1, 10), file(1, 1, 10), file(2, 1, 10)], &settings()).is_empty());
    }

    #[test]
    fn what_is_smaller_and_lies_between_comes_along() {
        let rows_of = [16, 1, 17, 1, 1, 18, 300, 19, 1, 16, 16, 16, 2];
        let files = rows_of.iter().zip(0..).map(|(rows, number)| file(number, *rows, 10)).collect();
        assert_eq!(rows(&due(files, &settings())), [[19, 1, 16, 16, 16, 2]]);
    }

    #[test]
    fn many_small_files_that_lie_scattered_are_put_together_all_the_same() {
        // Three files of each level at most lie between two larger ones.
        fn scattered(level: u32) -> Vec<u64> {
            if level == 0 {
                return vec![1; 3];
            }
            let mut rows_of = scattered(level - 1);
            for _ in 0..3 {
                rows_of.push(4_u64.pow(level));
                rows_of.extend(scattered(level - 1));
            }
            rows_of
        }
        let due = |level: u32| {
            let files = scattered(level).into_iter().zip(0..);
            rows(&due(files.map(|(rows, number)| file(number, rows, 10)).collect(), &settings()))
        };
        assert!(due(2).is_empty(), "there may be so many");
        assert_eq!(due(3)[0][..5], [1, 1, 1, 4, 1]);
    }

    #[test]
    fn a_full_group_is_put_together_however_few_its_files_are() {
        let files = (0..5).map(|number| file(number, 400, 10)).collect();
        assert_eq!(rows(&due(files, &settings())), [[400, 400], [400, 400]]);
    }

    #[test]
    fn many_bytes_are_as_good_as_many_rows() {
        let files = (0..4).map(|number| file(number, 1, 60_000)).collect();
        assert!(due(files, &settings()).is_empty(), "large enough");
        let files = (0..5).map(|number| file(number, 1, 40_000)).collect();
        assert_eq!(rows(&due(files, &settings())), [[1, 1], [1, 1]]);
    }

    #[test]
    fn a_lake_that_grows_file_by_file_keeps_few_small_ones_and_writes_each_row_a_few_times() {
        let (mut files, mut written) = (Vec::new(), 0);
        for number in 0..4_000 {
            files.push(file(number, 1 + number % 3, 10));
            let groups = due(files.clone(), &settings());
            for group in groups {
                let sum = group.iter().map(|file| file.rows.unwrap()).sum();
                files.retain(|file| group.iter().all(|merged| merged.key != file.key));
                let order = group[0].order.clone();
                files.push(ListedFile { order, ..file(10_000 + number, sum, 10) });
                written += sum;
            }
        }
        let all: u64 = files.iter().map(|file| file.rows.unwrap()).sum();
        assert_eq!(all, (0..4_000).map(|number| 1 + number % 3).sum::<u64>());
        let large = files.iter().filter(|file| file.rows.unwrap() > 500).count();
        assert!(files.len() - large <= 3 * 5, "{} files, {large} of them large", files.len());
        assert!(written <= all * 6, "{written} rows were written anew, of {all}");
    }
}
