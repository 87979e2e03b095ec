use serde_json::json;

use super::*;

const GAMES: [&str; 6] = ["clobber", "gin_rummy", "goofspiel", "leduc_poker", "liars_dice", "othello"];

#[test]
fn the_builtin_pack_knows_all_games_and_survives_toml() {
    let pack = PromptPack::builtin();
    assert_eq!(pack.match_play.rules.keys().collect::<Vec<_>>(), GAMES);
    assert!(pack.match_play.tools.game_action.contains("{legal_ids}"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pack.toml");
    std::fs::write(&path, pack.to_toml()).unwrap();
    assert_eq!(PromptPack::load(&path).unwrap(), pack);
    assert!(pack.to_toml().starts_with("schema = \"croupier.prompt_pack/1\"\n"));
}

#[test]
fn awkward_prose_survives_toml() {
    let mut pack = PromptPack::builtin();
    pack.match_play.guidance = "\n\"\"\" ''' \\n \t é —\r\n ends with blanks  \n\n".to_owned();
    let read: PromptPack = toml::from_str(&pack.to_toml()).unwrap();
    assert_eq!(read, pack);
}

#[test]
fn other_files_are_no_packs() {
    let whole = PromptPack::builtin().to_toml();
    let refused = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pack.toml");
        std::fs::write(&path, text).unwrap();
        PromptPack::load(&path).unwrap_err().to_string()
    };
    assert!(refused(&whole.replace("prompt_pack/1", "prompt_pack/2")).contains("prompt_pack/2"));
    assert!(refused(&format!("colour = 1\n{whole}")).contains("colour"));
    assert!(refused("schema = \"croupier.prompt_pack/1\"").contains("source"));
}

/// The pack that is captured from requests of `pack`, in the form of `wrap`.
fn captured(pack: &PromptPack, wrap: impl Fn(&str, &str, &[serde_json::Value]) -> String) -> PromptPack {
    use crate::format::match_layout::{memory_tools, system, turn_tools};
    let (mut memory, prose) = (schema::Memory::default(), &pack.match_play);
    let mut lines = Vec::new();
    for game in GAMES {
        let text = system(pack, game, &memory, &prose.guidance).unwrap();
        lines.push(wrap(&text, "Legal actions:\n3 -> x", &turn_tools(&prose.tools, &[3, 14])));
        // A note that looks like the end of the notes is outvoted.
        memory.long_term[7] = "a\n\nb".to_owned();
        let text = system(pack, game, &memory, &prose.reflection).unwrap();
        lines.push(wrap(&text, "Result", &memory_tools(&prose.tools)));
        memory.long_term[7].clear();
        let text = system(pack, game, &memory, &prose.reflection).unwrap();
        lines.push(wrap(&text, "Result", &memory_tools(&prose.tools)));
        lines.push(wrap(&text, "Result", &memory_tools(&prose.tools)));
    }
    let tools = pack.intercode.tool_schemas();
    lines.push(wrap(&pack.intercode.system, "Question: how many?", &tools));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.jsonl"), lines.join("\n")).unwrap();
    std::fs::write(folder.path().join("README.md"), "no JSON").unwrap();
    PromptPack::capture_files(&[folder.path().to_owned()]).unwrap()
}

/// A pack in other words than the built-in one.
fn other() -> PromptPack {
    let marked = PromptPack::builtin().to_toml().replace("the ", "THE ").replace(" a ", " A ");
    let mut pack: PromptPack = toml::from_str(&marked).unwrap();
    pack.sidecar = PromptPack::builtin().sidecar;
    pack.match_play.tools.content = "CONTENT".to_owned();
    pack.source = "captured from 25 requests".to_owned();
    pack
}

#[test]
fn prose_is_taken_from_chat_requests_in_their_several_forms() {
    let other = other();
    assert_ne!(other.match_play, PromptPack::builtin().match_play);
    let plain = captured(&other, |system, user, tools| {
        json!({"system": system, "user": user, "tools": tools}).to_string()
    });
    assert_eq!(plain, other);
    let chat = captured(&other, |system, user, tools| {
        let parts = json!([{"type": "text", "text": system}]);
        let messages = json!([{"role": "system", "content": parts}, {"role": "user", "content": user},
                              {"role": "assistant", "content": "", "tool_calls": []}]);
        json!({"request": {"messages": messages, "tools": tools, "temperature": 0.0}}).to_string()
    });
    assert_eq!(chat, other);
    let row = captured(&other, |system, user, tools| {
        let messages = json!([{"role": "system", "content": system}, {"role": "user", "content": user}]);
        json!({"messages": messages.to_string(), "tools": json!(tools).to_string(), "n": 1}).to_string()
    });
    assert_eq!(row, other);
}

#[test]
fn what_was_not_captured_is_ours_and_named() {
    let mut pack = PromptPack::builtin();
    pack.match_play.rules = BTreeMap::from([("chess".to_owned(), "Mate.\n".to_owned())]);
    pack.match_play.guidance = "Move.".to_owned();
    let memory = schema::Memory::default();
    let system = crate::format::match_layout::system(&pack, "chess", &memory, "Move.").unwrap();
    let request = CapturedRequest { system, user: "Legal actions:\n0 -> e4".to_owned(), tools: Vec::new() };
    let captured = PromptPack::capture(&[request]).unwrap();
    assert_eq!(
        (captured.rules("chess").unwrap(), captured.match_play.guidance.as_str()),
        ("Mate.\n", "Move.")
    );
    assert_eq!(captured.intercode, PromptPack::builtin().intercode);
    assert!(captured.source.starts_with("captured from 1 requests; built-in wording of match.reflection, "));
    assert!(captured.source.ends_with("match.rules.othello"), "{}", captured.source);
}

#[test]
fn requests_of_other_layouts_give_nothing() {
    let request = CapturedRequest { system: "Be brief.".to_owned(), ..CapturedRequest::default() };
    let error = PromptPack::capture(&[request]).unwrap_err();
    assert!(matches!(error, Error::NothingCaptured { n_requests: 1 }));
}
