//! A message in the bytes its MSH-18 declares, for every charset a demo feed shows.

use encoding_rs::Encoding;

use crate::Script;

/// A charset of HL7 table 0211 with names that need it.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// The code in MSH-18.
    pub declared: &'static str,
    /// The script of the names.
    pub script: Script,
    encoding: &'static Encoding,
}

/// The charsets a demo feed shows.
pub const SAMPLES: [Sample; 6] = [
    Sample { declared: "8859/1", script: Script::Accented, encoding: encoding_rs::WINDOWS_1252 },
    Sample { declared: "UNICODE UTF-8", script: Script::Accented, encoding: encoding_rs::UTF_8 },
    Sample { declared: "GB 18030-2000", script: Script::SimplifiedChinese, encoding: encoding_rs::GB18030 },
    Sample { declared: "BIG-5", script: Script::TraditionalChinese, encoding: encoding_rs::BIG5 },
    Sample { declared: "ISO IR87", script: Script::Japanese, encoding: encoding_rs::ISO_2022_JP },
    Sample { declared: "KS X 1001", script: Script::Korean, encoding: encoding_rs::EUC_KR },
];

impl Sample {
    /// The bytes of the text in this charset. The invented names have no letter outside it; should one slip in, its numeric
    /// reference shows it.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        self.encoding.encode(text).0.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Random, Scene, Version, messages};

    #[test]
    fn every_invented_name_has_its_letters_in_the_charset() {
        for sample in SAMPLES {
            for number in 0..40 {
                let scene =
                    Scene::invent(Version::V2_5_1, 5, number * 8).in_script(sample.script, sample.declared);
                let text = messages::write(Kind::AdtA08, &scene, &mut Random::new(number));
                let bytes = sample.encode(&text);
                assert_eq!(sample.encoding.decode(&bytes).0, text, "{}", sample.declared);
                assert!(text.contains(sample.declared));
            }
        }
    }
}
