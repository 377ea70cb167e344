//! From a raw value to its text: charset and escape sequences, only when asked and only where needed.

use crate::marks::{Form, Value};
use crate::warning::WarningCode;
use crate::{Message, escape};

/// The text of a value, and what was odd about reading it.
#[derive(Clone, Copy)]
pub struct Text<'t> {
    /// Valid UTF-8. Borrowed from the message when nothing had to be decoded.
    pub text: &'t str,
    /// [`WarningCode::UndecodableBytes`] or [`WarningCode::MalformedEscape`].
    pub oddity: Option<WarningCode>,
}

impl core::fmt::Debug for Text<'_> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("Text").field("bytes", &self.text.len()).field("oddity", &self.oddity).finish()
    }
}

impl Message<'_> {
    /// The text of a value of this message: delimiter, `\X..\`, `\C..\` and `\M..\` escapes and the charset
    /// decoded, formatting escapes as sent. `scratch` is overwritten when something had to be decoded.
    pub fn text<'t>(&self, value: Value<'t>, scratch: &'t mut String) -> Text<'t> {
        if value.form != Form::Encoded
            && let Ok(text) = str::from_utf8(value.raw)
        {
            return Text { text, oddity: None };
        }
        scratch.clear();
        if value.form == Form::Literal {
            scratch.extend(value.raw.iter().copied().map(char::from));
            return Text { text: scratch, oddity: None };
        }
        self.unescape(value.raw, scratch)
    }

    /// The text of bytes of this message that were picked out by hand, such as those of its header.
    pub fn raw_text<'t>(&self, raw: &'t [u8], scratch: &'t mut String) -> &'t str {
        if raw.iter().all(|byte| matches!(byte, b' '..=b'~') && Some(*byte) != self.delimiters.escape)
            && let Ok(text) = str::from_utf8(raw)
        {
            return text;
        }
        scratch.clear();
        self.unescape(raw, scratch).text
    }

    fn unescape<'t>(&self, raw: &[u8], scratch: &'t mut String) -> Text<'t> {
        let unescaped = escape::unescape(raw, &self.delimiters, self.charset, scratch);
        let oddity = if unescaped.fallback {
            Some(WarningCode::UndecodableBytes)
        } else if unescaped.malformed {
            Some(WarningCode::MalformedEscape)
        } else {
            None
        };
        Text { text: scratch, oddity }
    }
}
