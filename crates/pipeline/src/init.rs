//! Making a lake.

use storage::{Lake, Location, error_table, marker_key, staging_table};

use crate::delta::Table;
use crate::{Error, Result};

/// Makes a lake: its tables with the columns that every lake has, then the mark that it is one.
///
/// Interrupted, it can simply be called again.
pub async fn init(location: Location) -> Result<Lake> {
    let lake = Lake::at(location);
    if lake.folder().is_none_or(|folder| folder.is_dir()) && lake.exists(&marker_key()).await? {
        return Err(Error::Storage(storage::Error::LakeExists { location: lake.shown().into() }));
    }
    lake.make_folder()?;
    Table::at(&lake, staging_table())?.create(&tables::core_schema()).await?;
    Table::at(&lake, error_table())?.create(&tables::errors_schema()).await?;
    lake.mark().await?;
    Ok(lake)
}
