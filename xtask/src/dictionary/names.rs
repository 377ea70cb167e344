//! From the names of the standard to identifiers.

/// `Mother's Maiden Name` → `MOTHER_S_MAIDEN_NAME`: every run of other characters is one `_`.
pub(crate) fn upper_snake(name: &str) -> String {
    let mut snake = String::new();
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            snake.push(character.to_ascii_uppercase());
        } else if !snake.ends_with('_') && !snake.is_empty() {
            snake.push('_');
        }
    }
    snake.trim_end_matches('_').to_owned()
}

/// `MOTHER_S_MAIDEN_NAME` → `mothers_maiden_name`: what an apostrophe or `(s)` left alone belongs to the word
/// before it.
pub(crate) fn canonical(name: &str) -> String {
    let mut snake = String::new();
    for word in upper_snake(name).to_ascii_lowercase().split('_') {
        if !snake.is_empty() && word != "s" {
            snake.push('_');
        }
        snake.push_str(word);
    }
    snake
}

/// Undoes the XML entities that one of the sources left in its names.
pub(crate) fn unescape_xml(name: &str) -> String {
    name.replace("&apos;", "'")
        .replace("&quot;", "\"")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}
