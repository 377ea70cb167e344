//! Message types: which segments a message of each kind has, in the order its structure gives.

mod admission;
mod clinical;
mod report;
mod results;

use crate::er7::Er7;
use crate::{Random, Scene, Version};

/// A kind of message a feed can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Admission.
    AdtA01,
    /// Discharge.
    AdtA03,
    /// Registration of an outpatient.
    AdtA04,
    /// Update of patient information.
    AdtA08,
    /// Swap of two patients' beds: two PIDs.
    AdtA17,
    /// Link of two patients' records: two PIDs.
    AdtA24,
    /// Update of person information.
    AdtA31,
    /// Merge of patient identifiers; some hold several pairs of PID and MRG.
    AdtA40,
    /// Laboratory results of one patient.
    OruR01,
    /// Laboratory results of two or three patients in one message.
    OruR01SeveralPatients,
    /// A laboratory order.
    OrmO01,
    /// A new appointment.
    SiuS12,
    /// A document as lines of text.
    MdmT02Text,
    /// A document as base64 in OBX-5 (ED), of a few kilobytes.
    MdmT02Embedded,
    /// The same, of one to four megabytes.
    MdmT02Large,
    /// Vaccinations.
    VxuV04,
    /// Charges.
    DftP03,
}

impl Kind {
    /// All of them but the large document.
    pub const ALL: [Self; 16] = [
        Self::AdtA01,
        Self::AdtA03,
        Self::AdtA04,
        Self::AdtA08,
        Self::AdtA17,
        Self::AdtA24,
        Self::AdtA31,
        Self::AdtA40,
        Self::OruR01,
        Self::OruR01SeveralPatients,
        Self::OrmO01,
        Self::SiuS12,
        Self::MdmT02Text,
        Self::MdmT02Embedded,
        Self::VxuV04,
        Self::DftP03,
    ];

    /// Message code, trigger event and structure, as MSH-9 has them.
    pub fn message_type(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::AdtA01 => ("ADT", "A01", "ADT_A01"),
            Self::AdtA03 => ("ADT", "A03", "ADT_A03"),
            Self::AdtA04 => ("ADT", "A04", "ADT_A01"),
            Self::AdtA08 => ("ADT", "A08", "ADT_A01"),
            Self::AdtA17 => ("ADT", "A17", "ADT_A17"),
            Self::AdtA24 => ("ADT", "A24", "ADT_A24"),
            Self::AdtA31 => ("ADT", "A31", "ADT_A05"),
            Self::AdtA40 => ("ADT", "A40", "ADT_A39"),
            Self::OruR01 | Self::OruR01SeveralPatients => ("ORU", "R01", "ORU_R01"),
            Self::OrmO01 => ("ORM", "O01", "ORM_O01"),
            Self::SiuS12 => ("SIU", "S12", "SIU_S12"),
            Self::MdmT02Text | Self::MdmT02Embedded | Self::MdmT02Large => ("MDM", "T02", "MDM_T02"),
            Self::VxuV04 => ("VXU", "V04", "VXU_V04"),
            Self::DftP03 => ("DFT", "P03", "DFT_P03"),
        }
    }

    /// Whether this version of the standard has such a message.
    pub fn exists_in(self, version: Version) -> bool {
        let (first, last) = match self {
            Self::AdtA01 | Self::AdtA03 | Self::AdtA04 | Self::AdtA08 | Self::AdtA17 | Self::OruR01 => {
                (Version::V2_1, Version::V2_9_1)
            }
            Self::OrmO01 => (Version::V2_1, Version::V2_6),
            Self::AdtA24 | Self::AdtA31 | Self::OruR01SeveralPatients | Self::DftP03 => {
                (Version::V2_2, Version::V2_9_1)
            }
            Self::AdtA40 | Self::VxuV04 => (Version::V2_3_1, Version::V2_9_1),
            Self::SiuS12 | Self::MdmT02Text | Self::MdmT02Embedded | Self::MdmT02Large => {
                (Version::V2_3, Version::V2_9_1)
            }
        };
        (first..=last).contains(&version)
    }
}

/// A message of this kind about this scene, segments ended by CR.
pub fn write(kind: Kind, scene: &Scene, random: &mut Random) -> String {
    let mut out = Er7::default();
    match kind {
        Kind::AdtA01 | Kind::AdtA03 | Kind::AdtA04 | Kind::AdtA08 | Kind::AdtA31 => {
            admission::one_patient(&mut out, scene, kind, random);
        }
        Kind::AdtA17 | Kind::AdtA24 => admission::two_patients(&mut out, scene, kind),
        Kind::AdtA40 => admission::merge(&mut out, scene, random),
        Kind::OruR01 | Kind::OruR01SeveralPatients => results::write(&mut out, scene, kind, random),
        Kind::OrmO01 => clinical::order(&mut out, scene, random),
        Kind::SiuS12 => clinical::appointment(&mut out, scene, random),
        Kind::VxuV04 => clinical::vaccinations(&mut out, scene, random),
        Kind::DftP03 => clinical::charges(&mut out, scene, random),
        Kind::MdmT02Text | Kind::MdmT02Embedded | Kind::MdmT02Large => {
            report::write(&mut out, scene, kind, random)
        }
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_written_in_every_version_that_has_it() {
        let mut random = Random::new(1);
        for version in Version::ALL {
            for kind in Kind::ALL.into_iter().filter(|kind| kind.exists_in(version)) {
                let scene = Scene::invent(version, 1, 40).with_site_segments();
                let text = write(kind, &scene, &mut random);
                assert!(text.starts_with("MSH|^~\\&|LAKEADT"), "{kind:?} {version:?}");
                let header: Vec<&str> = text.split('\r').next().unwrap().split('|').collect();
                assert!(header[8].starts_with(kind.message_type().0), "{kind:?} {version:?}");
                assert_eq!(header[11], version.as_str());
                let patients = text.matches("\rPID|").count();
                let several = matches!(kind, Kind::AdtA17 | Kind::AdtA24 | Kind::OruR01SeveralPatients);
                assert_eq!(several, patients > 1 && kind != Kind::AdtA40, "{kind:?} {version:?}: {patients}");
            }
        }
    }
}
