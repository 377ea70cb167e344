//! Code tables: which codes there are and what they mean.

use super::packed::{CODES, DISPLAYS, entry, section, short, word};

static TABLES: &[u8] = section(CODES, 0);
static CODE_TEXTS: &[u8] = section(CODES, 1);
static STARTS: &[u8] = section(DISPLAYS, 0);
static TEXTS: &[u8] = section(DISPLAYS, 1);

const WIDTH: usize = 7;

/// A table of codes.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    index: usize,
    number: u16,
    is_hl7_defined: bool,
    first_code: u16,
    code_count: u16,
}

/// Looks up a table by its number: 1 is table 0001, administrative sex.
pub fn table(number: u16) -> Option<Table> {
    tables().find(|table| table.number == number)
}

/// All tables, by number.
pub fn tables() -> impl Iterator<Item = Table> {
    (0..TABLES.len() / WIDTH).filter_map(|index| {
        let row = entry::<WIDTH>(TABLES, index)?;
        Some(Table {
            index,
            number: short(row, 0),
            is_hl7_defined: row[2] != 0,
            first_code: short(row, 3),
            code_count: short(row, 5),
        })
    })
}

impl Table {
    /// The number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// What the table is called.
    pub fn name(&self) -> &'static str {
        self.texts().next().unwrap_or_default()
    }

    /// Whether HL7 defines the codes; the codes of other tables are suggestions to users.
    pub fn is_hl7_defined(&self) -> bool {
        self.is_hl7_defined
    }

    /// Whether a code is in the table, in any version.
    pub fn contains(&self, code: &str) -> bool {
        self.codes().any(|known| known == code)
    }

    /// What a code means; `None` for a code that the table does not have or does not explain.
    pub fn display(&self, code: &str) -> Option<&'static str> {
        let position = self.codes().position(|known| known == code)?;
        self.texts().nth(position + 1).filter(|text| !text.is_empty())
    }

    /// The codes of all versions, in order.
    pub fn codes(&self) -> impl Iterator<Item = &'static str> + use<> {
        Texts(CODE_TEXTS.get(self.first_code.into()..).unwrap_or_default()).take(self.code_count.into())
    }

    /// The table's name, and the display text of each code.
    fn texts(&self) -> impl Iterator<Item = &'static str> + use<> {
        let start = entry::<4>(STARTS, self.index).map_or(usize::MAX, |start| word(start, 0) as usize);
        Texts(TEXTS.get(start..).unwrap_or_default()).take(usize::from(self.code_count) + 1)
    }
}

/// Texts with their length in a byte before each.
struct Texts(&'static [u8]);

impl Iterator for Texts {
    type Item = &'static str;

    fn next(&mut self) -> Option<&'static str> {
        let (length, rest) = self.0.split_first()?;
        let (text, rest) = rest.split_at_checked(usize::from(*length))?;
        self.0 = rest;
        core::str::from_utf8(text).ok()
    }
}
