//! Which lake a command works on.

use storage::{Lake, Location};

use crate::report::Result;

/// The environment variable that names the lake when `--lake` does not.
const VARIABLE: &str = "CARELAKE_LAKE";
/// The lake when nothing names one.
const DEFAULT: &str = "./lake";

/// The location: `--lake`, else the environment's, else `./lake`.
pub(crate) fn location(option: Option<&str>) -> Result<Location> {
    let variable = std::env::var(VARIABLE).ok().filter(|value| !value.is_empty());
    let address = option.map(str::to_owned).or(variable).unwrap_or_else(|| DEFAULT.to_owned());
    Ok(Location::parse(&address)?)
}

/// Opens the lake.
pub(crate) async fn open(option: Option<&str>) -> Result<Lake> {
    Ok(Lake::open(location(option)?).await?)
}
