//! Whether a lake is an audited one.

use serde::{Deserialize, Serialize};
use storage::{Lake, audited_key};

use super::line::Head;
use super::{Access, Audit};
use crate::{Error, Result};

/// The mark's content: the event with which recording began, so that an audit zone that is gone as a whole is missed.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    chain: String,
    sequence: u64,
    hash: String,
}

/// Whether accesses to a lake are recorded, and refused where they cannot be.
pub async fn is_audited(lake: &Lake) -> Result<bool> {
    Ok(lake.exists(&audited_key()).await?)
}

/// Declares a lake an audited one, for good; `began` tells by whom. One that is so already stays as it is: the access is recorded all the same.
pub async fn declare(lake: &Lake, audit: &Audit, began: Access) -> Result<()> {
    let Head { chain, sequence, hash } = audit.record_at(began).await?;
    let mark = serde_json::to_vec(&Mark { chain, sequence, hash });
    let mut mark = mark.map_err(|error| Error::Internal(error.to_string()))?;
    mark.push(b'\n');
    lake.put_new(&audited_key(), mark.into()).await?;
    Ok(())
}

/// The event with which recording began: `None` if the lake is not audited, and no event if its mark cannot be read.
pub(crate) async fn beginning(lake: &Lake) -> Result<Option<Option<Head>>> {
    let bytes = match lake.read(&audited_key()).await {
        Err(error) if error.is_not_found() => return Ok(None),
        bytes => bytes?,
    };
    let mark = serde_json::from_slice(&bytes).ok();
    Ok(Some(mark.map(|Mark { chain, sequence, hash }| Head { chain, sequence, hash })))
}
