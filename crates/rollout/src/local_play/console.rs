//! Lines that a person reads and writes, on a thread of their own: waiting for a person blocks nothing else.

use std::io::{self, BufRead, Write};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

/// Texts that wait to be shown; a hand shows one at a time.
const WAITING: usize = 4;
/// Longer lines are cut: no answer needs them, and a pipe may send anything.
const MAX_LINE: u64 = 4096;

/// What the thread is asked: to show a text, and then whatever is wanted.
struct Ask {
    text: String,
    then: Then,
}

enum Then {
    GoOn,
    /// Say so.
    Answer(oneshot::Sender<()>),
    /// Read a line.
    Read(oneshot::Sender<Option<String>>),
}

/// A handle to the thread; it ends with the last of them. A thread that waits for a line ends with the process.
#[derive(Clone, Debug)]
pub struct Console {
    asks: mpsc::Sender<Ask>,
}

impl Console {
    /// Starts the thread.
    ///
    /// # Panics
    /// If the system has no thread left.
    pub fn spawn(mut input: impl BufRead + Send + 'static, mut output: impl Write + Send + 'static) -> Self {
        let (asks, mut asked) = mpsc::channel::<Ask>(WAITING);
        let serve = move || {
            while let Some(Ask { text, then }) = asked.blocking_recv() {
                let shown = output.write_all(text.as_bytes()).and_then(|()| output.flush());
                match then {
                    Then::GoOn => {}
                    Then::Answer(answer) => drop(answer.send(())),
                    Then::Read(line) => {
                        // Whoever cannot be shown anything is not asked.
                        let typed = shown.and_then(|()| read_line(&mut input)).unwrap_or_default();
                        drop(line.send(typed));
                    }
                }
            }
        };
        std::thread::Builder::new().name("console".to_owned()).spawn(serve).expect("a thread can be started");
        Self { asks }
    }

    /// Shows a text. Dropping the future may lose it.
    pub async fn tell(&self, text: impl Into<String>) {
        // Without a thread there is nobody to tell.
        drop(self.asks.send(Ask { text: text.into(), then: Then::GoOn }).await);
    }

    /// Waits until everything is shown, but no longer than `within`: the thread may still wait for a line that nobody
    /// wants any more. Cancel safe.
    pub async fn flush(&self, within: Duration) {
        let (answer, shown) = oneshot::channel();
        let ask = Ask { text: String::new(), then: Then::Answer(answer) };
        let flushed = async {
            if self.asks.send(ask).await.is_ok() {
                drop(shown.await);
            }
        };
        drop(tokio::time::timeout(within, flushed).await);
    }

    /// Shows a text and gives the line that is then typed, without its end; `None` at the end of the input. Dropping
    /// the future loses the line.
    pub async fn ask(&self, text: impl Into<String>) -> Option<String> {
        let (line, typed) = oneshot::channel();
        self.asks.send(Ask { text: text.into(), then: Then::Read(line) }).await.ok()?;
        typed.await.ok()?
    }
}

/// `None` at the end.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut limited = io::Read::take(&mut *input, MAX_LINE);
    let n = limited.read_until(b'\n', &mut bytes)?;
    if n as u64 == MAX_LINE && !bytes.ends_with(b"\n") {
        skip_line(input)?;
    }
    Ok((n > 0).then(|| String::from_utf8_lossy(&bytes).trim().to_owned()))
}

/// Throws away the rest of a line.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let piece = input.fill_buf()?;
        let end = piece.iter().position(|&byte| byte == b'\n');
        let n = end.map_or(piece.len(), |at| at + 1);
        let is_over = end.is_some() || piece.is_empty();
        input.consume(n);
        if is_over {
            return Ok(());
        }
    }
}
