use serde_json::json;

use super::{Assemble, Completion, Reader, Whole};

const STREAM: &str = ": a comment\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\r\n\n\
    data: {\"choices\":[{\"delta\":{\"content\":\"1\"}}]}\n\ndata:{\"choices\":[{\"delta\":{\"content\":\"2♠\"}}]}\n\n\
    data: {\"choices\":[],\"usage\":{\"total_tokens\":9}}\n\ndata: [DONE]\n\ndata: not read any more\n";

#[test]
fn a_stream_can_be_cut_anywhere() {
    let want = Completion { text: "12♠".to_owned(), usage: Some(json!({ "total_tokens": 9 })) };
    for size in [1, 2, 3, 7, 64, STREAM.len()] {
        let mut reader = Reader::default();
        for piece in STREAM.as_bytes().chunks(size) {
            reader.push(piece).unwrap();
        }
        assert!(reader.is_done());
        assert_eq!(reader.finish().unwrap(), want, "pieces of {size} bytes");
    }
}

#[test]
fn the_last_line_needs_no_end() {
    let mut reader = Reader::default();
    reader.push(br#"data: {"choices":[{"delta":{"content":"3"}}]}"#).unwrap();
    assert_eq!(reader.finish().unwrap().text, "3");
}

#[test]
fn errors_and_nonsense_are_reported() {
    for (bytes, want) in [
        ("data: {\"error\":{\"message\":\"overloaded\"}}\n", "overloaded"),
        ("data: {\n", "event `{`"),
        ("data: \u{fffd}\n", "event"),
    ] {
        let error = Reader::default().push(bytes.as_bytes()).unwrap_err();
        assert!(error.0.contains(want), "{}", error.0);
    }
    let endless = vec![b'x'; super::MAX_LINE_BYTES + 1];
    assert!(Reader::default().push(&endless).is_err());
}

#[test]
fn an_object_may_come_in_pieces_and_ends_with_its_connection() {
    let mut whole = Whole::default();
    for piece in [&b"{\"choices\""[..], b": []", b"}"] {
        whole.push(piece).unwrap();
        assert!(!whole.is_done());
    }
    assert_eq!(whole.finish().unwrap(), serde_json::json!({ "choices": [] }));
    assert!(Whole::default().finish().unwrap_err().0.starts_with("the answer: EOF"));
}
