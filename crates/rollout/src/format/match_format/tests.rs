use schema::{EditMode, Notes};

use super::super::match_layout::MatchResult;
use super::super::test_support::{FAMILIES, GENERIC, codec};
use super::*;
use crate::ByteCodec;

/// Games with their numbers of actions.
const GAMES: [(&str, u16); 6] = [
    ("leduc_poker", 3),
    ("liars_dice", 61),
    ("gin_rummy", 241),
    ("othello", 65),
    ("clobber", 120),
    ("goofspiel", 13),
];

fn format(codec: Arc<dyn Codec>) -> MatchFormat {
    MatchFormat::new(codec, Arc::new(PromptPack::builtin())).unwrap()
}

fn view(game: &str, ids: impl IntoIterator<Item = u16>) -> MatchView {
    MatchView {
        game: game.to_owned(),
        seat: 1,
        state: "Your card: Q♠\nRound: 1/2".to_owned(),
        legal: ids.into_iter().map(|id| (id, format!("action {id}"))).collect(),
        memory: Memory::default(),
    }
}

/// Legal sets of every size of a game, each action in some of them.
fn legal_sets(n_actions: u16) -> Vec<Vec<u16>> {
    let strides = (1..=n_actions.min(7)).flat_map(|stride| (0..stride).map(move |first| (first, stride)));
    strides.map(|(first, stride)| (first..n_actions).step_by(usize::from(stride)).collect()).collect()
}

fn note(slot: usize) -> MemoryEdit {
    let content = "folds to a raise;\n\"never\" bluffs [so far] {2 of 9} \\ 50 %".to_owned();
    MemoryEdit { notes: Notes::LongTerm, mode: EditMode::Append, slot, content }
}

#[test]
fn a_turn_is_laid_out_as_the_evaluator_does() {
    let mut view = view("leduc_poker", [1, 2]);
    view.memory.working[1] = "two\nlines".to_owned();
    let request = format(Arc::new(ByteCodec)).request(&view).unwrap();
    assert_eq!(
        request.user,
        "Current state:\nYour card: Q♠\nRound: 1/2\n\nYou are Player 1.\nLegal actions:\n1 -> action 1\n2 -> action 2"
    );
    let pack = PromptPack::builtin();
    let notes = "WORKING_MEMORY (your notes):\n  [1] (empty)\n  [2] two\nlines\n  [3] (empty)\n  [4] (empty)\n\n\
                 LONG_TERM_MEMORY (your notes):\n  [1] (empty)\n";
    let rules = format!("You are playing leduc_poker.\n# Game Rules {}", pack.rules("leduc_poker").unwrap());
    assert!(request.system.starts_with(&format!("{rules}\n\n\n{notes}")), "{}", request.system);
    assert!(request.system.ends_with(&format!("  [8] (empty)\n\n{}", pack.match_play.guidance)));
    let action = &request.tools[4]["function"];
    assert_eq!(action["description"], "Play a move, which ends the turn. Legal ids: 1, 2.");
    assert_eq!(action["parameters"]["properties"]["action_id"]["enum"], serde_json::json!([1, 2]));
}

#[test]
fn a_turn_told_briefly_has_the_state_and_the_ends_of_a_long_list() {
    let (format, tokenizer) = (format(codec(FAMILIES[0])), codec(FAMILIES[0]));
    let long = view("liars_dice", (7..=60).collect::<Vec<_>>());
    let brief = format.brief_prompt(&long).unwrap();
    let user = "Current state:\nYour card: Q♠\nRound: 1/2\n\nYou are Player 1.\nLegal actions:\n\
                7 -> action 7\n8 -> action 8\n9 -> action 9\n10 -> action 10\n11 -> action 11\n12 -> action 12\n60 -> action 60";
    assert!(brief.text.contains(user), "{}", brief.text);
    assert_eq!(tokenizer.encode(&brief.text), brief.tokens);
    // What follows the list, and so comes before the answer, is that of a whole turn.
    let (whole, shortened) = (format.prompt(&long).unwrap(), format.shortened_prompt(&long).unwrap());
    let tail = |text: &str| text.rsplit_once("60 -> action 60").unwrap().1.to_owned();
    assert_eq!(tail(&brief.text), tail(&whole.text));
    assert!(
        shortened.text.contains(user) && shortened.text.contains(format.pack().rules("liars_dice").unwrap())
    );
    let lengths = [&brief, &shortened, &whole].map(|prompt| prompt.tokens.len());
    assert!(5 * lengths[0] < lengths[1] && lengths[1] < lengths[2], "{lengths:?}");
    // A short list is whole.
    let short = view("leduc_poker", [0, 1, 2]);
    assert_eq!(format.shortened_prompt(&short).unwrap(), format.prompt(&short).unwrap());
}

#[test]
fn after_a_game_there_are_only_memory_tools() {
    let reflection = Reflection {
        game: "goofspiel".to_owned(),
        seat: 0,
        result: MatchResult::Draw,
        state: "P0 P1".to_owned(),
        memory: Memory::default(),
    };
    let format = format(Arc::new(ByteCodec));
    let request = format.reflection_request(&reflection).unwrap();
    assert_eq!(request.tools.len(), 4);
    assert!(request.system.ends_with(&format.pack().match_play.reflection));
    assert_eq!(request.user, "Result: The game was a draw.\nYou were Player 0.\n\nFinal state:\nP0 P1");
    let answer = format.reflection_answer(&[note(1), note(8)]).unwrap();
    assert_eq!(format.parse_reflection(&answer.tokens), [note(1), note(8)]);
}

#[test]
fn every_legal_action_of_every_game_is_read_back_in_every_family() {
    for family in FAMILIES.into_iter().chain([GENERIC]) {
        let format = format(codec(family));
        for (game, n_actions) in GAMES {
            for legal in legal_sets(n_actions) {
                let legal = view(game, legal).legal;
                for (id, _) in &legal {
                    let answer = format.answer(&MatchMove::plain(*id)).unwrap();
                    let read = format.parse_tokens(&answer.tokens, &legal);
                    assert_eq!(read, Ok(MatchMove::plain(*id)), "{} {game}", family.0);
                }
            }
        }
    }
}

#[test]
fn notes_ride_along_where_an_answer_holds_more_than_one_call() {
    for family in FAMILIES.into_iter().chain([GENERIC]) {
        let format = format(codec(family));
        let played = MatchMove { edits: vec![note(3), note(8)], action: 7 };
        let answer = format.answer(&played).unwrap();
        let legal = view("liars_dice", 0..9).legal;
        let expected = if format.writes_notes() { played } else { MatchMove::plain(7) };
        assert_eq!(format.parse_tokens(&answer.tokens, &legal), Ok(expected), "{}", family.0);
        assert_eq!(format.writes_notes(), family.0 != "llama3");
    }
}

#[test]
fn prompts_are_the_tokens_of_the_whole_request_however_often_they_are_asked_for() {
    for family in FAMILIES.into_iter().chain([GENERIC]) {
        let codec = codec(family);
        let format = format(Arc::clone(&codec));
        let mut shown = view("othello", [19, 26, 37]);
        for note in ["", "watch the corners", " begins and ends with blanks "] {
            shown.memory.long_term[7] = note.to_owned();
            shown.state = format!("x o -{note}");
            let rendered = format.chat().prompt(&format.request(&shown).unwrap()).unwrap();
            let prompt = format.prompt(&shown).unwrap();
            assert_eq!(prompt, rendered, "{}", family.0);
            assert_eq!(prompt.tokens, codec.encode(&prompt.text));
            assert!(prompt.text.contains("Current state:\nx o -"), "{}", family.0);
        }
    }
}

#[test]
fn a_game_without_rules_is_named() {
    let error = format(Arc::new(ByteCodec)).prompt(&view("chess", [0])).unwrap_err();
    assert_eq!(error.to_string(), "the prompt pack (built-in wording) has no rules of `chess`");
}

#[test]
fn the_reference_models_are_asked_in_the_generic_form() {
    let workspace = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared =
        std::env::var_os("CROUPIER_SHARED").map_or(workspace.join("../shared"), std::path::PathBuf::from);
    let Ok(folders) = std::fs::read_dir(shared.join("data/models")) else {
        eprintln!("skipped: no reference data");
        return;
    };
    let mut n_models = 0;
    for folder in folders.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let tokenizer = Arc::new(data::Tokenizer::from_dir(&folder).unwrap());
        let format = format(Arc::clone(&tokenizer) as Arc<dyn Codec>);
        assert!(!format.chat().has_native_tools());
        let shown = view("gin_rummy", [52, 54]);
        let prompt = format.prompt(&shown).unwrap();
        let answer = format.answer(&MatchMove { edits: vec![note(2)], action: 54 }).unwrap();
        let read = format.parse_tokens(&answer.tokens, &shown.legal).unwrap();
        assert_eq!((read.action, read.edits), (54, vec![note(2)]));
        let whole = tokenizer.encode(&(prompt.text + &answer.text));
        assert_eq!(whole, [prompt.tokens, answer.tokens].concat());
        n_models += 1;
    }
    assert_eq!(n_models, 9);
}
