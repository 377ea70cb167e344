//! Objects that no commit names. They are invisible, cost space and nothing else.

use std::collections::HashSet;

use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;
use storage::{error_table, staging_table};

use super::{Check, number_of};
use crate::delta::ListedFile;
use crate::{Result, documents};

/// Counts what the tables do not name.
pub(super) async fn count(check: &Check, staging: &[ListedFile], errors: &[ListedFile]) -> Result<()> {
    let mut named: HashSet<u64> =
        staging.iter().chain(errors).map(|file| number_of(file.key.as_ref())).collect();
    for list in staging.iter().filter_map(|file| file.documents.as_ref()) {
        named.insert(number_of(list.as_ref()));
        // One that cannot be read was told before.
        let keys = documents::read_list(&check.lake, list).await.unwrap_or_default();
        named.extend(keys.iter().map(|key| number_of(key.as_ref())));
    }
    let folders =
        [staging_table(), error_table(), Path::from("staging/json"), Path::from("_carelake/incoming")];
    for folder in folders {
        let log = folder.clone().join("_delta_log");
        let mut objects = check.lake.store().list(Some(&folder));
        while let Some(object) =
            objects.try_next().await.map_err(|error| crate::Error::Listing { reason: error.to_string() })?
        {
            let is_named = named.contains(&number_of(object.location.as_ref()));
            if !is_named && !object.location.prefix_matches(&log) {
                check.found().summary.left_behind += 1;
            }
        }
    }
    Ok(())
}
