//! Paths to values: `PID-3[2].4.1`, or by name `pid.patient_name[2].given_name`.

use core::fmt;
use core::str::FromStr;

use crate::dictionary::{self, Resolved, Slot};

/// A place in any message: segment, field, repetition, component, subcomponent.
///
/// ```
/// use hl7::Path;
/// let path: Path = "PID-3[2].4.1".parse().unwrap();
/// assert_eq!((path.field, path.repetition, path.component), (Some(3), Some(2), Some(4)));
/// assert_eq!(path.to_string(), "PID-3[2].4.1");
/// let named: Path = "pid.patient_name[2].given_name".parse().unwrap();
/// assert_eq!(named.to_string(), "PID-5[2].2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Segment ID in upper case.
    pub segment: [u8; 3],
    /// Which of the segments of this ID, from 1; the first if not given.
    pub occurrence: Option<u32>,
    /// Field number, from 1; the whole segment if not given.
    pub field: Option<u32>,
    /// Repetition, from 1; the first if not given.
    pub repetition: Option<u32>,
    /// Component number, from 1; the whole repetition if not given.
    pub component: Option<u32>,
    /// Subcomponent number, from 1; the whole component if not given.
    pub subcomponent: Option<u32>,
}

/// Why a text is not a path, with what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    message: String,
    hint: String,
}

impl PathError {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }

    /// What to try.
    pub fn hint(&self) -> &str {
        &self.hint
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl core::error::Error for PathError {}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let (segment, rest) = text.split_at_checked(3).ok_or_else(|| not_a_path(text))?;
        let segment: [u8; 3] = segment.as_bytes().try_into().map_err(|_| not_a_path(text))?;
        let segment = segment.map(|byte| byte.to_ascii_uppercase());
        if !segment[0].is_ascii_alphabetic() || !segment.iter().all(u8::is_ascii_alphanumeric) {
            return Err(not_a_path(text));
        }
        let (occurrence, rest) = index(rest).ok_or_else(|| not_a_path(text))?;
        let path =
            Self { segment, occurrence, field: None, repetition: None, component: None, subcomponent: None };
        match rest.as_bytes().first() {
            None => Ok(path),
            Some(b'-') => path.numbered(&rest[1..]).ok_or_else(|| not_a_path(text)),
            Some(b'.') if rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit) => {
                path.numbered(&rest[1..]).ok_or_else(|| not_a_path(text))
            }
            Some(b'.') => path.named(&rest[1..], text),
            Some(_) => Err(not_a_path(text)),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(str::from_utf8(&self.segment).unwrap_or("???"))?;
        if let Some(occurrence) = self.occurrence {
            write!(formatter, "[{occurrence}]")?;
        }
        let Some(field) = self.field else { return Ok(()) };
        write!(formatter, "-{field}")?;
        if let Some(repetition) = self.repetition {
            write!(formatter, "[{repetition}]")?;
        }
        let Some(component) = self.component else { return Ok(()) };
        write!(formatter, ".{component}")?;
        if let Some(subcomponent) = self.subcomponent {
            write!(formatter, ".{subcomponent}")?;
        }
        Ok(())
    }
}

impl Path {
    /// `3[2].4.1`
    fn numbered(mut self, text: &str) -> Option<Self> {
        let (field, rest) = number(text)?;
        let (repetition, rest) = index(rest)?;
        self.field = Some(field);
        self.repetition = repetition;
        let mut rest = rest;
        for level in [&mut self.component, &mut self.subcomponent] {
            let Some(after_dot) = rest.strip_prefix('.') else { break };
            let (component, after) = number(after_dot)?;
            *level = Some(component);
            rest = after;
        }
        rest.is_empty().then_some(self)
    }

    /// `patient_name[2].family_name.surname`
    fn named(mut self, text: &str, whole: &str) -> Result<Self, PathError> {
        let segment = dictionary::segment(self.segment).ok_or_else(|| {
            PathError::new("the standard knows no such segment", "name its fields by number, such as ZPI-3")
        })?;
        let mut parts = text.split('.');
        let (name, repetition) =
            indexed_name(parts.next().unwrap_or_default()).ok_or_else(|| not_a_path(whole))?;
        let field = resolved(dictionary::resolve_field(segment, name), name)?;
        self.field = Some(field.number() as u32);
        self.repetition = repetition;
        let mut above = field;
        for level in [&mut self.component, &mut self.subcomponent] {
            let Some(name) = parts.next() else { break };
            above = resolved(dictionary::resolve_component(above, name), name)?;
            *level = Some(above.number() as u32);
        }
        if parts.next().is_some() { Err(not_a_path(whole)) } else { Ok(self) }
    }
}

fn not_a_path(text: &str) -> PathError {
    PathError::new(
        format!("not a path: {text}"),
        "write a path like PID-3[2].4.1 or pid.patient_name[2].given_name",
    )
}

fn resolved(resolved: Resolved, name: &str) -> Result<&'static Slot, PathError> {
    match resolved {
        Resolved::Slot(slot) => Ok(slot),
        Resolved::Ambiguous(slots) => {
            let names: Vec<&str> = slots.iter().map(|slot| slot.name()).collect();
            let hint = format!("name one of: {}", names.join(", "));
            Err(PathError::new(format!("{name} has been the name of several positions"), hint))
        }
        Resolved::Unknown { nearest } => {
            let hint = format!("the nearest names are: {}", nearest.join(", "));
            Err(PathError::new(format!("no version of the standard has the name {name}"), hint))
        }
    }
}

/// A number from 1 and what follows it.
fn number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text[..digits].parse().ok().filter(|&number| number > 0)?;
    Some((number, &text[digits..]))
}

/// An optional `[n]` and what follows it.
fn index(text: &str) -> Option<(Option<u32>, &str)> {
    let Some(inside) = text.strip_prefix('[') else { return Some((None, text)) };
    let (number, rest) = number(inside)?;
    Some((Some(number), rest.strip_prefix(']')?))
}

/// `patient_name[2]`
fn indexed_name(text: &str) -> Option<(&str, Option<u32>)> {
    let bracket = text.find('[').unwrap_or(text.len());
    let (index, rest) = index(&text[bracket..])?;
    rest.is_empty().then_some((&text[..bracket], index))
}
