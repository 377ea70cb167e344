//! Archives: taken up as they are, and what is in them message by message.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use pipeline::{Accounting, MessageId};

use crate::{Files, lake_in_memory, message, staged_ids, take};

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn staged(count: u64) -> Accounting {
    Accounting { received: count, staged: count, ..Accounting::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn packed_files_are_read_whatever_they_are_called() {
    let (lake, files) = (lake_in_memory().await, Files::new());
    // Two members one behind the other are one file, as gunzip has it.
    let two = [gzip(message(1).as_bytes()), gzip(message(2).as_bytes())].concat();
    assert_eq!(take(&lake, &files.add("two.hl7", two)).await, staged(2));
    let packed = zstd::encode_all(message(3).as_bytes(), 0).unwrap();
    assert_eq!(take(&lake, &files.add("three.hl7.zst", packed)).await, staged(1));
    assert_eq!(take(&lake, &files.add("three_again.hl7", message(3))).await.duplicate, 1);
    for number in 1..=3 {
        let wanted = message(number).trim_end().to_owned();
        let bytes =
            pipeline::message_bytes(&lake, MessageId::of("default", wanted.as_bytes())).await.unwrap();
        assert_eq!(bytes, wanted.as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_of_a_zip_is_a_file_of_its_own() {
    let (lake, files) = (lake_in_memory().await, Files::new());
    let (one, two, packed) = (message(1), message(2) + &message(3), gzip(message(4).as_bytes()));
    let archive = zip(&[
        ("a.hl7", one.as_bytes()),
        ("week/a.hl7", two.as_bytes()),
        ("../ünsafe name", packed.as_slice()),
        ("readme.txt", b"no message"),
        ("empty.hl7", b""),
    ]);
    let accounting = take(&lake, &files.add("week.zip", &archive)).await;
    assert_eq!(accounting, Accounting { received: 5, staged: 4, error: 1, ..Accounting::default() });
    let objects = lake.list(&storage::raw_prefix()).await.unwrap();
    let raw: Vec<_> = objects.iter().filter(|object| object.key.as_ref().ends_with("week.zip")).collect();
    assert_eq!(raw.len(), 1);
    assert_eq!(lake.read(&raw[0].key).await.unwrap(), archive);
    for number in 1..=4 {
        let wanted = message(number).trim_end().to_owned();
        let bytes =
            pipeline::message_bytes(&lake, MessageId::of("default", wanted.as_bytes())).await.unwrap();
        assert_eq!(bytes, wanted.as_bytes());
    }
    let errors = pipeline::errors(&lake).await.unwrap();
    assert!(errors[0].origin.ends_with("week.zip!readme.txt"), "{}", errors[0].origin);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_damaged_archive_what_can_be_unpacked_is_staged_and_the_rest_told() {
    let (lake, files) = (lake_in_memory().await, Files::new());
    let content: String = (0..2_000).map(message).collect();
    let packed = gzip(content.as_bytes());
    let accounting = take(&lake, &files.add("cut.gz", &packed[..packed.len() / 2])).await;
    assert!(accounting.staged > 100 && accounting.staged < 2_000, "{accounting}");
    let errors = pipeline::errors(&lake).await.unwrap();
    assert!(errors.iter().any(|error| error.reason.contains("archive is damaged")), "{errors:?}");
    let again = take(&lake, &files.add("whole.gz", &packed)).await;
    assert_eq!(staged_ids(&lake).await.len() as u64, accounting.staged + again.staged);

    let archive = zip(&[("a.hl7", message(1).as_bytes())]);
    let accounting = take(&lake, &files.add("cut.zip", &archive[..archive.len() / 2])).await;
    assert_eq!(accounting, Accounting { received: 1, error: 1, ..Accounting::default() });
    let accounting = take(&lake, &files.add("picture.png", [0u8, 1, 2, 3, 255].repeat(100))).await;
    assert_eq!(accounting, Accounting { received: 1, error: 1, ..Accounting::default() });
    // Every byte there is, framing among them, over and over.
    let noise: Vec<u8> =
        (0..200_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let accounting = take(&lake, &files.add("noise.bin", noise)).await;
    assert_eq!(accounting, Accounting { received: 1, error: 1, ..Accounting::default() });
    let errors = pipeline::errors(&lake).await.unwrap();
    assert_eq!(errors.iter().filter(|error| error.reason.contains("not text")).count(), 3, "{errors:?}");
}
