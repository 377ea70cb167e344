//! Holds a row against the bytes it was made from.
//!
//! Every value of the message must stand in the row, and nothing in the row that is not in the message. Segment, field
//! and repetition must be the same; where an older version's components have moved since, component and
//! subcomponent may differ. A column of text may hold the whole of a position that has delimiters in it.

use std::borrow::Cow;

use super::plain::{Place, Plain};
use super::plain_text::Reading;
use super::row::Columns;

/// What a comparison came to; counts of values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Compared {
    /// Equal at the same address.
    pub(super) equal: u64,
    /// Equal at another component of the same repetition.
    pub(super) moved: u64,
    /// Present at both ends; the text is in a character set or escape sequence that needs tables.
    pub(super) unread: u64,
    /// Rows in character sets in which not even the delimiters can be told: their segments alone are compared.
    pub(super) unread_rows: u64,
}

/// Where a row and its message differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    Segments,
    /// The message has a value there that the row lacks.
    Missing(Place),
    /// The row has a value there that the message lacks.
    Extra(Place),
    /// A column of the envelope does not repeat the value there.
    Envelope(Place),
}

/// Compares one row of `columns` with its message; `agrees` tells whether the envelope says the same of a place.
pub(super) fn compare<'i>(
    columns: &Columns,
    row: usize,
    bytes: &[u8],
    charset: &str,
    ids: &(impl Iterator<Item = &'i str> + Clone),
    counts: &mut Compared,
    agrees: impl Fn(Place, &str) -> bool,
) -> Option<Difference> {
    let Some(message) = Plain::cut(bytes, charset, ids) else { return Some(Difference::Segments) };
    let ids: Vec<[u8; 3]> = message.segments.iter().map(|segment| segment.id).collect();
    let mut held = Vec::new();
    if !columns.values(row, &ids, &mut |at, text| held.push((at, text))) {
        return Some(Difference::Segments);
    }
    if message.reading == Reading::Nothing {
        counts.unread_rows += 1;
        return None;
    }
    let mut sent = Vec::new();
    let mut unread = Vec::new();
    message.leaves(|at, text| match text {
        Some(text) => sent.push((at, text)),
        None => unread.push(at),
    });
    if let Some((at, _)) = sent.iter().find(|(at, text)| !agrees(*at, text)) {
        return Some(Difference::Envelope(*at));
    }
    let (missing, extra) = differences(sent, held, counts);
    explain(&message, missing, extra, unread, counts)
}

type Sent<'a> = Vec<(Place, Cow<'a, str>)>;
type Held<'a> = Vec<(Place, &'a str)>;

/// What is on one side only, after what is the same at the same address has been taken from both.
fn differences<'s, 'h>(
    mut sent: Sent<'s>,
    mut held: Held<'h>,
    counts: &mut Compared,
) -> (Sent<'s>, Held<'h>) {
    sent.sort_unstable();
    held.sort_unstable();
    let (mut missing, mut extra) = (Vec::new(), Vec::new());
    let mut held = held.into_iter().peekable();
    for (at, text) in sent {
        while let Some(less) = held.next_if(|held| (held.0, held.1) < (at, &*text)) {
            extra.push(less);
        }
        match held.next_if(|held| (held.0, held.1) == (at, &*text)) {
            Some(_) => counts.equal += 1,
            None => missing.push((at, text)),
        }
    }
    extra.extend(held);
    (missing, extra)
}

fn explain(
    message: &Plain<'_>,
    mut missing: Sent<'_>,
    extra: Held<'_>,
    mut unread: Vec<Place>,
    counts: &mut Compared,
) -> Option<Difference> {
    let repetition = |at: Place| (at.segment, at.field, at.repetition);
    for (at, text) in extra {
        let found =
            missing.iter().position(|(place, sent)| repetition(*place) == repetition(at) && *sent == text);
        if let Some(found) = found {
            missing.swap_remove(found);
            counts.moved += 1;
            continue;
        }
        let wholes = message.wholes(at);
        if wholes.iter().flatten().flatten().any(|whole| *whole == text) {
            continue;
        }
        let exact = unread.iter().position(|place| *place == at);
        let near = || unread.iter().position(|place| repetition(*place) == repetition(at));
        match exact.or_else(near) {
            Some(found) => {
                unread.swap_remove(found);
                counts.unread += 1;
            }
            None if wholes.contains(&Some(None)) => counts.unread += 1,
            None => return Some(Difference::Extra(at)),
        }
    }
    let missing = missing.iter().map(|(at, _)| *at).chain(unread).min();
    missing.map(Difference::Missing)
}
