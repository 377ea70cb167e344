//! What the API asks of the rest of the program: small traits that the wiring fills.

mod denial;
mod gate;
mod health;
mod intake;
mod rows;
mod sql;
mod witness;

pub use denial::{Denial, Identity, TurnedAway};
pub use gate::{Caller, Gate, Scope};
pub use health::{Health, Metrics};
pub use intake::{Intake, Policy, Refused};
pub use rows::FlatRows;
pub use sql::{Answer, Format, Rows, Sql, SqlLimits, SqlProblem, SqlProblemKind};
pub use witness::{Sight, Witness};
