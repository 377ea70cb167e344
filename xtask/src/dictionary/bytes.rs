//! The little-endian sections that the packed files are made of.

/// A packed file: sections, each found through the offsets in the header.
#[derive(Default)]
pub(crate) struct File {
    sections: Vec<Vec<u8>>,
}

impl File {
    pub(crate) fn push(&mut self, section: Section) {
        self.sections.push(section.0);
    }

    /// One offset (`u32`) per section and one for the end, then the sections.
    pub(crate) fn finish(self) -> Vec<u8> {
        let mut offset = 4 * (self.sections.len() + 1);
        let mut bytes = Vec::new();
        for section in &self.sections {
            bytes.extend_from_slice(&u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes());
            offset += section.len();
        }
        bytes.extend_from_slice(&u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend(self.sections.into_iter().flatten());
        bytes
    }
}

/// One section.
#[derive(Default)]
pub(crate) struct Section(pub(crate) Vec<u8>);

impl Section {
    pub(crate) fn byte(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(crate) fn short(&mut self, value: u16) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn word(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Length in one byte, then the text.
    pub(crate) fn text(&mut self, text: &str) -> Result<&mut Self, String> {
        Ok(self.byte(fit(text.len(), text)?).bytes(text.as_bytes()))
    }
}

/// A number in a narrower type, or an error that names what did not fit.
pub(crate) fn fit<T: TryFrom<usize>>(value: usize, what: &str) -> Result<T, String> {
    T::try_from(value).map_err(|_| format!("{value} does not fit: {what}"))
}
