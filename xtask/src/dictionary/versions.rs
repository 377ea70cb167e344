//! The versions of the standard and ranges of them, as the dictionary's data spells them.

/// Oldest first. The order is that of `hl7::dictionary::Version`.
pub(crate) const VERSIONS: [&str; 15] = [
    "2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2",
    "2.9", "2.9.1",
];

/// Something that may be said of each version.
pub(crate) type PerVersion<T> = [Option<T>; VERSIONS.len()];

pub(crate) const NEWEST: usize = VERSIONS.len() - 1;

pub(crate) fn index(version: &str) -> Result<usize, String> {
    VERSIONS.iter().position(|known| *known == version).ok_or_else(|| format!("unknown version {version:?}"))
}

/// Reads `2.3`, `2.3-2.5.1` or `*` as the first and the last version.
pub(crate) fn parse_range(range: &str) -> Result<(usize, usize), String> {
    if range == "*" {
        return Ok((0, NEWEST));
    }
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last) = (index(first)?, index(last)?);
    if first > last { Err(format!("the range {range:?} runs backwards")) } else { Ok((first, last)) }
}

pub(crate) fn show_range((first, last): (usize, usize)) -> String {
    if first == last { VERSIONS[first].to_owned() } else { format!("{}-{}", VERSIONS[first], VERSIONS[last]) }
}

/// The runs of versions that say the same, in order.
pub(crate) fn runs<T: PartialEq>(versions: &PerVersion<T>) -> Vec<((usize, usize), &T)> {
    let mut runs: Vec<((usize, usize), &T)> = Vec::new();
    for (version, said) in versions.iter().enumerate() {
        let Some(said) = said else { continue };
        match runs.last_mut() {
            Some(((_, last), before)) if *last + 1 == version && *before == said => *last = version,
            _ => runs.push(((version, version), said)),
        }
    }
    runs
}
