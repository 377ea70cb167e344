//! The two things that are read from a certificate itself: its subject, and its end.
//!
//! Whether a certificate is good is for rustls to say; this only reads names and a date, for people.

use pipeline::time::parse;

/// A subject is shortened to so many characters.
const LONGEST_SUBJECT: usize = 500;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const BMP_STRING: u8 = 0x1e;

/// The subject's name, its parts in the order of the certificate: `O=North Hospital,CN=adt`.
pub(super) fn subject(certificate: &[u8]) -> Option<String> {
    let (_, subject) = validity_and_subject(certificate)?;
    let mut parts = Vec::new();
    for (_, set) in subject {
        let mut set = Der(set);
        while let Some((SEQUENCE, attribute)) = set.next() {
            let mut attribute = Der(attribute);
            let (_, kind) = attribute.next()?;
            let (tag, value) = attribute.next()?;
            parts.push(format!("{}={}", attribute_name(kind), escaped(&text(tag, value))));
        }
    }
    Some(parts.join(",").chars().take(LONGEST_SUBJECT).collect())
}

/// The moment after which the certificate is no longer good, in microseconds since 1970.
pub(super) fn not_after(certificate: &[u8]) -> Option<i64> {
    let (mut validity, _) = validity_and_subject(certificate)?;
    validity.next()?;
    let (tag, time) = validity.next()?;
    let time = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    let time = match tag {
        GENERALIZED_TIME => time.to_owned(),
        // Two digits of the year: up to 49 they are of this century (RFC 5280).
        UTC_TIME => format!("{}{time}", if time.get(..2)? < "50" { "20" } else { "19" }),
        _ => return None,
    };
    let part = |from: usize, to: usize| time.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(8, 10)?, part(10, 12)?, part(12, 14)?);
    parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z"))
}

fn validity_and_subject(certificate: &[u8]) -> Option<(Der<'_>, Der<'_>)> {
    let (_, certificate) = Der(certificate).next()?;
    let (_, signed) = Der(certificate).next()?;
    let mut signed = Der(signed);
    let (first, _) = signed.next()?;
    if first == VERSION {
        signed.next()?;
    }
    // After the serial number: algorithm, issuer, validity, subject.
    signed.next()?;
    signed.next()?;
    let (_, validity) = signed.next()?;
    let (_, subject) = signed.next()?;
    Some((Der(validity), Der(subject)))
}

/// Values one after the other: tag, length, content.
struct Der<'a>(&'a [u8]);

impl<'a> Iterator for Der<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (&tag, rest) = self.0.split_first()?;
        let (&short, mut rest) = rest.split_first()?;
        let mut length = usize::from(short);
        if short >= 0x80 {
            let bytes;
            (bytes, rest) = rest.split_at_checked(usize::from(short & 0x7f))?;
            // Nothing of a certificate is longer than four bytes can count.
            length = if bytes.len() > 4 {
                return None;
            } else {
                bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
            };
        }
        let content;
        (content, self.0) = rest.split_at_checked(length)?;
        Some((tag, content))
    }
}

/// The short name of a kind of attribute, or its number with dots.
fn attribute_name(kind: &[u8]) -> String {
    let name = match kind {
        [0x55, 0x04, 0x03] => "CN",
        [0x55, 0x04, 0x05] => "serialNumber",
        [0x55, 0x04, 0x06] => "C",
        [0x55, 0x04, 0x07] => "L",
        [0x55, 0x04, 0x08] => "ST",
        [0x55, 0x04, 0x0a] => "O",
        [0x55, 0x04, 0x0b] => "OU",
        _ => return dotted(kind),
    };
    name.to_owned()
}

fn dotted(kind: &[u8]) -> String {
    let (mut numbers, mut number) = (Vec::new(), 0_u64);
    for byte in kind {
        number = number.wrapping_shl(7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.push(first);
                number -= first * 40;
            }
            numbers.push(number);
            number = 0;
        }
    }
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

fn text(tag: u8, value: &[u8]) -> String {
    if tag == BMP_STRING {
        let units = value.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        return char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    }
    String::from_utf8_lossy(value).into_owned()
}

/// What would end a part is escaped, as RFC 4514 has it; what a line of a log cannot hold is left out.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars().filter(|character| !character.is_control()) {
        if matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(names: DistinguishedName, year: i32) -> Vec<u8> {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name = names;
        parameters.not_after = date_time_ymd(year, 2, 28);
        parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn subject_and_end_are_read() {
        let mut names = DistinguishedName::new();
        names.push(DnType::OrganizationName, "Nörd, \"North\" + Söhne");
        names.push(DnType::CommonName, "adt\n=1");
        names.push(DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 25]), "north");
        let der = certificate(names, 2049);
        assert_eq!(
            subject(&der).unwrap(),
            r#"O=Nörd\, \"North\" \+ Söhne,CN=adt\=1,0.9.2342.19200300.100.1.25=north"#
        );
        assert_eq!(not_after(&der), parse("2049-02-28"));
        let der = certificate(DistinguishedName::new(), 2051);
        assert_eq!(subject(&der).as_deref(), Some(""));
        assert_eq!(not_after(&der), parse("2051-02-28"));
    }

    #[test]
    fn a_damaged_certificate_gives_nothing_and_never_panics() {
        let mut names = DistinguishedName::new();
        names.push(DnType::CommonName, "adt");
        let der = certificate(names, 2040);
        for length in 0..der.len() {
            assert_eq!(subject(&der[..length]), None);
        }
        for place in 0..der.len() {
            for byte in [0, 0x7f, 0x80, 0x84, 0xff] {
                let mut damaged = der.clone();
                damaged[place] = byte;
                let _ = (subject(&damaged), not_after(&damaged));
            }
        }
    }
}
