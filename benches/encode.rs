//! What the settings of a Parquet file cost and bring: the rows of a batch of a weekday, encoded over and over.
//!
//! Rounds take turns among the settings, so that a busy machine is busy for all of them alike; the least time of each counts,
//! in relation to the first. `cargo bench -p benches --bench encode` prints the table; an argument sets the messages of a batch.

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use benches::WEEKDAY;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use tables::{Envelope, StagingBuilder};

const ROUNDS: usize = 7;

fn main() {
    let asked = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let batch = rows(asked.unwrap_or(8_000));
    let leaves = Leaves::of(&batch);
    println!(
        "{} rows, {} leaves, {} of them nearly all different",
        batch.num_rows(),
        leaves.all,
        leaves.varied.len()
    );
    let settings = settings(&leaves);
    let mut least = vec![(Duration::MAX, 0); settings.len()];
    for _ in 0..ROUNDS {
        for ((_, properties), least) in settings.iter().zip(&mut least) {
            let start = Instant::now();
            let size = encode(&batch, properties.clone());
            *least = (start.elapsed().min(least.0), size);
        }
    }
    let (time, size) = least[0];
    for ((name, _), (its_time, its_size)) in settings.iter().zip(&least) {
        println!(
            "{name:<60} {:>7.1} ms {:>5.2} of the time {:>9} bytes {:>5.2} of the size",
            its_time.as_secs_f64() * 1e3,
            its_time.as_secs_f64() / time.as_secs_f64(),
            its_size,
            *its_size as f64 / size as f64,
        );
    }
}

fn plain(level: i32) -> WriterPropertiesBuilder {
    let level = ZstdLevel::try_new(level).unwrap_or_default();
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::None)
}

fn settings(leaves: &Leaves) -> Vec<(&'static str, WriterProperties)> {
    let recurring = || {
        leaves
            .varied
            .iter()
            .fold(plain(1), |builder, column| builder.set_column_dictionary_enabled(column.clone(), false))
    };
    vec![
        ("zstd 1, dictionaries", plain(1).build()),
        ("zstd 3, dictionaries", plain(3).build()),
        ("zstd 1, no dictionaries", plain(1).set_dictionary_enabled(false).build()),
        ("zstd 1, dictionaries where values recur", recurring().build()),
        ("zstd 1, dictionaries, 8,192 values at a time", plain(1).set_write_batch_size(8_192).build()),
        ("no compression, dictionaries", plain(1).set_compression(Compression::UNCOMPRESSED).build()),
        ("snappy, dictionaries", plain(1).set_compression(Compression::SNAPPY).build()),
    ]
}

fn encode(batch: &RecordBatch, properties: WriterProperties) -> usize {
    let mut file = Vec::new();
    let written = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).and_then(|mut writer| {
        writer.write(batch)?;
        writer.close()
    });
    assert!(written.is_ok());
    file.len()
}

/// The leaf columns of a batch.
struct Leaves {
    all: usize,
    /// Those in which fewer than half of the values come again.
    varied: Vec<ColumnPath>,
}

impl Leaves {
    fn of(batch: &RecordBatch) -> Self {
        let mut leaves = Self { all: 0, varied: Vec::new() };
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            leaves.add(vec![field.name().clone()], column);
        }
        leaves
    }

    fn add(&mut self, path: Vec<String>, column: &dyn Array) {
        match column.data_type() {
            DataType::Struct(fields) => {
                for (field, child) in fields.iter().zip(column.as_struct().columns()) {
                    let mut path = path.clone();
                    path.push(field.name().clone());
                    self.add(path, child);
                }
            }
            DataType::List(_) => {
                let mut path = path;
                path.extend(["list".to_owned(), "element".to_owned()]);
                self.add(path, column.as_list::<i32>().values());
            }
            DataType::Utf8 => {
                self.all += 1;
                let texts = column.as_string::<i32>();
                let distinct: std::collections::HashSet<_> = texts.iter().flatten().collect();
                let present = texts.len() - texts.null_count();
                if distinct.len() * 2 > present && present > 100 {
                    self.varied.push(ColumnPath::new(path));
                }
            }
            _ => self.all += 1,
        }
    }
}

fn rows(count: usize) -> RecordBatch {
    let mut parser = hl7::Parser::default();
    let mut rows = StagingBuilder::new();
    for (number, bytes) in WEEKDAY.messages().take(count).enumerate() {
        let Ok(message) = parser.parse(bytes) else { continue };
        let mixed = (number as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C834);
        let message_id = format!("{mixed:032x}");
        let envelope = Envelope {
            message_id: &message_id,
            feed: "default",
            received_at: 1_700_000_000_000_000,
            sequence: number as i64 + 1,
            raw_key: "raw/default/0123456789abcdef-feed.hl7",
            raw_offset: number as i64 * 1580,
            raw_length: bytes.len() as i64,
            sha256: &format!("{message_id}{:032x}", mixed.wrapping_mul(mixed)),
        };
        rows.append(&envelope, &message);
    }
    rows.finish().unwrap_or_else(|error| panic!("{error}"))
}
