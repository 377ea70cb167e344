//! The words behind a command: `--name value` pairs and flags.

use std::str::FromStr;

/// Options that are taken out one by one; what is left at the end is unknown.
#[derive(Debug)]
pub struct Options<'w> {
    pairs: Vec<(&'w str, &'w str)>,
    flags: Vec<&'w str>,
}

impl<'w> Options<'w> {
    /// Reads the words; those in `flags` stand alone, all others have a value.
    ///
    /// # Errors
    /// A word that is no option, or one without its value.
    pub fn read(words: &[&'w str], flags: &[&str]) -> Result<Self, String> {
        let mut read = Self { pairs: Vec::new(), flags: Vec::new() };
        let mut words = words.iter();
        while let Some(name) = words.next() {
            if !name.starts_with("--") {
                return Err(format!("{name} is no option"));
            }
            if flags.contains(name) {
                read.flags.push(name);
            } else {
                let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
                read.pairs.push((name, value));
            }
        }
        Ok(read)
    }

    /// Whether the flag was given.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.flags.len();
        self.flags.retain(|flag| *flag != name);
        self.flags.len() < before
    }

    /// The value as it was written.
    pub fn text(&mut self, name: &str) -> Option<&'w str> {
        let place = self.pairs.iter().position(|(other, _)| *other == name)?;
        Some(self.pairs.remove(place).1)
    }

    /// The value as a number, a name of a mix, an address.
    ///
    /// # Errors
    /// It is none.
    pub fn value<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        match self.text(name) {
            None => Ok(None),
            Some(text) => {
                text.replace('_', "").parse().map(Some).map_err(|_| format!("{name} does not take {text}"))
            }
        }
    }

    /// Nothing more is expected.
    ///
    /// # Errors
    /// Something is left.
    pub fn finish(self) -> Result<(), String> {
        match self.pairs.first().map(|(name, _)| name).or(self.flags.first()) {
            Some(name) => Err(format!("unknown option {name}, or given twice")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_taken_out_and_the_rest_is_unknown() {
        let mut options =
            Options::read(&["--count", "1_000", "--split", "--mix", "oru"], &["--split"]).unwrap();
        assert_eq!(options.value("--count"), Ok(Some(1_000)));
        assert_eq!(options.value::<u64>("--seed"), Ok(None));
        assert!(options.flag("--split"));
        assert!(!options.flag("--json"));
        assert!(options.finish().unwrap_err().contains("--mix"));
    }

    #[test]
    fn wrong_words_are_named() {
        assert!(Options::read(&["count"], &[]).unwrap_err().contains("count"));
        assert!(Options::read(&["--count"], &[]).unwrap_err().contains("needs a value"));
        let mut options = Options::read(&["--count", "many"], &[]).unwrap();
        assert!(options.value::<u64>("--count").unwrap_err().contains("does not take many"));
    }
}
