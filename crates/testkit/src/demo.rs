//! The demo feed: a folder of small files with every kind of message, several versions and charsets, batches, frames, Z-segments and
//! broken ones, and what a lake should answer to it.

use std::io;
use std::path::Path;

use crate::broken::{Fault, spoil};
use crate::charset::SAMPLES;
use crate::feed::{self, Mix};
use crate::{Kind, Random, Scene, Version, envelope, messages};

const SEED: u64 = 2026;

/// What the folder holds, and so what a lake that takes it up must report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Files in the folder.
    pub files: usize,
    /// Messages in them, with each file that holds no message at all counted as one.
    pub received: usize,
    /// Of these, unreadable ones.
    pub unreadable: usize,
    /// Of these, exact copies of another one.
    pub duplicates: usize,
}

/// Writes the demo feed into this folder, which is made if it is missing.
pub fn write(folder: &Path) -> io::Result<Written> {
    let files = files();
    let mut written = Written { files: files.len(), received: 0, unreadable: 0, duplicates: 0 };
    for file in files {
        let path = folder.join(&file.name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, &file.bytes)?;
        written.received += file.received;
        written.unreadable += file.unreadable;
        written.duplicates += file.duplicates;
    }
    Ok(written)
}

struct DemoFile {
    name: String,
    bytes: Vec<u8>,
    received: usize,
    unreadable: usize,
    duplicates: usize,
}

impl DemoFile {
    fn of_messages(name: impl Into<String>, messages: &[Vec<u8>]) -> Self {
        Self {
            name: name.into(),
            bytes: messages.concat(),
            received: messages.len(),
            unreadable: 0,
            duplicates: 0,
        }
    }
}

fn files() -> Vec<DemoFile> {
    let mut files = by_message_type();
    files.push(weekday());
    files.extend(envelopes());
    files.extend(charsets());
    files.extend(faults());
    files
}

/// One file for each message code, with every version that has it; a third of the messages carry Z-segments.
fn by_message_type() -> Vec<DemoFile> {
    let mut by_code: Vec<(&str, Vec<Vec<u8>>)> = Vec::new();
    let pairs = feed::every_pair();
    for (number, (kind, _)) in pairs.iter().enumerate() {
        let message = feed::message(Mix::Everything, SEED, number as u64);
        let code = kind.message_type().0;
        match by_code.iter_mut().find(|(known, _)| *known == code) {
            Some((_, messages)) => messages.push(message),
            None => by_code.push((code, vec![message])),
        }
    }
    by_code
        .into_iter()
        .map(|(code, messages)| DemoFile::of_messages(format!("{}.hl7", code.to_lowercase()), &messages))
        .collect()
}

/// Two hundred messages of a weekday, one of them sent twice.
fn weekday() -> DemoFile {
    let mut messages: Vec<Vec<u8>> = feed::messages(Mix::Weekday, SEED + 1).take(200).collect();
    messages.push(messages[17].clone());
    DemoFile { duplicates: 1, ..DemoFile::of_messages("weekday.hl7", &messages) }
}

fn envelopes() -> [DemoFile; 2] {
    let some = |seed| -> Vec<Vec<u8>> { feed::messages(Mix::Weekday, seed).take(12).collect() };
    let (batched, framed) = (some(SEED + 2), some(SEED + 3));
    [
        DemoFile { bytes: envelope::batch(&batched), ..DemoFile::of_messages("nightly-batch.hl7", &batched) },
        DemoFile { bytes: envelope::mllp(&framed), ..DemoFile::of_messages("capture.mllp", &framed) },
    ]
}

/// The same admission in several charsets, each declared in MSH-18.
fn charsets() -> Vec<DemoFile> {
    let mut files = Vec::new();
    for (number, sample) in SAMPLES.iter().enumerate() {
        let scene =
            Scene::invent(Version::V2_5, SEED + 4, number as u64).in_script(sample.script, sample.declared);
        let text = messages::write(Kind::AdtA04, &scene, &mut Random::new(SEED));
        let name = format!("charsets/{}.hl7", sample.declared.to_lowercase().replace([' ', '/'], "-"));
        files.push(DemoFile::of_messages(name, &[sample.encode(&text)]));
    }
    files
}

fn faults() -> Vec<DemoFile> {
    let mut files = Vec::new();
    for (number, fault) in Fault::ALL.into_iter().enumerate() {
        let scene = Scene::invent(Version::V2_4, SEED + 5, number as u64);
        let text = messages::write(Kind::OruR01, &scene, &mut Random::new(4));
        let name = format!("broken/{}.hl7", fault.name());
        let file = DemoFile::of_messages(name, &[spoil(&text, fault)]);
        files.push(DemoFile { unreadable: usize::from(!fault.is_readable()), ..file });
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_the_same_each_time_and_counts_are_right() {
        let (once, again) = (files(), files());
        assert_eq!(once.len(), again.len());
        for (file, twin) in once.iter().zip(&again) {
            assert_eq!((&file.name, &file.bytes), (&twin.name, &twin.bytes));
            let headers =
                file.bytes.windows(4).filter(|window| **window == *b"MSH|" || **window == *b"MSH#").count();
            let junk = usize::from(file.name.contains("junk"));
            assert_eq!(headers + junk, file.received, "{}", file.name);
        }
        assert_eq!(once.iter().map(|file| file.unreadable).sum::<usize>(), 2);
        let codes = ["adt", "oru", "orm", "siu", "mdm", "vxu", "dft"];
        assert!(codes.iter().all(|code| once.iter().any(|file| file.name == format!("{code}.hl7"))));
    }
}
