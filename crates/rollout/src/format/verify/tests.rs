use std::path::PathBuf;

use serde_json::json;

use super::*;

/// A golden file made of a pack by our own layout, in the form of the reference's.
fn golden(pack: &PromptPack) -> Value {
    let systems = |ending: &str| -> Value {
        let games = pack.match_play.rules.keys();
        let system = |game: &String| match_layout::system(pack, game, &Memory::default(), ending).unwrap();
        Value::Object(games.map(|game| (game.clone(), json!(system(game)))).collect())
    };
    json!({
        "legal_actions_used": [0, 1, 2],
        "tools": match_layout::turn_tools(&pack.match_play.tools, &[0, 1, 2]),
        "turn_system_prompt": systems(&pack.match_play.guidance),
        "reflection_system_prompt": systems(&pack.match_play.reflection),
        "intercode_system_prompt": pack.intercode.system,
    })
}

fn failed(golden: &Value, pack: Option<&PromptPack>) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("golden.json");
    std::fs::write(&path, golden.to_string()).unwrap();
    let report = verify_prompts_file(&path, pack).unwrap().expect("a golden file");
    assert_eq!(report.cases, 18);
    report.failures.into_iter().map(|failure| failure.case).collect()
}

#[test]
fn what_our_layout_writes_passes() {
    let pack = PromptPack::builtin();
    assert_eq!(failed(&golden(&pack), None), [""; 0]);
    assert_eq!(failed(&golden(&pack), Some(&pack)), [""; 0]);
}

#[test]
fn altered_characters_fail() {
    let whole = golden(&PromptPack::builtin());
    let alter = |key: &str, game: &str, from: &str, to: &str| {
        let mut altered = whole.clone();
        let text = altered[key][game].as_str().unwrap().replacen(from, to, 1);
        assert_ne!(altered[key][game], text.as_str(), "{from} is there");
        altered[key][game] = json!(text);
        failed(&altered, None)
    };
    let [turn, reflection] = ["turn_system_prompt", "reflection_system_prompt"];
    assert_eq!(alter(turn, "othello", "WORKING_MEMORY (", "WORKING_MEMORY("), ["turn/othello"]);
    assert_eq!(alter(reflection, "clobber", "\n  [3] ", "\n [3] "), ["reflection/clobber"]);
    assert_eq!(alter(turn, "goofspiel", "(empty)\n\n", "(empty)\n"), ["turn/goofspiel"]);
    // Prose: one of the two requests that tell a game's rules is then wrong.
    assert_eq!(alter(turn, "leduc_poker", "two jacks", "two Jacks").len(), 1);
    assert_eq!(alter(turn, "gin_rummy", "single answer", "simple answer"), ["turn/gin_rummy"]);
}

#[test]
fn altered_tools_fail() {
    let whole = golden(&PromptPack::builtin());
    let check = |alter: fn(&mut Value), expected: &str| {
        let mut altered = whole.clone();
        alter(&mut altered);
        assert_eq!(failed(&altered, None), [expected]);
    };
    check(
        |golden| golden["tools"][2]["function"]["parameters"]["properties"]["slot"]["maximum"] = json!(4),
        "tools/long_term_memory_rewrite",
    );
    check(
        |golden| golden["tools"][4]["function"]["parameters"]["type"] = json!("Object"),
        "tools/game_action",
    );
    check(
        |golden| {
            // The same members in another order.
            let function = &golden["tools"][0]["function"];
            let reordered = json!({"description": function["description"], "name": function["name"],
                                   "parameters": function["parameters"]});
            golden["tools"][0]["function"] = reordered;
        },
        "tools/working_memory_rewrite",
    );
}

#[test]
fn a_given_pack_speaks_for_itself() {
    let mut pack = PromptPack::builtin();
    let whole = golden(&pack);
    pack.match_play.tools.game_action.push('!');
    pack.intercode.system.push(' ');
    assert_eq!(failed(&whole, Some(&pack)), ["tools/game_action", "intercode/system"]);
}

#[test]
fn files_of_other_kinds_are_left_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.json");
    std::fs::write(&path, "{\"cases\": []}").unwrap();
    assert!(verify_prompts_file(&path, None).unwrap().is_none());
    assert!(verify_prompts_file(&folder.path().join("absent.json"), None).is_err());
}

/// The golden file of the reference data.
fn reference() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("CROUPIER_SHARED").map_or(workspace.join("../shared"), PathBuf::from);
    let path = shared.join("spec/pvp_golden.json");
    if !path.is_file() {
        eprintln!("skipped: no reference data");
        return None;
    }
    Some(path)
}

#[test]
fn the_evaluators_requests_are_ours_byte_for_byte() {
    let Some(path) = reference() else { return };
    let captured = PromptPack::capture_files(std::slice::from_ref(&path)).unwrap();
    let read_again: PromptPack = toml::from_str(&captured.to_toml()).unwrap();
    assert_eq!(read_again, captured);
    for pack in [None, Some(&read_again)] {
        let report = verify_prompts_file(&path, pack).unwrap().expect("a golden file");
        assert_eq!((report.cases, report.failed), (18, 0), "{:?}", report.failures.first());
    }
    // Our own wording is our own.
    let report = verify_prompts_file(&path, Some(&PromptPack::builtin())).unwrap().expect("a golden file");
    assert_eq!(report.failed, 18);
}

#[test]
fn an_altered_reference_fails() {
    let Some(path) = reference() else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let alter =
        |from: &str, to: &str| -> Value { serde_json::from_str(&text.replacen(from, to, 1)).unwrap() };
    assert_eq!(failed(&alter("# Game Rules LIAR", "# Game rules LIAR"), None), ["turn/liars_dice"]);
    assert_eq!(failed(&alter("\"maximum\": 4", "\"maximum\": 5"), None), ["tools/working_memory_rewrite"]);
    assert_eq!(failed(&alter("Round 1: Each", "Round 1; Each"), None).len(), 1);
}
