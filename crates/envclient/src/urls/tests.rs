use expect_test::{Expect, expect};

use super::parse_urls;

fn check(text: &str, expected: Expect) {
    let shown = match parse_urls(text) {
        Ok(urls) => urls.iter().map(|url| url.as_str()).collect::<Vec<_>>().join(" "),
        Err(error) => format!("error: {error}"),
    };
    expected.assert_eq(&shown);
}

#[test]
fn urls_are_split_stripped_and_kept_once() {
    check("http://10.0.0.2:8000", expect!["http://10.0.0.2:8000/"]);
    check(" http://a:1 ,\n,http://b:2/x/,http://a:1,", expect!["http://a:1/ http://b:2/x/"]);
}

#[test]
fn what_is_no_url_is_named() {
    check("", expect!["error: there is no sidecar URL in ``"]);
    check(" , ", expect!["error: there is no sidecar URL in ` , `"]);
    check("http://a:1,nonsense", expect!["error: `nonsense` is no sidecar URL: relative URL without a base"]);
    check("https://a", expect!["error: `https://a` is no sidecar URL: sidecars speak http, not `https`"]);
    check("http://a:99999", expect!["error: `http://a:99999` is no sidecar URL: invalid port number"]);
}
