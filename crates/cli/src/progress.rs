//! A spinner or bar on stderr for anything over two seconds; plain lines where stderr is no terminal.

use std::borrow::Cow;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `len` units that shows itself after two seconds.
pub(crate) fn bar(len: u64, message: impl Into<Cow<'static, str>>) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(len).with_style(style).with_message(message);
    bar.enable_steady_tick(Duration::from_secs(2));
    bar
}
