//! From MSH-9 and MSH-12 to the message structure, remembered because feeds repeat themselves.

use crate::dictionary::{self, Structure, Version};
use crate::message::Header;

/// The structures the last few kinds of message resolved to.
#[derive(Default)]
pub(crate) struct StructureNames {
    seen: Vec<(Key, Option<Structure>)>,
}

/// Version, message code, trigger event and declared structure, cut to what any real one fits into.
type Key = (Version, [u8; 8], [u8; 8], [u8; 16]);

/// A feed has a handful of message types; one with more than this resolves them anew now and then.
const REMEMBERED: usize = 32;

impl StructureNames {
    pub(crate) fn resolve(&mut self, header: &Header<'_>, version: Version) -> Option<Structure> {
        let (Some(code), Some(event), Some(declared)) =
            (padded(header.message_code), padded(header.trigger_event), padded(header.structure))
        else {
            return find(header, version);
        };
        let key = (version, code, event, declared);
        if let Some((_, structure)) = self.seen.iter().find(|(seen, _)| *seen == key) {
            return *structure;
        }
        let structure = find(header, version);
        if self.seen.len() == REMEMBERED {
            self.seen.clear();
        }
        self.seen.push((key, structure));
        structure
    }
}

fn padded<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    let mut array = [0; N];
    array.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(array)
}

/// MSH-9.3 if the standard knows it, else the structure of the trigger event, else one named like the
/// message code and the event or the code alone.
fn find(header: &Header<'_>, version: Version) -> Option<Structure> {
    let code = header.message_code.to_ascii_uppercase();
    let event = header.trigger_event.to_ascii_uppercase();
    dictionary::structure(&header.structure.to_ascii_uppercase(), version)
        .or_else(|| {
            let name = dictionary::structure_for_event(&code, &event, version)?;
            dictionary::structure(meant(name, &event, version).as_bytes(), version)
        })
        .or_else(|| dictionary::structure(&[&code[..], b"_", &event].concat(), version))
        .or_else(|| dictionary::structure(&code, version))
}

/// What a version's table of events names, but for one slip: 2.5.1 and 2.6 print RSP_K21 for K22, the answer to
/// "find candidates", though since 2.5.1 that structure has room for one patient only.
fn meant(name: &'static str, event: &[u8], version: Version) -> &'static str {
    let is_slip = matches!(version, Version::V2_5_1 | Version::V2_6) && event == b"K22";
    if is_slip && name == "RSP_K21" { "RSP_K22" } else { name }
}
