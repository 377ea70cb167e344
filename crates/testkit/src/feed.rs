//! Feeds of any length in a few mixes. A message depends on the mix, the seed and its number alone, so that a feed of a hundred
//! messages is the beginning of one of a million.

use crate::{Kind, Random, Scene, Version, messages};

/// What a feed is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// A hospital's weekday: A08 48 %, A31 30 %, A04 17 %, ORU^R01 4 %, the rest A01, A03 and A40. 1.59 kB a message on
    /// average (50,000 messages of seed 1).
    Weekday,
    /// Laboratory results only, one in twenty about several patients. 3.3 kB a message on average.
    OruOnly,
    /// Documents of 1 to 4 MB, embedded as base64.
    Documents,
    /// Every kind in every version that has it, a third of them with Z-segments.
    Everything,
}

impl Mix {
    /// All mixes.
    pub const ALL: [Self; 4] = [Self::Weekday, Self::OruOnly, Self::Documents, Self::Everything];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weekday => "weekday",
            Self::OruOnly => "oru",
            Self::Documents => "documents",
            Self::Everything => "everything",
        }
    }

    /// The mix with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mix| mix.name() == name)
    }
}

/// The message with this number, counted from 0, segments ended by CR.
pub fn message(mix: Mix, seed: u64, number: u64) -> Vec<u8> {
    let mut random = Random::for_item(seed ^ 0xF33D, number);
    let (kind, version) = draw(mix, number, &mut random);
    let mut scene = Scene::invent(version, seed, number);
    if mix == Mix::Everything && random.chance(33) {
        scene = scene.with_site_segments();
    }
    messages::write(kind, &scene, &mut random).into_bytes()
}

/// MSH-10 of the message with this number: its own within all feeds whose seeds differ by less than 10,000.
pub fn control_id(seed: u64, number: u64) -> String {
    format!("C{:04}{:08}", seed % 10_000, number + 1)
}

/// The messages of a feed, one by one, without end.
pub fn messages(mix: Mix, seed: u64) -> impl Iterator<Item = Vec<u8>> {
    (0..).map(move |number| message(mix, seed, number))
}

/// The first `count` messages of a feed in one piece, as a file would hold them.
pub fn generate(mix: Mix, seed: u64, count: usize) -> Vec<u8> {
    let mut feed = Vec::new();
    for message in messages(mix, seed).take(count) {
        feed.extend_from_slice(&message);
    }
    feed
}

fn draw(mix: Mix, number: u64, random: &mut Random) -> (Kind, Version) {
    match mix {
        Mix::Weekday => {
            let kind = random.weighted(&[
                (Kind::AdtA08, 4_800),
                (Kind::AdtA31, 3_000),
                (Kind::AdtA04, 1_700),
                (Kind::OruR01, 400),
                (Kind::AdtA01, 50),
                (Kind::AdtA03, 36),
                (Kind::AdtA40, 14),
            ]);
            (kind, usual_version(random))
        }
        Mix::OruOnly => {
            let kind = random.weighted(&[(Kind::OruR01, 95), (Kind::OruR01SeveralPatients, 5)]);
            (kind, usual_version(random))
        }
        Mix::Documents => (Kind::MdmT02Large, usual_version(random)),
        Mix::Everything => {
            let pairs = every_pair();
            pairs[number as usize % pairs.len()]
        }
    }
}

/// The versions hospitals send today; all of them have every kind of the mixes that use this.
fn usual_version(random: &mut Random) -> Version {
    random.weighted(&[
        (Version::V2_3_1, 30),
        (Version::V2_4, 15),
        (Version::V2_5, 10),
        (Version::V2_5_1, 40),
        (Version::V2_7, 3),
        (Version::V2_8, 2),
    ])
}

/// Every kind in every version that has it.
pub(crate) fn every_pair() -> Vec<(Kind, Version)> {
    let all =
        Version::ALL.into_iter().flat_map(|version| Kind::ALL.into_iter().map(move |kind| (kind, version)));
    all.filter(|(kind, version)| kind.exists_in(*version)).collect()
}

#[cfg(test)]
mod tests;
