use super::*;

/// The content of each growth and the names of the calls.
fn grown(style: Option<ToolCallStyle>, pieces: &[&str]) -> (Vec<String>, Vec<String>) {
    let mut text = ReplyText::new(style);
    let (mut contents, mut calls) = (Vec::new(), Vec::new());
    for (idx, piece) in pieces.iter().enumerate() {
        let growth = text.grow(piece, idx + 1 == pieces.len());
        contents.push(growth.content);
        calls.extend(growth.calls.into_iter().map(|call| call.name));
    }
    assert_eq!(text.has_calls(), !calls.is_empty());
    (contents, calls)
}

#[test]
fn content_is_given_at_once_and_calls_at_the_end() {
    let (contents, calls) = grown(
        Some(ToolCallStyle::Hermes),
        &["I look", ".\n<tool", "_call>{\"name\": \"look\"}", "</tool_call>"],
    );
    assert_eq!((contents.concat(), calls), ("I look.".to_owned(), vec!["look".to_owned()]));
    assert_eq!(contents[0], "I look");
}

#[test]
fn what_only_looked_like_a_call_is_content_in_the_end() {
    let pieces = ["a ", "<tool", "_x ", " b "];
    let (contents, calls) = grown(Some(ToolCallStyle::Hermes), &pieces);
    assert_eq!((contents.concat(), calls.len()), (pieces.concat(), 0));
    let broken = ["<tool_call>{", "]</tool_call>"];
    assert_eq!(grown(Some(ToolCallStyle::Hermes), &broken).0.concat(), broken.concat());
    assert_eq!(grown(Some(ToolCallStyle::Llama3), &["{\"an", "swer\": 4}"]).0.concat(), "{\"answer\": 4}");
}

#[test]
fn without_tools_everything_is_content() {
    let (contents, calls) = grown(None, &["<tool_call>", " x "]);
    assert_eq!((contents, calls.len()), (vec!["<tool_call>".to_owned(), " x ".to_owned()], 0));
}

#[test]
fn a_call_is_a_function_with_its_arguments_as_text() {
    let arguments = serde_json::Map::from_iter([("card".to_owned(), json!("Ks"))]);
    let shown = call(&ToolCall { name: "play".to_owned(), arguments });
    assert_eq!(shown["function"], json!({"name": "play", "arguments": "{\"card\":\"Ks\"}"}));
    assert!(shown["id"].as_str().unwrap().starts_with("call_"));
}
