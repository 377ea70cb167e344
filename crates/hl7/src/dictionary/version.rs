//! The versions of the standard, and which one a message means by what stands in MSH-12.

/// A version of the standard, oldest first.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[expect(missing_docs, reason = "the variants are the versions' numbers")]
pub enum Version {
    V2_1,
    V2_2,
    V2_3,
    V2_3_1,
    V2_4,
    V2_5,
    V2_5_1,
    V2_6,
    V2_7,
    V2_7_1,
    V2_8,
    V2_8_1,
    V2_8_2,
    V2_9,
    V2_9_1,
}

impl Version {
    /// All versions, oldest first.
    pub const ALL: [Self; 15] = [
        Self::V2_1,
        Self::V2_2,
        Self::V2_3,
        Self::V2_3_1,
        Self::V2_4,
        Self::V2_5,
        Self::V2_5_1,
        Self::V2_6,
        Self::V2_7,
        Self::V2_7_1,
        Self::V2_8,
        Self::V2_8_1,
        Self::V2_8_2,
        Self::V2_9,
        Self::V2_9_1,
    ];

    /// The newest version.
    pub const NEWEST: Self = Self::V2_9_1;

    /// What a message without any readable version is taken for: the version most feeds speak.
    const USUAL: Self = Self::V2_5_1;

    /// The number, such as `2.5.1`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2_1 => "2.1",
            Self::V2_2 => "2.2",
            Self::V2_3 => "2.3",
            Self::V2_3_1 => "2.3.1",
            Self::V2_4 => "2.4",
            Self::V2_5 => "2.5",
            Self::V2_5_1 => "2.5.1",
            Self::V2_6 => "2.6",
            Self::V2_7 => "2.7",
            Self::V2_7_1 => "2.7.1",
            Self::V2_8 => "2.8",
            Self::V2_8_1 => "2.8.1",
            Self::V2_8_2 => "2.8.2",
            Self::V2_9 => "2.9",
            Self::V2_9_1 => "2.9.1",
        }
    }

    /// The version of exactly this number; blanks around it do not matter.
    ///
    /// ```
    /// use hl7::dictionary::Version;
    /// assert_eq!(Version::parse(b" 2.5.1"), Some(Version::V2_5_1));
    /// assert_eq!(Version::parse(b"2.5.9"), None);
    /// ```
    pub fn parse(number: &[u8]) -> Option<Self> {
        let number = number.trim_ascii();
        Self::ALL.into_iter().find(|version| version.as_str().as_bytes() == number)
    }

    /// The version that a message most likely means, whatever stands in MSH-12.
    ///
    /// The rule: what stands before the first digit is skipped (`V2.5`, `HL7 2.3`), and the numbers up to the
    /// first character that is neither a digit nor a dot count (`2.3 MFI`). The newest known version that is not
    /// newer than that is meant: `2.5.9` is 2.5.1, `2.10` is 2.9.1, `2.0` and `1.0` are 2.1. A message without
    /// any number is taken for 2.5.1.
    ///
    /// ```
    /// use hl7::dictionary::Version;
    /// assert_eq!(Version::closest(b"2.3 MFI"), Version::V2_3);
    /// assert_eq!(Version::closest(b"V2.5"), Version::V2_5);
    /// assert_eq!(Version::closest(b"2.10"), Version::V2_9_1);
    /// assert_eq!(Version::closest(b""), Version::V2_5_1);
    /// ```
    pub fn closest(number: &[u8]) -> Self {
        if let Some(version) = Self::parse(number) {
            return version;
        }
        let Some(start) = number.iter().position(u8::is_ascii_digit) else { return Self::USUAL };
        let meant = numbers(&number[start..]);
        let not_newer = |version: &&Self| numbers(version.as_str().as_bytes()) <= meant;
        Self::ALL.iter().rev().find(not_newer).copied().unwrap_or(Self::V2_1)
    }
}

impl core::fmt::Display for Version {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The first three numbers between dots; what is missing is 0.
fn numbers(text: &[u8]) -> [u32; 3] {
    let mut numbers = [0_u32; 3];
    let mut at = 0;
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                numbers[at] = numbers[at].saturating_mul(10).saturating_add(u32::from(byte - b'0'))
            }
            b'.' if at < 2 => at += 1,
            _ => break,
        }
    }
    numbers
}
