//! Sweep: takes away what interrupted work left behind and no commit names.
//!
//! An object is swept only when it is older than an age, and when neither the tables as they are nor any version of them
//! younger than that age names it: whoever reads an older state is left in peace. What was written since the first of the
//! processes began that work on the lake now is left too, whatever the age: they are about to commit it. Only what is older than
//! a day has been given up, for no process takes so long from writing to committing.
//! The locks of dead runs are not swept: they tell the next ingest that there is something to finish.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::path::{Path as FilePath, PathBuf};
use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use object_store::ObjectMeta;
use object_store::path::Path;
use storage::{Lake, error_table, raw_prefix, seen_prefix, staging_table};

use crate::delta::Table;
use crate::{Error, Result, documents, is_drop};

/// What is older was given up by whoever wrote it.
const GIVEN_UP: Duration = Duration::from_secs(24 * 60 * 60);

/// What was swept, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Swept {
    /// Parquet files that no commit names.
    pub data_files: u64,
    /// JSON documents and lists of them that no commit names.
    pub documents: u64,
    /// Lists and sorted runs of ids, which overtaken or dead writers left and the newest list does not name.
    pub seen: u64,
    /// Uploads and writes that were broken off.
    pub unfinished: u64,
    /// Bytes of all that.
    pub bytes: u64,
}

impl fmt::Display for Swept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data_files, documents, seen, unfinished, bytes } = self;
        write!(
            formatter,
            "data_files={data_files} documents={documents} seen={seen} unfinished={unfinished} bytes={bytes}"
        )
    }
}

/// Sweeps what is older than `age`; with `only_look` it is counted and left.
pub async fn sweep(lake: &Lake, age: Duration, only_look: bool) -> Result<Swept> {
    let now = SystemTime::now();
    let before = now.checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
    let since = before.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let since = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    let mut swept = Swept::default();
    // The listings come first: what is written after them is not in them, and what was committed before is named.
    let tables = [objects(lake, &staging_table(), since).await?, objects(lake, &error_table(), since).await?];
    let json = objects(lake, &Path::from("staging/json"), since).await?;
    let incoming = objects(lake, &Path::from("_carelake/incoming"), since).await?;
    let hidden = match lake.folder() {
        Some(folder) => {
            let folder = folder.to_owned();
            tokio::task::spawn_blocking(move || hidden(&folder, before)).await?
        }
        None => Vec::new(),
    };
    // A process that begins from here on has written nothing of what is listed.
    let given_up = now.checked_sub(GIVEN_UP).unwrap_or(SystemTime::UNIX_EPOCH);
    let began = lake.seize_abandoned()?.living_since.map(|since| since.max(given_up));
    let is_left =
        |object: &ObjectMeta| began.is_none_or(|began| SystemTime::from(object.last_modified) < began);
    let mut seen = Vec::new();
    for table in [staging_table(), error_table()] {
        seen.extend(unnamed_seen(lake, &table, since).await?);
    }
    let named = named(lake, since).await?;
    let mut remove = async |object: &ObjectMeta, count: fn(&mut Swept) -> &mut u64| {
        if !only_look {
            lake.delete(&object.location).await?;
        }
        *count(&mut swept) += 1;
        swept.bytes += object.size;
        Ok::<_, Error>(())
    };
    for object in tables.iter().flatten().filter(|object| is_left(object)) {
        let is_data = object.location.as_ref().ends_with(".parquet") && !is_log(&object.location);
        if is_data && !named.contains(&object.location) {
            remove(object, |swept| &mut swept.data_files).await?;
        }
    }
    for object in json.iter().filter(|object| is_left(object) && !named.contains(&object.location)) {
        remove(object, |swept| &mut swept.documents).await?;
    }
    for object in &seen {
        remove(object, |swept| &mut swept.seen).await?;
    }
    for object in incoming.iter().filter(|object| is_left(object)) {
        remove(object, |swept| &mut swept.unfinished).await?;
    }
    for (path, modified, bytes) in hidden {
        let is_left = began.is_none_or(|began| modified < began);
        if is_left && (only_look || fs::remove_file(path).is_ok()) {
            swept.unfinished += 1;
            swept.bytes += bytes;
        }
    }
    Ok(swept)
}

fn is_log(key: &Path) -> bool {
    key.as_ref().contains("/_delta_log/")
}

/// The objects under a folder that were written before a moment, in milliseconds since 1970.
async fn objects(lake: &Lake, folder: &Path, before: i64) -> Result<Vec<ObjectMeta>> {
    let all = lake
        .store()
        .list(Some(folder))
        .try_filter(move |object| std::future::ready(object.last_modified.timestamp_millis() < before));
    all.try_collect().await.map_err(|error| Error::Listing { reason: error.to_string() })
}

/// What is kept of the ids of a table, was written before a moment and is not named by the newest manifest.
///
/// A run that is going on names what it wrote when it ends: while there is one, none is given. Whoever reads a sorted
/// run that is gone reads the table instead.
async fn unnamed_seen(lake: &Lake, table: &Path, before: i64) -> Result<Vec<ObjectMeta>> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        runs: Vec<String>,
    }
    // In this order: a run that begins after the listing has nothing in it, one that ends before the look at the
    // locks has named what it wrote.
    let mut old = objects(lake, &seen_prefix(table), before).await?;
    if !lake.seize_abandoned()?.living.is_empty() {
        return Ok(Vec::new());
    }
    let is_manifest = |key: &Path| key.filename().is_some_and(|name| name.starts_with("manifest-"));
    let all = lake.list(&seen_prefix(table)).await?;
    // Their numbers are of one length.
    let Some(newest) = all.iter().map(|object| &object.key).filter(|key| is_manifest(key)).max() else {
        return Ok(old);
    };
    // One that cannot be read names nothing, to its readers too.
    let manifest = serde_json::from_slice::<Manifest>(&lake.read(newest).await?);
    let named: HashSet<String> = manifest.into_iter().flat_map(|manifest| manifest.runs).collect();
    old.retain(|object| object.location != *newest && !named.contains(object.location.as_ref()));
    Ok(old)
}

/// All that the tables name, as they are and as they were since a moment.
async fn named(lake: &Lake, since: i64) -> Result<HashSet<Path>> {
    let mut named = HashSet::new();
    for folder in [staging_table(), error_table()] {
        let table = Table::at(lake, folder.clone())?;
        let (_, files) = table.listed().await?;
        let mut keys: HashSet<Path> = files.into_iter().map(|file| file.key).collect();
        keys.extend(touched(lake, &table, &folder, since).await?);
        for key in keys {
            let list = documents::list_key_of(&key);
            match documents::read_list(lake, &list).await {
                Ok(documents) => named.extend(documents),
                // Errors have no documents, and lists of older states are swept with them.
                Err(Error::Storage(error)) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
            named.insert(list);
            named.insert(key);
        }
    }
    Ok(named)
}

/// The files that commits since a moment brought in or took out: the states in between name them.
async fn touched(lake: &Lake, table: &Table, folder: &Path, since: i64) -> Result<Vec<Path>> {
    let log = folder.clone().join("_delta_log");
    let entries: Vec<ObjectMeta> = lake
        .store()
        .list(Some(&log))
        .try_collect()
        .await
        .map_err(|error| Error::Listing { reason: error.to_string() })?;
    let mut keys = Vec::new();
    for entry in entries.iter().filter(|entry| entry.last_modified.timestamp_millis() >= since) {
        if entry.location.as_ref().ends_with(".json") {
            match lake.read(&entry.location).await {
                Ok(commit) => keys.extend(table.touched_by(&commit)?),
                // Maintenance removes old ones.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(keys)
}

/// The files that a broken-off write left beside its key, each with when it was written and its bytes; listings do not show them.
fn hidden(folder: &FilePath, before: SystemTime) -> Vec<(PathBuf, SystemTime, u64)> {
    let mut found = Vec::new();
    let raw = folder.join(raw_prefix().as_ref());
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let name = entry.file_name();
            let mark = name.to_str().and_then(|name| name.rsplit_once('#'));
            let is_hidden = mark.is_some_and(|(_, number)| {
                !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
            });
            let was_dropped = entry.path().strip_prefix(&raw).is_ok_and(is_drop);
            if let Ok(modified) = meta.modified()
                && is_hidden
                && modified < before
                && !was_dropped
            {
                found.push((entry.path(), modified, meta.len()));
            }
        }
    }
    found
}
