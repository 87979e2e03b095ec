//! Python's `str.format` for prompts: `{name}` with text values, `{{` and `}}`.
//!
//! Conversions other than `!s`, format specifications, positions and attributes are refused: no card needs them, and a
//! wrong guess would train on another prompt than the one that is scored.

#[cfg(test)]
mod tests;

/// `format` with `fields` put in.
///
/// # Errors
/// Why Python would raise, or what of its mini-language is not known here.
pub(crate) fn python_format(format: &str, fields: &[(&str, &str)]) -> Result<String, String> {
    let mut text = String::with_capacity(format.len());
    let mut rest = format;
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let (brace, after) = (&rest[at..=at], &rest[at + 1..]);
        if let Some(escaped) = after.strip_prefix(brace) {
            text.push_str(brace);
            rest = escaped;
        } else if brace == "}" {
            return Err("a `}` stands alone (write `}}` for a brace)".to_owned());
        } else {
            let end = after.find('}').ok_or("a `{` is never closed (write `{{` for a brace)")?;
            text.push_str(value(&after[..end], fields)?);
            rest = &after[end + 1..];
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// What a replacement field stands for.
fn value<'a>(field: &str, fields: &[(&str, &'a str)]) -> Result<&'a str, String> {
    let name = field.strip_suffix(':').unwrap_or(field);
    let name = name.strip_suffix("!s").unwrap_or(name);
    if let Some((_, value)) = fields.iter().find(|(known, _)| *known == name) {
        return Ok(value);
    }
    if name.contains(['!', ':', '.', '[', '{']) {
        return Err(format!("`{{{field}}}` uses more than a plain name"));
    }
    let known: Vec<String> = fields.iter().map(|(name, _)| format!("{{{name}}}")).collect();
    Err(format!("`{{{field}}}` is not one of {}", known.join(", ")))
}
