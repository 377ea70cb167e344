//! The error zone: what could not be staged, why, and what to do about it.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use bytes::Bytes;
use futures::TryStreamExt;
use hl7::{Finding, FindingCode, Message, ParseError, ParseErrorKind};
use serde::Serialize;
use serde_json::json;
use storage::{Lake, error_bytes_key, error_newer_report_key, error_report_key, raw};
use tables::Places;

use crate::{Receipt, Result, time};

/// Why a message is in the error zone. A closed list: scripts and tables rely on the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// There is no message in the bytes.
    NoMessage,
    /// MSH ends before its encoding characters do.
    TruncatedHeader,
    /// The message is larger than a limit allows.
    Limit,
    /// The feed is strict, and this is the first way in which the message breaks its version of the standard.
    Strict(FindingCode),
    /// A fault of this program.
    Internal,
}

impl Code {
    /// The code as it is written everywhere.
    pub fn text(self) -> String {
        match self {
            Self::NoMessage => "no_message".into(),
            Self::TruncatedHeader => "truncated_header".into(),
            Self::Limit => "limit".into(),
            Self::Strict(finding) => finding.as_str().into(),
            Self::Internal => "internal".into(),
        }
    }
}

/// One refusal: where it shows and what would help. It never quotes the message.
#[derive(Clone, Debug)]
pub struct Reason {
    /// What kind of refusal.
    pub code: Code,
    /// What is wrong, in a sentence.
    pub text: String,
    /// What a person can do.
    pub hint: String,
    /// Where it shows, in bytes from the start of the message.
    pub offset: u64,
    /// Every way in which a message on a strict feed breaks the standard, in message order, as far as a report
    /// goes.
    pub breaches: Vec<Breach>,
}

/// One way in which a message breaks its version of the standard.
#[derive(Clone, Debug, Serialize)]
pub struct Breach {
    /// Its code, which begins with `strict_`.
    pub code: &'static str,
    /// The place, such as `OBX[2]-5`.
    pub path: String,
    /// The place in bytes from the start of the message.
    pub offset: usize,
    /// What the standard wants there.
    pub expected: String,
}

/// Breaches that a report lists, at most.
const MOST_BREACHES: usize = 1_000;

impl Reason {
    /// Why bytes without a message are refused.
    pub fn no_message() -> Self {
        Self {
            code: Code::NoMessage,
            text: "no message in these bytes".into(),
            hint: "a message begins with MSH and its delimiters, at the start of a line: MSH|^~\\&|".into(),
            offset: 0,
            breaches: Vec::new(),
        }
    }

    /// Why bytes that are no text are refused.
    pub(crate) fn binary() -> Self {
        Self {
            text: "no message in these bytes: they are not text".into(),
            hint: "an archive or document is no feed; .gz, .zst and .zip are unpacked if they are whole"
                .into(),
            ..Self::no_message()
        }
    }

    /// Why what follows in an archive is missing.
    pub(crate) fn damaged_archive() -> Self {
        Self {
            text: "the archive is damaged: what comes after this place cannot be unpacked".into(),
            hint: "have it sent again; what came before this place is taken up, and the archive is in raw as it was".into(),
            ..Self::no_message()
        }
    }

    /// Why a message over the size limit is refused.
    pub fn too_long(limit_bytes: usize) -> Self {
        Self {
            code: Code::Limit,
            text: format!("the message has more than {limit_bytes} bytes"),
            hint: "raise the limit, or look for a missing line end before the next MSH".into(),
            offset: 0,
            breaches: Vec::new(),
        }
    }

    /// Why a message is refused that this program stumbled over.
    pub(crate) fn internal() -> Self {
        Self {
            code: Code::Internal,
            text: "the converter failed on this message".into(),
            hint: "please report it, with the message if it holds no patient's data".into(),
            offset: 0,
            breaches: Vec::new(),
        }
    }

    /// Why a strict feed refuses a message; `None` if it conforms.
    pub fn strict(message: &Message<'_>, findings: &[Finding]) -> Option<Self> {
        let first = findings.first()?;
        let mut places = Places::default();
        let breach = |finding: &Finding| Breach {
            code: finding.code.as_str(),
            path: places.describe(message, &finding.place),
            offset: finding.offset,
            expected: finding.expected.to_string(),
        };
        let breaches: Vec<Breach> = findings.iter().take(MOST_BREACHES).map(breach).collect();
        let (path, expected, version) = (&breaches[0].path, first.expected, message.version());
        let places = match findings.len() {
            1 => "once:".to_owned(),
            count => format!("{count} times, first"),
        };
        Some(Self {
            code: Code::Strict(first.code),
            text: format!(
                "the message breaks version {version} of the standard {places} at {path}: expected {expected}"
            ),
            hint: "carelake inspect --strict shows every place; without --strict the message is accepted"
                .into(),
            offset: u64::try_from(first.offset).unwrap_or(u64::MAX),
            breaches,
        })
    }
}

impl From<ParseError> for Reason {
    fn from(error: ParseError) -> Self {
        let code = match error.kind() {
            ParseErrorKind::NoHeader => Code::NoMessage,
            ParseErrorKind::TruncatedHeader => Code::TruncatedHeader,
            ParseErrorKind::TooLong | ParseErrorKind::TooManySegments | ParseErrorKind::TooManyValues => {
                Code::Limit
            }
            _ => Code::Internal,
        };
        Self {
            code,
            text: error.to_string(),
            hint: error.hint().into(),
            offset: u64::try_from(error.offset()).unwrap_or(u64::MAX),
            breaches: Vec::new(),
        }
    }
}

/// A message that goes to the error zone.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) receipt: Receipt,
    /// The message; `None` when it is to be copied from the raw zone.
    pub(crate) bytes: Option<Bytes>,
    pub(crate) reason: Reason,
}

/// Puts the failed bytes and the report in the error zone.
pub(crate) async fn put(lake: &Lake, failure: &Failure) -> Result<()> {
    let Failure { receipt, bytes, .. } = failure;
    let id = receipt.message_id.to_string();
    let key = error_bytes_key(&id);
    match bytes {
        Some(bytes) => {
            lake.put_new(&key, bytes.clone()).await?;
        }
        None => copy_raw(lake, receipt, &key).await?,
    }
    lake.put_new(&error_report_key(&id), report(failure)).await?;
    Ok(())
}

/// Puts a newer report beside the first.
pub(crate) async fn put_again(lake: &Lake, failure: &Failure) -> Result<()> {
    let key = error_newer_report_key(&failure.receipt.message_id.to_string(), time::now().max(0));
    lake.put_new(&key, report(failure)).await?;
    Ok(())
}

fn report(failure: &Failure) -> Bytes {
    let Failure { receipt, reason, .. } = failure;
    let mut report = json!({
        "message_id": receipt.message_id.to_string(),
        "code": reason.code.text(),
        "reason": reason.text,
        "where": {"offset": reason.offset},
        "hint": reason.hint,
        "raw": {"key": receipt.raw_key.as_ref(), "offset": receipt.raw_offset, "length": receipt.raw_length, "sha256": receipt.sha256},
        "feed": receipt.feed,
        "origin": receipt.origin,
        "received_at": time::rfc3339_milliseconds(receipt.received_at.div_euclid(1_000)),
        "converter_version": tables::CONVERTER_VERSION,
    });
    if !reason.breaches.is_empty() {
        report["findings"] = json!(reason.breaches);
    }
    format!("{report:#}\n").into()
}

/// Copies a range of the raw zone piece by piece.
async fn copy_raw(lake: &Lake, receipt: &Receipt, key: &object_store::path::Path) -> Result<()> {
    if lake.exists(key).await? {
        return Ok(());
    }
    let mut upload = lake.upload().await?;
    let range = receipt.raw_offset..receipt.raw_offset + receipt.raw_length;
    let mut pieces = raw::range_pieces(lake, &receipt.raw_key, range).await?;
    while let Some(piece) = pieces.try_next().await? {
        upload.write(&piece).await?;
    }
    upload.seal().await?.publish(key).await?;
    Ok(())
}

/// The rows of the errors table for some failures.
pub(crate) fn rows(failures: &[&Failure]) -> Result<RecordBatch> {
    let text = |value: fn(&Failure) -> String| -> ArrayRef {
        Arc::new(failures.iter().map(|failure| Some(value(failure))).collect::<StringArray>())
    };
    let number = |value: fn(&Failure) -> u64| -> ArrayRef {
        Arc::new(failures.iter().map(|failure| Some(value(failure).cast_signed())).collect::<Int64Array>())
    };
    let received_at: TimestampMicrosecondArray =
        failures.iter().map(|failure| Some(failure.receipt.received_at)).collect();
    let version = Int32Array::from_value(tables::CONVERTER_VERSION, failures.len());
    Ok(RecordBatch::try_new(
        tables::errors_schema(),
        vec![
            text(|failure| failure.receipt.message_id.to_string()),
            text(|failure| failure.receipt.feed.clone()),
            Arc::new(received_at.with_timezone("UTC")),
            text(|failure| failure.reason.code.text()),
            text(|failure| failure.reason.text.clone()),
            text(|failure| failure.reason.hint.clone()),
            number(|failure| failure.reason.offset),
            text(|failure| failure.receipt.raw_key.to_string()),
            number(|failure| failure.receipt.raw_offset),
            number(|failure| failure.receipt.raw_length),
            text(|failure| failure.receipt.sha256.clone()),
            text(|failure| failure.receipt.origin.clone()),
            Arc::new(version),
        ],
    )?)
}
