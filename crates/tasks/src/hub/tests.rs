use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const FILES: [&str; 4] = ["README.md", "config.json", "model.safetensors", "onnx/model.safetensors"];
/// Longer than what a socket takes at once.
const WEIGHTS: usize = 3_000_000;

/// How the stand-in behaves.
#[derive(Clone, Copy, Default)]
struct Manners {
    /// The connection is gone after so many bytes of each of the first replies with weights.
    drops_after: usize,
    n_drops: usize,
    /// Sends whole files whatever is asked for.
    knows_no_ranges: bool,
}

/// A stand-in for a hub that has `org/name`.
struct StandIn {
    endpoint: String,
    /// First bytes that were asked for of the weights, in order.
    asked: Arc<Mutex<Vec<usize>>>,
}

fn body(file: &str) -> Vec<u8> {
    if file == "model.safetensors" {
        return (0..WEIGHTS).map(|idx| (idx % 251) as u8).collect();
    }
    file.as_bytes().to_vec()
}

impl StandIn {
    fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.expect("a connection"), manners, &seen);
            }
        });
        Self { endpoint, asked }
    }

    fn hub(&self, cache: &Path) -> Hub {
        Hub { endpoint: self.endpoint.clone(), cache: cache.to_owned() }
    }

    fn asked(&self) -> Vec<usize> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn answer(mut stream: TcpStream, manners: Manners, asked: &Mutex<Vec<usize>>) {
    let head: Vec<String> = BufReader::new(stream.try_clone().expect("a socket can be read and written"))
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let Some(path) = head.first().and_then(|line| line.split(' ').nth(1)) else { return };
    if path.starts_with("/api/models/org/name") {
        let siblings: Vec<_> = FILES.iter().map(|name| serde_json::json!({"rfilename": name})).collect();
        let info = serde_json::json!({"siblings": siblings, "sha": COMMIT}).to_string();
        return reply(
            &mut stream,
            "200 OK",
            "Content-Type: application/json\r\n",
            info.as_bytes(),
            usize::MAX,
        );
    }
    let Some(file) = path.strip_prefix("/org/name/resolve/main/") else {
        return reply(&mut stream, "404 Not Found", "", b"", usize::MAX);
    };
    let body = body(file);
    let range = head
        .iter()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let (first, last) = range.as_deref().and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
    let first: usize = first.parse().expect("a number");
    if first >= body.len() {
        return reply(&mut stream, "416 Range Not Satisfiable", "", b"", usize::MAX);
    }
    let is_probe = last == "0";
    let mut cut = usize::MAX;
    if file == "model.safetensors" && !is_probe {
        let mut asked = asked.lock().expect("no panic");
        asked.push(first);
        if asked.len() <= manners.n_drops {
            cut = manners.drops_after;
        }
    }
    let sent = match (is_probe, manners.knows_no_ranges) {
        (true, _) => &body[..1],
        (false, true) => &body[..],
        (false, false) => &body[first..],
    };
    let range = format!("bytes {first}-{}/{}", first + sent.len() - 1, body.len());
    let headers =
        format!("ETag: \"{}\"\r\nX-Repo-Commit: {COMMIT}\r\nContent-Range: {range}\r\n", file.len());
    reply(&mut stream, "206 Partial Content", &headers, sent, cut);
}

/// Says how long the body is, and sends at most `cut` bytes of it.
fn reply(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8], cut: usize) {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..length.min(cut)]));
}

fn fetched(hub: &Hub) -> Result<PathBuf, BadInput> {
    hub.fetch("org/name", &mut |_| {})
}

#[test]
fn config_and_weights_are_fetched_once_and_then_need_no_hub() {
    let stand_in = StandIn::start(Manners::default());
    let cache = tempfile::tempdir().expect("a temporary folder");
    let hub = stand_in.hub(cache.path());
    let folder = fetched(&hub).expect("fetched");
    let read = |name: &str| fs::read(folder.join(name)).ok();
    assert_eq!(read("config.json").as_deref(), Some(&b"config.json"[..]));
    assert!(read("model.safetensors") == Some(body("model.safetensors")));
    assert_eq!(read("README.md"), None);
    assert_eq!(read("onnx/model.safetensors"), None);

    let offline = Hub { endpoint: "http://127.0.0.1:9".to_owned(), ..hub.clone() };
    assert_eq!(fetched(&offline), Ok(folder));
    let unknown = hub.fetch("org/other", &mut |_| {}).expect_err("the hub does not know it");
    assert!(unknown.message.contains("org/other"), "{unknown}");
}

#[test]
fn a_connection_that_drops_in_the_middle_is_gone_on_with() {
    let manners = Manners { drops_after: 1_000_000, n_drops: 2, ..Manners::default() };
    let stand_in = StandIn::start(manners);
    let cache = tempfile::tempdir().expect("a temporary folder");
    let mut seen: Vec<Fetched> = Vec::new();
    let folder = stand_in.hub(cache.path()).fetch("org/name", &mut |fetched| seen.push(fetched.clone()));
    let folder = folder.expect("fetched all the same");
    assert!(fs::read(folder.join("model.safetensors")).expect("there") == body("model.safetensors"));
    assert_eq!(stand_in.asked(), [0, 1_000_000, 2_000_000], "nothing comes twice");
    let weights = || seen.iter().filter(|fetched| fetched.file == "model.safetensors");
    assert!(weights().all(|fetched| fetched.total == WEIGHTS as u64));
    assert!(weights().zip(weights().skip(1)).all(|(a, b)| a.bytes <= b.bytes), "progress does not go back");
    assert_eq!(weights().next_back().map(|fetched| fetched.bytes), Some(WEIGHTS as u64));
}

#[test]
fn a_later_run_goes_on_where_an_earlier_one_was_stopped() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    // Keeps breaking off at the same byte of every reply.
    let broken = StandIn::start(Manners { drops_after: 0, n_drops: usize::MAX, ..Manners::default() });
    let bad = fetched(&broken.hub(cache.path())).expect_err("it never comes");
    assert!(bad.message.contains("org/name") && bad.hint.contains("kept"), "{bad}");
    let once = StandIn::start(Manners { drops_after: 700_000, n_drops: usize::MAX, ..Manners::default() });
    // 3,000,000 bytes come in five replies that each bring some, however many fail.
    let folder = fetched(&once.hub(cache.path())).expect("every reply brings it further");
    assert_eq!(once.asked(), [0, 700_000, 1_400_000, 2_100_000, 2_800_000]);
    assert!(fs::read(folder.join("model.safetensors")).expect("there") == body("model.safetensors"));
}

#[test]
fn a_part_that_is_complete_or_too_long_is_fetched_anew() {
    for n_bytes in [WEIGHTS, WEIGHTS + 5] {
        let stand_in = StandIn::start(Manners::default());
        let cache = tempfile::tempdir().expect("a temporary folder");
        let blobs = cache.path().join("models--org--name/blobs");
        fs::create_dir_all(&blobs).expect("made");
        // Named by the etag, which is the length of the file's name here.
        fs::write(blobs.join("17.part"), vec![0; n_bytes]).expect("written");
        let folder = fetched(&stand_in.hub(cache.path())).expect("fetched");
        assert!(fs::read(folder.join("model.safetensors")).expect("there") == body("model.safetensors"));
    }
}

#[test]
fn a_hub_that_knows_no_ranges_does_not_spoil_a_file() {
    let manners = Manners { drops_after: 1_000_000, n_drops: 1, knows_no_ranges: true };
    let stand_in = StandIn::start(manners);
    let cache = tempfile::tempdir().expect("a temporary folder");
    let folder = fetched(&stand_in.hub(cache.path())).expect("fetched");
    assert!(fs::read(folder.join("model.safetensors")).expect("there") == body("model.safetensors"));
}

#[test]
fn a_hub_that_cannot_be_reached_is_bad_input() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub { endpoint: "http://127.0.0.1:9".to_owned(), cache: cache.path().to_owned() };
    let bad = fetched(&hub).expect_err("nobody listens");
    assert!(bad.message.contains("127.0.0.1:9") && bad.hint.contains("HF_ENDPOINT"), "{bad}");
}

#[test]
fn only_org_and_name_make_an_id() {
    assert!(Hub::is_id("Qwen/Qwen2.5-0.5B-Instruct"));
    for other in ["qwen", "/models/qwen", "./qwen", "../qwen", "org/", "a/b/c", "org/na me"] {
        assert!(!Hub::is_id(other), "{other}");
    }
}
