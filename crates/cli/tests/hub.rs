//! A model that only a hub has, with a stand-in for the hub that drops the connection in the middle of the weights.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
/// Bytes of a reply with weights before the connection is gone.
const BEFORE_DROP: usize = 50_000;

fn croupier(folder: &Path, endpoint: &str, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_croupier"));
    command.env_remove("CROUPIER_CONTAINER").env("HF_ENDPOINT", endpoint).current_dir(folder);
    command.args(words).output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Serves the files of `model` as `org/pico`; every other reply with weights breaks off. Counts the replies with weights.
fn serve(model: PathBuf) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
    let n_replies = Arc::new(AtomicUsize::new(0));
    let counted = n_replies.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.expect("a connection"), &model, &counted);
        }
    });
    (endpoint, n_replies)
}

fn answer(mut stream: TcpStream, model: &Path, n_replies: &AtomicUsize) {
    let head: Vec<String> = BufReader::new(stream.try_clone().expect("a socket can be read and written"))
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let Some(path) = head.first().and_then(|line| line.split(' ').nth(1)) else { return };
    if path.starts_with("/api/models/org/pico") {
        let entries = std::fs::read_dir(model).expect("a folder").flatten();
        let siblings: Vec<_> = entries
            .map(|entry| serde_json::json!({"rfilename": entry.file_name().to_string_lossy()}))
            .collect();
        let info = serde_json::json!({"siblings": siblings, "sha": COMMIT}).to_string();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", info.len());
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(info.as_bytes()));
        return;
    }
    let name = path.rsplit('/').next().expect("a file");
    let Ok(body) = std::fs::read(model.join(name)) else {
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return;
    };
    let range = head
        .iter()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let (first, last) = range.as_deref().and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
    let first: usize = first.parse().expect("a number");
    let sent = if last == "0" { &body[..1] } else { &body[first..] };
    let is_cut = name.ends_with(".safetensors")
        && last != "0"
        && n_replies.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
    let end = if is_cut { sent.len().min(BEFORE_DROP) } else { sent.len() };
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\nETag: \"{name}\"\r\nX-Repo-Commit: {COMMIT}\r\nContent-Range: bytes {first}-{}/{}\r\nConnection: close\r\n\r\n",
        sent.len(),
        first + sent.len() - 1,
        body.len()
    );
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&sent[..end]));
}

#[test]
fn a_model_comes_from_the_hub_over_a_connection_that_drops() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let made = croupier(place.path(), "", &["model", "new", "--size", "pico", "pico"]);
    assert!(made.status.success(), "{}", said(&made));
    let weights = std::fs::read(place.path().join("pico/model.safetensors")).expect("weights");
    assert!(weights.len() > 2 * BEFORE_DROP, "the drop is in the middle");
    let (endpoint, n_replies) = serve(place.path().join("pico"));
    let card = r#"{"environment_names":["leduc_poker"]}"#;
    let words = ["train", "text", "--model", "org/pico", "--dataset-type", card, "--steps", "1", "--dry-run"];
    let planned = croupier(place.path(), &endpoint, &words);
    assert!(planned.status.success(), "{}", said(&planned));
    assert_eq!(n_replies.load(Ordering::SeqCst), 2, "broken off once, then gone on with");
    let cached = place.path().join(format!("runs/hf_cache/models--org--pico/snapshots/{COMMIT}"));
    assert!(std::fs::read(cached.join("model.safetensors")).expect("fetched") == weights);
    // What is here is not asked for again.
    let again = croupier(place.path(), "http://127.0.0.1:9", &words);
    assert!(again.status.success(), "{}", said(&again));
}
