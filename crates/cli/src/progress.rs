//! A spinner or bar on stderr for anything over two seconds; plain lines where stderr is no terminal.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tasks::{BadInput, Fetched, Hub};

/// A bar of `len` units that shows itself after two seconds.
pub(crate) fn bar(len: u64, message: impl Into<Cow<'static, str>>) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(len).with_style(style).with_message(message);
    bar.enable_steady_tick(Duration::from_secs(2));
    bar
}

/// A model from a hub, with a line on a terminal for each file that takes a while.
pub(crate) fn fetch(hub: &Hub, id: &str) -> Result<PathBuf, BadInput> {
    let mut shown: Option<(String, ProgressBar)> = None;
    let found = hub.fetch(id, &mut |fetched: &Fetched| {
        if shown.as_ref().is_none_or(|(file, _)| *file != fetched.file) {
            let style = ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes} {eta}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(fetched.total).with_style(style).with_message(fetched.file.clone());
            shown = Some((fetched.file.clone(), bar));
        }
        if let Some((_, bar)) = &shown {
            bar.set_position(fetched.bytes);
        }
    });
    if let Some((_, bar)) = shown {
        bar.finish_and_clear();
    }
    found
}
