use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use super::Hub;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const FILES: [&str; 4] = ["README.md", "config.json", "model.safetensors", "onnx/model.safetensors"];

/// Answers as a hub does that has `org/name`; the body of each file is its name.
fn serve(listener: TcpListener) {
    for stream in listener.incoming() {
        answer(stream.expect("a connection"));
    }
}

fn answer(mut stream: TcpStream) {
    let head: Vec<String> = BufReader::new(stream.try_clone().expect("a socket can be read and written"))
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let Some(path) = head.first().and_then(|line| line.split(' ').nth(1)) else { return };
    let (status, headers, body) = if path.starts_with("/api/models/org/name") {
        let siblings: Vec<_> = FILES.iter().map(|name| serde_json::json!({"rfilename": name})).collect();
        let info = serde_json::json!({"siblings": siblings, "sha": COMMIT});
        ("200 OK", "Content-Type: application/json\r\n".to_owned(), info.to_string())
    } else if let Some(file) = path.strip_prefix("/org/name/resolve/main/") {
        let probe = head.iter().any(|line| line.eq_ignore_ascii_case("range: bytes=0-0"));
        let body = if probe { &file[..1] } else { file };
        let range = format!("bytes 0-{}/{}", body.len() - 1, file.len());
        let headers = format!("ETag: \"{file}\"\r\nX-Repo-Commit: {COMMIT}\r\nContent-Range: {range}\r\n");
        ("206 Partial Content", headers, body.to_owned())
    } else {
        ("404 Not Found", String::new(), String::new())
    };
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n{body}"
    );
}

#[test]
fn config_and_weights_are_fetched_once_and_then_need_no_hub() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || serve(listener));
    let cache = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub { endpoint, cache: cache.path().to_owned() };

    let folder = hub.fetch("org/name").expect("fetched");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    assert_eq!(read("config.json").as_deref(), Some("config.json"));
    assert_eq!(read("model.safetensors").as_deref(), Some("model.safetensors"));
    assert_eq!(read("README.md"), None);
    assert_eq!(read("onnx/model.safetensors"), None);

    let offline = Hub { endpoint: "http://127.0.0.1:9".to_owned(), ..hub.clone() };
    assert_eq!(offline.fetch("org/name"), Ok(folder));
    let unknown = hub.fetch("org/other").expect_err("the hub does not know it");
    assert!(unknown.message.contains("org/other"), "{unknown}");
}

#[test]
fn a_hub_that_cannot_be_reached_is_bad_input() {
    let cache = tempfile::tempdir().expect("a temporary folder");
    let hub = Hub { endpoint: "http://127.0.0.1:9".to_owned(), cache: cache.path().to_owned() };
    let bad = hub.fetch("org/name").expect_err("nobody listens");
    assert!(bad.message.contains("127.0.0.1:9") && bad.hint.contains("HF_ENDPOINT"), "{bad}");
}

#[test]
fn only_org_and_name_make_an_id() {
    assert!(Hub::is_id("Qwen/Qwen2.5-0.5B-Instruct"));
    for other in ["qwen", "/models/qwen", "./qwen", "../qwen", "org/", "a/b/c", "org/na me"] {
        assert!(!Hub::is_id(other), "{other}");
    }
}
