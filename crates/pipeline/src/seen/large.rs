//! More ids than memory holds: each is found, and none that is not there. With more of them it tells what a great many take:
//! `CARELAKE_SEEN_IDS=100000000 cargo test --release -p pipeline --lib -- --nocapture seen::large`

use std::time::Instant;

use storage::Location;

use super::*;

/// Ids of one data file.
const OF_A_FILE: u64 = 100_000;
/// Ids asked for at once, as a commit of a busy feed does.
const ASKED: u64 = 1_000;
/// How often it is asked.
const TIMES: u64 = 20;

/// Spread like hashes, and no two are the same: each half is a one-to-one mix of the number (splitmix64).
fn id(number: u64) -> MessageId {
    let mix = |number: u64| {
        let one = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let two = (one ^ (one >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        two ^ (two >> 31)
    };
    let high = mix(number.wrapping_add(0x9e37_79b9_7f4a_7c15));
    MessageId::from_number((u128::from(high) << 64) | u128::from(mix(!number)))
}

/// Megabytes that this process has in memory, now and at most, as far as the system tells.
fn memory(of: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(of)).unwrap_or_default();
    let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1e3
}

#[tokio::test(flavor = "multi_thread")]
async fn a_great_many_ids() {
    let wanted = std::env::var("CARELAKE_SEEN_IDS").ok().and_then(|number| number.parse().ok());
    let wanted: u64 = wanted.unwrap_or(IN_MEMORY as u64 + OF_A_FILE);
    let folder = tempfile::tempdir_in(".").unwrap();
    let lake = Lake::at(Location::parse(folder.path().to_str().unwrap()).unwrap());
    let table = Path::from("staging/table");
    let files: Vec<Path> = (0..wanted.div_ceil(OF_A_FILE))
        .map(|number| table.clone().join(format!("part-{number}.parquet")))
        .collect();
    eprintln!("{:.0} MB in memory before", memory("VmRSS"));

    let mut seen = Seen::over(&lake, &table, &[], IN_MEMORY).await.unwrap();
    let (began, mut lap) = (Instant::now(), Instant::now());
    for (file, number) in files.iter().zip(0..) {
        let ids = (number * OF_A_FILE..wanted.min((number + 1) * OF_A_FILE)).map(id).collect();
        seen.added(file, &Known { ids, control_ids: Vec::new() }).await.unwrap();
        let so_far = (number + 1) * OF_A_FILE;
        if so_far.is_multiple_of(10_000_000) {
            let took = std::mem::replace(&mut lap, Instant::now()).elapsed();
            eprintln!("{} million ids: the last ten took {:.1} s", so_far / 1_000_000, took.as_secs_f64());
        }
    }
    seen.keep().await.unwrap();
    let took = began.elapsed().as_secs_f64();
    eprintln!("{wanted} ids added in {took:.1} s, {:.2} µs each", took * 1e6 / wanted as f64);
    eprintln!("{:.0} MB in memory, {:.0} MB at most", memory("VmRSS"), memory("VmHWM"));
    drop(seen);

    let began = Instant::now();
    let mut seen = Seen::over(&lake, &table, &files, IN_MEMORY).await.unwrap();
    eprintln!("opened again in {:.2} s, {:.0} MB in memory", began.elapsed().as_secs_f64(), memory("VmRSS"));
    let kept = lake.list(&storage::seen_prefix(&table)).await.unwrap();
    let bytes: u64 = kept.iter().map(|object| object.size).sum();
    let each = bytes as f64 / wanted as f64;
    eprintln!("{:.0} MB on disk in {} objects, {each:.1} bytes an id", bytes as f64 / 1e6, kept.len());
    assert!((20.0..24.0).contains(&each), "an entry is 20 bytes, and little more goes with it");

    let step = (wanted / (ASKED * TIMES)) | 1;
    for (what, first) in [("that are not there", wanted), ("that are there", 0)] {
        let began = Instant::now();
        for time in 0..TIMES {
            let ids = (0..ASKED).map(|number| first + (time * ASKED + number) * step % wanted).map(id);
            let held = seen.hold_all(&ids.collect::<Vec<_>>()).await.unwrap();
            assert!(held.iter().all(|held| *held == (first == 0)), "{what}");
        }
        let took = began.elapsed().as_secs_f64() * 1e6 / (ASKED * TIMES) as f64;
        eprintln!("{ASKED} at once {what}: {took:.2} µs each");
    }
    let began = Instant::now();
    for time in 0..ASKED {
        assert!(seen.find(id(time * step % wanted)).await.unwrap().is_some());
    }
    eprintln!("one by one that are there: {:.0} µs each", began.elapsed().as_secs_f64() * 1e6 / ASKED as f64);
}
