//! Ingests each file of a folder in a run of its own, as a live feed would be: `ingest_one_by_one LAKE FOLDER SECONDS`.
//! Prints how many milliseconds each took, one number a line, and stops after so many seconds. `scripts/bench-lake.sh` makes
//! lakes of many commits with it.
#![expect(clippy::print_stdout, reason = "a command-line program")]

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pipeline::{Input, Settings, ingest};
use storage::{Lake, Location};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [lake, folder, seconds] = arguments.as_slice() else {
        return Err("usage: ingest_one_by_one LAKE FOLDER SECONDS".into());
    };
    let (start, limit) = (Instant::now(), Duration::from_secs(seconds.parse()?));
    let lake = Lake::open(Location::parse(lake)?).await?;
    for input in Input::expand(&[PathBuf::from(folder)]) {
        let began = Instant::now();
        if began - start > limit {
            break;
        }
        let accounting = ingest(&lake, vec![input], &Settings::default(), |_| {}).await?;
        println!("{:.3}", began.elapsed().as_secs_f64() * 1000.0);
        if accounting.staged != 1 {
            return Err(format!("a file did not become one row: {accounting}").into());
        }
    }
    Ok(())
}
