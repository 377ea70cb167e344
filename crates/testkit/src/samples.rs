//! The files in `samples/` at the root of the repository: one message of each common kind, small enough to read.

use crate::broken::{Fault, spoil};
use crate::feed::{self, Mix};
use crate::{Kind, Random, Scene, Version, envelope, messages};

const SEED: u64 = 11;

/// Name and bytes of each sample.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let singles = [
        ("adt-a01-v2.3.hl7", Kind::AdtA01, Version::V2_3),
        ("adt-a04-v2.1.hl7", Kind::AdtA04, Version::V2_1),
        ("adt-a08-v2.5.1.hl7", Kind::AdtA08, Version::V2_5_1),
        ("adt-a40-v2.8.hl7", Kind::AdtA40, Version::V2_8),
        ("mdm-t02-v2.6.hl7", Kind::MdmT02Text, Version::V2_6),
        ("oru-r01-v2.5.1.hl7", Kind::OruR01, Version::V2_5_1),
        ("oru-r01-several-patients-v2.7.hl7", Kind::OruR01SeveralPatients, Version::V2_7),
        ("siu-s12-v2.4.hl7", Kind::SiuS12, Version::V2_4),
        ("vxu-v04-v2.5.1.hl7", Kind::VxuV04, Version::V2_5_1),
    ];
    for (number, (name, kind, version)) in (0..).zip(singles) {
        let scene = Scene::invent(version, SEED, number);
        files.push((
            name.to_owned(),
            messages::write(kind, &scene, &mut Random::new(SEED + number)).into_bytes(),
        ));
    }
    let batched: Vec<Vec<u8>> = feed::messages(Mix::Weekday, SEED).take(3).collect();
    files.push(("batch-of-three.hl7".to_owned(), envelope::batch(&batched)));
    let scene = Scene::invent(Version::V2_4, SEED, 40).with_site_segments();
    let result = messages::write(Kind::OruR01, &scene, &mut Random::new(4));
    for fault in [Fault::WrappedLines, Fault::UnknownValueType, Fault::TruncatedHeader] {
        files.push((format!("broken-{}.hl7", fault.name()), spoil(&result, fault)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `UPDATE_EXPECT=1` in the environment it writes the files instead.
    #[test]
    fn the_folder_holds_what_the_generator_makes() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples");
        for (name, bytes) in files() {
            let path = format!("{folder}/{name}");
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                std::fs::write(&path, &bytes).unwrap();
            }
            assert!(std::fs::read(&path).unwrap() == bytes, "{name} differs: UPDATE_EXPECT=1 writes it anew");
        }
    }
}
