//! The engine over three feeds, and its Rust peers over the same ones in the same run.
//!
//! One iteration reads the whole feed with fresh buffers, on one thread. So `alloc` is the number of allocations for the feed
//! (weekday: divide by 10,000 for one message), and `max alloc` is the peak of the memory the reader needed beside the feed.
//! `scripts/bench.sh` makes a table of it.

mod peers;
mod sink;

use benches::{DOCUMENTS, ORU_ONLY, WEEKDAY, Workload};
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};
use hl7::json::{Names, TreeWriter};
use hl7::{Options, Parser};
use sink::Tally;
use tables::{Envelope, StagingBuilder};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

/// One bench for each way to read a feed, under the name of the feed.
macro_rules! feed {
    ($name:ident, $workload:ident) => {
        #[divan::bench_group(sample_count = 10, sample_size = 1)]
        mod $name {
            use super::*;

            #[divan::bench(name = "1 split the stream into messages")]
            fn split(bencher: Bencher<'_, '_>) {
                let workload = &*$workload;
                counted(bencher, workload).bench_local(|| {
                    assert_eq!(hl7::stream::pieces(&workload.bytes, 1 << 27).count(), 2 * workload.count());
                });
            }

            #[divan::bench(name = "2 scan and split each message")]
            fn parse(bencher: Bencher<'_, '_>) {
                let workload = &*$workload;
                counted(bencher, workload).bench_local(|| {
                    let mut parser = Parser::default();
                    for bytes in workload.messages() {
                        black_box(parser.parse(bytes).is_ok());
                    }
                });
            }

            #[divan::bench(name = "3 parse to events")]
            fn events(bencher: Bencher<'_, '_>) {
                let workload = &*$workload;
                counted(bencher, workload).bench_local(|| {
                    let mut parser = Parser::default();
                    let mut tally = Tally::default();
                    for bytes in workload.messages() {
                        if let Ok(message) = parser.parse(bytes) {
                            tally.read(&message);
                        }
                    }
                    tally.values
                });
            }

            #[divan::bench(name = "4 tree JSON, canonical names")]
            fn canonical_json(bencher: Bencher<'_, '_>) {
                read_to_json(bencher, &$workload, Names::Canonical);
            }

            #[divan::bench(name = "5 tree JSON, standard names")]
            fn standard_json(bencher: Bencher<'_, '_>) {
                read_to_json(bencher, &$workload, Names::Standard);
            }

            #[divan::bench(name = "6 Arrow: staging rows, 2,000 a batch")]
            fn arrow(bencher: Bencher<'_, '_>) {
                read_to_rows(bencher, &$workload);
            }

            #[divan::bench(name = "peer hl7-parser 0.3: parse")]
            fn hl7_parser(bencher: Bencher<'_, '_>) {
                read_texts(bencher, &$workload, |text, _| {
                    black_box(hl7_parser::Message::parse_with_lenient_newlines(text, true).is_ok());
                });
            }

            #[divan::bench(name = "peer hl7-parser 0.3: parse, JSON without names")]
            fn hl7_parser_json(bencher: Bencher<'_, '_>) {
                read_texts(bencher, &$workload, |text, out| {
                    if let Ok(message) = hl7_parser::Message::parse_with_lenient_newlines(text, true) {
                        peers::hl7_parser_json(&message, out);
                    }
                });
            }

            #[divan::bench(name = "peer rust-hl7 0.5: parse")]
            fn rust_hl7(bencher: Bencher<'_, '_>) {
                read_texts(bencher, &$workload, |text, _| {
                    black_box(rusthl7::message::Message::new(text).segments.len());
                });
            }

            #[divan::bench(name = "peer rust-hl7 0.5: parse, JSON without names")]
            fn rust_hl7_json(bencher: Bencher<'_, '_>) {
                read_texts(bencher, &$workload, |text, out| {
                    peers::rust_hl7_json(&rusthl7::message::Message::new(text), out);
                });
            }
        }
    };
}

feed!(weekday, WEEKDAY);
feed!(oru_only, ORU_ONLY);
feed!(documents, DOCUMENTS);

fn counted<'a, 'b>(bencher: Bencher<'a, 'b>, workload: &Workload) -> Bencher<'a, 'b> {
    bencher.counter(BytesCount::new(workload.bytes.len())).counter(ItemsCount::new(workload.count()))
}

fn read_to_json(bencher: Bencher<'_, '_>, workload: &Workload, names: Names) {
    counted(bencher, workload).bench_local(|| {
        let mut parser = Parser::default();
        let mut writer = TreeWriter::new(names, &Options::default());
        for bytes in workload.messages() {
            if let Ok(message) = parser.parse(bytes) {
                black_box(writer.write(&message).len());
            }
        }
    });
}

fn read_to_rows(bencher: Bencher<'_, '_>, workload: &Workload) {
    let envelope = Envelope {
        message_id: "0123456789abcdef0123456789abcdef",
        feed: "default",
        received_at: 0,
        sequence: 1,
        raw_key: "raw/default/0123456789abcdef-feed.hl7",
        raw_offset: 0,
        raw_length: 0,
        sha256: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    };
    counted(bencher, workload).bench_local(|| {
        let mut parser = Parser::default();
        let mut rows = StagingBuilder::new();
        for bytes in workload.messages() {
            if let Ok(message) = parser.parse(bytes) {
                rows.append(&envelope, &message);
            }
            if rows.len() == 2_000 {
                black_box(rows.finish().is_ok());
            }
        }
        black_box(rows.finish().is_ok());
    });
}

/// Reads every message as text, into a buffer that is emptied after each.
fn read_texts(bencher: Bencher<'_, '_>, workload: &Workload, read: impl Fn(&str, &mut Vec<u8>) + Sync) {
    let texts = workload.texts();
    bencher
        .counter(BytesCount::new(workload.bytes.len()))
        .counter(ItemsCount::new(workload.count()))
        .bench_local(|| {
            let mut out = Vec::new();
            for text in &texts {
                out.clear();
                read(text, &mut out);
                black_box(out.len());
            }
        });
}
