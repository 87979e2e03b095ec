//! `ENVIRONMENT_SERVER_URLS`: comma separated, white space and empty entries ignored.

use url::Url;

use crate::Error;

/// The URLs in `text`, in order and without repeats.
///
/// # Errors
/// [`Error::BadUrl`] for an entry that is no `http` URL with a host, [`Error::NoUrls`] if nothing is left.
pub fn parse_urls(text: &str) -> Result<Vec<Url>, Error> {
    let mut urls = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let url = parse_url(entry)?;
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    if urls.is_empty() { Err(Error::NoUrls(text.to_owned())) } else { Ok(urls) }
}

fn parse_url(entry: &str) -> Result<Url, Error> {
    let bad = |reason: String| Error::BadUrl { text: entry.to_owned(), reason };
    let url = Url::parse(entry).map_err(|error| bad(error.to_string()))?;
    if url.scheme() != "http" {
        return Err(bad(format!("sidecars speak http, not `{}`", url.scheme())));
    }
    if !url.has_host() {
        return Err(bad("it names no host".to_owned()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
