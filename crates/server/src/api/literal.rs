//! Texts inside of SQL: written so that they stay texts, and taken out of what is said about a question.

/// A text as SQL has it.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What was said about a question, without the texts that stand in it in quotes: they may name patients.
pub(super) fn without_literals(said: &str, query: &str) -> String {
    let mut said = said.to_owned();
    for literal in literals(query) {
        for form in [literal.replace("''", "'"), literal.to_lowercase(), literal.to_owned()] {
            said = without(&said, &form);
        }
    }
    said
}

/// What stands in single or double quotes; an unfinished one goes to the end.
fn literals(query: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = query;
    while let Some(start) = rest.find(['\'', '"']) {
        let quote = rest.as_bytes()[start];
        rest = &rest[start + 1..];
        let mut end = 0;
        let bytes = rest.as_bytes();
        while end < bytes.len() {
            if bytes[end] == quote {
                if bytes.get(end + 1) != Some(&quote) {
                    break;
                }
                end += 1;
            }
            end += 1;
        }
        let end = end.min(rest.len());
        found.push(&rest[..end]);
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    found.retain(|literal| !literal.trim().is_empty());
    found.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
    found
}

/// The text with each occurrence of a word replaced that is not a part of a longer word.
fn without(text: &str, word: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let joins = |outer: Option<char>, inner: Option<char>| {
            outer.is_some_and(char::is_alphanumeric) && inner.is_some_and(char::is_alphanumeric)
        };
        let before_end = before.chars().next_back().or_else(|| out.chars().next_back());
        let is_part =
            joins(before_end, word.chars().next()) || joins(after.chars().next(), word.chars().next_back());
        out.push_str(before);
        out.push_str(if is_part { word } else { "…" });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_in_a_text_does_not_end_it() {
        assert_eq!(quote("O'Neil' OR '1' = '1"), "'O''Neil'' OR ''1'' = ''1'");
    }

    #[test]
    fn what_is_said_of_a_question_does_not_repeat_its_texts() {
        let query = r#"SELECT a FROM staging WHERE x = 'STONE' AND y = "ANNA" AND z = 'O''Neil' AND q = 'a"#;
        let said = "no column ANNA near anna, 'STONE' is no number, nor O'Neil; a text ends, staging stays";
        assert_eq!(
            without_literals(said, query),
            "no column … near …, '…' is no number, nor …; … text ends, staging stays"
        );
        assert_eq!(without_literals("found é at 1", "SELECT 'é"), "found … at 1");
    }
}
