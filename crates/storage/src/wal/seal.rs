//! Sealing: the bytes of a closed segment become raw objects.

use std::collections::BTreeMap;

use object_store::path::Path;

use super::segment::Records;
use crate::{Lake, Result, Upload};

/// What a segment became.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// The raw objects, and how many bytes each has.
    pub objects: Vec<(Path, u64)>,
}

/// A raw object that is being written, unless it is there already.
struct Sealing {
    upload: Option<Upload>,
    length: u64,
}

/// Writes the raw objects of a segment that nobody appends to; durable when it returns. Those that are there already are
/// left as they are: they are the same.
pub async fn seal(lake: &Lake, name: &str) -> Result<Sealed> {
    let mut objects: BTreeMap<Path, Sealing> = BTreeMap::new();
    let mut records = Records::open(lake, name, 0).await?;
    while let Some((record, _)) = records.next().await? {
        let key = Path::from(record.key.as_str());
        if !objects.contains_key(&key) {
            let upload = if lake.exists(&key).await? { None } else { Some(lake.upload().await?) };
            objects.insert(key.clone(), Sealing { upload, length: 0 });
        }
        let Some(object) = objects.get_mut(&key) else { continue };
        object.length = record.offset + record.bytes.len() as u64;
        if let Some(upload) = &mut object.upload {
            upload.write(&record.bytes).await?;
        }
    }
    let mut sealed = Sealed::default();
    for (key, Sealing { upload, length }) in objects {
        if let Some(upload) = upload {
            upload.seal().await?.publish(&key).await?;
        }
        sealed.objects.push((key, length));
    }
    Ok(sealed)
}
