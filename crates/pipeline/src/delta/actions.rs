//! The lines of a Delta commit, written and read as the protocol spells them.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_schema::Schema;
use bytes::Bytes;
use deltalake::kernel::StructType;
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Error, Result};

/// What this program writes: readers of version 1 and writers of version 2 suffice.
pub(super) fn protocol() -> Value {
    json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}})
}

/// The table's identity, schema and settings, all new.
pub(super) fn new_metadata(schema: &Schema, configuration: &[(&str, &str)]) -> Result<Value> {
    let configuration: BTreeMap<&str, &str> = configuration.iter().copied().collect();
    Ok(json!({
        "id": uuid::Uuid::new_v4().to_string(),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema_string(schema)?,
        "partitionColumns": [],
        "configuration": configuration,
        "createdTime": now_milliseconds(),
    }))
}

/// The same table with other settings; `None` if it has these already.
pub(super) fn with_configuration(metadata: &Value, configuration: &[(&str, &str)]) -> Option<Value> {
    let has = |(name, value): &(&str, &str)| metadata["configuration"][name].as_str() == Some(value);
    if configuration.iter().all(has) {
        return None;
    }
    let mut metadata = metadata.clone();
    for (name, value) in configuration {
        metadata["configuration"][name] = (*value).into();
    }
    Some(metadata)
}

/// The same table with another schema.
pub(super) fn with_schema(metadata: &Value, schema: &Schema) -> Result<Value> {
    let mut metadata = metadata.clone();
    metadata["schemaString"] = schema_string(schema)?.into();
    Ok(metadata)
}

/// What the people who read the log are told.
pub(super) fn commit_info(operation: &str) -> Value {
    json!({"commitInfo": {
        "timestamp": now_milliseconds(),
        "operation": operation,
        "operationParameters": {},
        "engineInfo": concat!("carelake/", env!("CARGO_PKG_VERSION")),
    }})
}

/// Names the application's own counter.
pub(super) fn transaction(application: &str, version: i64) -> Value {
    json!({"txn": {"appId": application, "version": version, "lastUpdated": now_milliseconds()}})
}

/// Takes a file of `size` bytes out of the table. Its bytes stay, for those who read an older version. Where its rows are
/// in another file of the same commit, no data changes.
pub(super) fn remove(path: &str, size: u64, data_change: bool) -> Value {
    json!({"remove": {
        "path": path,
        "deletionTimestamp": now_milliseconds(),
        "dataChange": data_change,
        "extendedFileMetadata": true,
        "partitionValues": {},
        "size": size,
    }})
}

/// One JSON line an action. The commit says how many there are, so that a shortened one is known.
pub(super) fn lines(actions: &[Value]) -> Bytes {
    let mut text = String::new();
    for action in actions {
        let mut action = action.clone();
        if let Some(information) = action.get_mut("commitInfo") {
            information[storage::LINES] = actions.len().into();
        }
        text.push_str(&action.to_string());
        text.push('\n');
    }
    text.into()
}

/// The parts of a commit that the next writer must know.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
    pub(super) metadata: Option<Value>,
    pub(super) protocol: bool,
    pub(super) transactions: Vec<(String, i64)>,
}

/// Reads a commit that someone wrote.
pub(super) fn read(commit: &[u8]) -> Result<Seen> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Line {
        add: Option<File>,
        remove: Option<File>,
        meta_data: Option<Value>,
        protocol: Option<Value>,
        txn: Option<Transaction>,
    }
    #[derive(Deserialize)]
    struct File {
        path: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Transaction {
        app_id: String,
        version: i64,
    }
    let mut seen = Seen::default();
    for line in serde_json::Deserializer::from_slice(commit).into_iter::<Line>() {
        let line = line.map_err(|error| Error::DamagedLog { line: error.line() })?;
        seen.added.extend(line.add.map(|file| file.path));
        seen.removed.extend(line.remove.map(|file| file.path));
        seen.metadata = line.meta_data.or(seen.metadata);
        seen.protocol |= line.protocol.is_some();
        seen.transactions.extend(line.txn.map(|transaction| (transaction.app_id, transaction.version)));
    }
    Ok(seen)
}

/// The files that a commit took out, with their sizes in bytes where it tells.
pub(super) fn removed(commit: &[u8]) -> Result<Vec<(String, u64)>> {
    #[derive(Deserialize)]
    struct Line {
        remove: Option<File>,
    }
    #[derive(Deserialize)]
    struct File {
        path: String,
        size: Option<u64>,
    }
    let lines = serde_json::Deserializer::from_slice(commit).into_iter::<Line>();
    let removed = lines.filter_map(|line| match line {
        Ok(line) => line.remove.map(|file| Ok((file.path, file.size.unwrap_or(0)))),
        Err(error) => Some(Err(Error::DamagedLog { line: error.line() })),
    });
    removed.collect()
}

/// The Arrow schema of a table's metadata.
pub(super) fn schema_of(metadata: &Value) -> Result<Schema> {
    let text = metadata["schemaString"].as_str().ok_or(Error::DamagedLog { line: 0 })?;
    let schema: StructType = serde_json::from_str(text).map_err(|_| Error::DamagedLog { line: 0 })?;
    Ok((&schema).try_into_arrow()?)
}

fn schema_string(schema: &Schema) -> Result<String> {
    let schema: StructType = schema.try_into_kernel()?;
    serde_json::to_string(&schema).map_err(|error| Error::Internal(error.to_string()))
}

/// Milliseconds since 1970, UTC.
pub(crate) fn now_milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
