//! What the golden comparison does not show: counts, refusals, and what the rules are for.

use std::fs;

use schema::{ChatType, DpoType, GrpoType, InstructType};
use serde_json::{Value, json};

use super::{load_chat, load_dpo, load_grpo, load_instruct};
use crate::{Dataset, Encoded, Error, Reason, SequenceLimit, Source, Tokenizer, train_bpe};

/// A folder with a small ChatML tokenizer and a data file.
struct Fixture {
    folder: tempfile::TempDir,
    tokenizer: Tokenizer,
}

impl Fixture {
    fn new(rows: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tokenizer = train_bpe(["call raise fold ".repeat(20)].into_iter(), 264, &folder).unwrap();
        fs::write(folder.path().join("rows.json"), rows.to_string()).unwrap();
        Self { folder, tokenizer }
    }

    fn instruct(&self, card: &InstructType) -> Result<Dataset<Encoded>, Error> {
        let file = self.folder.path().join("rows.json");
        load_instruct(
            Source { file: &file, quarantine: None },
            card,
            &self.tokenizer,
            SequenceLimit::fixed(4096),
        )
    }

    fn chat(&self, template: Option<&str>) -> Result<Dataset<Encoded>, Error> {
        let file = self.folder.path().join("rows.json");
        let card = ChatType { chat_template: template.map(str::to_owned), ..ChatType::default() };
        load_chat(
            Source { file: &file, quarantine: None },
            &card,
            &self.tokenizer,
            SequenceLimit::fixed(4096),
        )
    }

    /// The text of a row with what is learnt in brackets.
    fn shown(&self, encoded: &Encoded) -> String {
        let mut text = String::new();
        let mut at = 0;
        for span in encoded.loss_spans() {
            text += &self.tokenizer.decode_verbatim(&encoded.token_ids()[at..span.start]);
            text += &format!("[{}]", self.tokenizer.decode_verbatim(&encoded.token_ids()[span.clone()]));
            at = span.end;
        }
        text + &self.tokenizer.decode_verbatim(&encoded.token_ids()[at..])
    }
}

fn chat_of(turns: &[(&str, &str)]) -> Value {
    let messages: Vec<Value> =
        turns.iter().map(|(from, value)| json!({"from": from, "value": value})).collect();
    json!({"conversations": messages})
}

#[test]
fn nothing_stands_between_prompt_and_response_and_only_the_response_is_learnt() {
    let fixture = Fixture::new(&json!([
        {"instruct": "Fold?", "output": "No", "input": "K Q", "system": "Poker."},
        {"instruct": "Fold?", "output": "No"},
        {"instruct": "Fold?", "output": ""},
    ]));
    let format = Some("{instruction}|{input}{{}}=".to_owned());
    let card =
        InstructType { format, system_format: Some("<{system}> ".to_owned()), ..InstructType::default() };
    let loaded = fixture.instruct(&card).unwrap();
    let shown: Vec<String> = loaded.rows.iter().map(|row| fixture.shown(row)).collect();
    assert_eq!(shown, ["<Poker.> Fold?|K Q{}=[No<|im_end|>]", "Fold?[No<|im_end|>]"]);
    assert_eq!(loaded.counts.of(Reason::EmptyOutput), 1);
}

#[test]
fn a_format_with_a_field_that_is_not_there_is_an_error_of_the_card() {
    let fixture = Fixture::new(&json!([{"instruct": "a", "output": "b"}]));
    let card = InstructType { no_input_format: Some("{prompt}".to_owned()), ..InstructType::default() };
    let error = fixture.instruct(&card).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the format `{prompt}` cannot be filled in: `{prompt}` is not one of {instruction}"
    );
    // The evaluator fills in no format that no row needs.
    let card = InstructType { format: Some("{".to_owned()), ..InstructType::default() };
    assert_eq!(fixture.instruct(&card).unwrap().rows.len(), 1);
}

#[test]
fn rows_over_the_limit_are_left_out_until_none_is_left() {
    let long = json!({"instruct": "raise ".repeat(40), "output": "fold"});
    let fixture = Fixture::new(&json!([long, {"instruct": "a", "output": "b"}]));
    let file = fixture.folder.path().join("rows.json");
    let source = Source { file: &file, quarantine: None };
    let load = |limit| load_instruct(source, &InstructType::default(), &fixture.tokenizer, limit);
    let loaded = load(SequenceLimit::of_model(Some(20), None)).unwrap();
    assert_eq!((loaded.sequence_len, loaded.rows.len(), loaded.counts.of(Reason::TooLong)), (Some(10), 1, 1));

    fs::write(&file, json!([long]).to_string()).unwrap();
    let n = load(SequenceLimit::fixed(4096)).unwrap().rows[0].n_tokens();
    let sequence_len =
        |max_positions| load(SequenceLimit::of_model(Some(max_positions), None)).map(|it| it.sequence_len);
    assert_eq!(sequence_len(2 * n).unwrap(), Some(n));
    assert_eq!(sequence_len(2 * n - 2).unwrap(), Some(2 * n - 2));
    assert_eq!(sequence_len(n).unwrap(), Some(n));
    let error = sequence_len(n - 1).unwrap_err();
    assert!(
        matches!(error, Error::AllTooLong { n_rows: 1, sequence_len, .. } if sequence_len == n - 1),
        "{error}"
    );
}

#[test]
fn every_turn_of_the_assistant_is_learnt_with_its_end() {
    let turns = [("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")];
    let fixture = Fixture::new(&json!([chat_of(&turns), chat_of(&turns[..2]), {"conversations": "x"}]));
    let loaded = fixture.chat(Some("chatml")).unwrap();
    assert_eq!(loaded.rows.len(), 1);
    let expected = "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n[b<|im_end|>]\n\
                    <|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n[d<|im_end|>]\n";
    assert_eq!(fixture.shown(&loaded.rows[0]), expected);
    assert_eq!(loaded.counts.of(Reason::NothingTrained), 1);
    assert_eq!(loaded.counts.of(Reason::TooFewMessages), 1);
    assert_eq!(loaded.counts.rewritten, 0);
}

#[test]
fn a_template_that_rewrites_earlier_turns_is_counted() {
    let template = "{% for m in messages %}{% if m.role == 'user' or loop.last %}{{ m.content }}\
                    {% else %}{{ m.content | upper }}{% endif %}|{% endfor %}";
    let once = chat_of(&[("user", "a"), ("assistant", "bb")]);
    let twice = chat_of(&[("user", "a"), ("assistant", "bb"), ("user", "c"), ("assistant", "dd")]);
    let fixture = Fixture::new(&json!([once, twice]));
    let loaded = fixture.chat(Some(template)).unwrap();
    assert_eq!(fixture.shown(&loaded.rows[0]), "a|[bb]|");
    assert_eq!(fixture.shown(&loaded.rows[1]), "a|[BB]|c|[dd]|");
    assert_eq!(loaded.counts.rewritten, 1);
}

#[test]
fn a_conversation_that_the_template_refuses_costs_only_itself() {
    let template = "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}\
                    {{ m.content }}{% endfor %}";
    let good = chat_of(&[("user", "a"), ("assistant", "b")]);
    let refused = chat_of(&[("user", "a"), ("tool", "t"), ("assistant", "b")]);
    let loaded = Fixture::new(&json!([refused, good])).chat(Some(template)).unwrap();
    assert_eq!((loaded.rows.len(), loaded.counts.of(Reason::TemplateRefused)), (1, 1));
}

#[test]
fn templates_are_found_by_name_by_path_and_in_the_folder() {
    let fixture = Fixture::new(&json!([chat_of(&[("user", "a"), ("assistant", "b")])]));
    let shown = |template: Option<&str>| fixture.chat(template).map(|loaded| fixture.shown(&loaded.rows[0]));
    let chatml = shown(Some("chatml")).unwrap();
    assert_eq!(shown(None).unwrap(), chatml);
    assert_eq!(shown(Some("tokenizer_default")).unwrap(), chatml);
    assert_eq!(shown(Some("tokenizer_default_fallback_llama3")).unwrap(), chatml);
    let path = fixture.folder.path().join("own.jinja");
    fs::write(&path, "{% for m in messages %}<{{ m.content }}>{% endfor %}").unwrap();
    assert_eq!(shown(path.to_str()).unwrap(), "<a><[b]>");
    let error = shown(Some("alpaca")).unwrap_err();
    assert_eq!(error.to_string(), "chat template `alpaca` is not known");
    assert!(error.hint().unwrap().contains("chatml"));
    assert!(matches!(shown(Some("{% for %}")).unwrap_err(), Error::ChatTemplate { .. }));

    fs::remove_file(fixture.folder.path().join("chat_template.jinja")).unwrap();
    let without =
        Fixture { tokenizer: Tokenizer::from_dir(&fixture.folder).unwrap(), folder: fixture.folder };
    assert!(matches!(without.chat(None).unwrap_err(), Error::NoChatTemplate { .. }));
    let loaded = without.chat(Some("tokenizer_default_fallback_chatml")).unwrap();
    assert_eq!(without.shown(&loaded.rows[0]), chatml);
}

#[test]
fn without_a_column_of_responses_texts_are_cut_into_sequences_and_learnt_whole() {
    let fixture =
        Fixture::new(&json!([{"instruct": "raise ".repeat(9)}, {"instruct": ""}, {"instruct": "fold"}]));
    let file = fixture.folder.path().join("rows.json");
    let source = Source { file: &file, quarantine: None };
    let card = InstructType { field_output: None, ..InstructType::default() };
    let loaded = load_instruct(source, &card, &fixture.tokenizer, SequenceLimit::fixed(16)).unwrap();
    let shown: String = loaded.rows.iter().map(|row| fixture.shown(row)).collect();
    assert_eq!(shown.replace("][", ""), format!("[{}<|im_end|>fold<|im_end|>]", "raise ".repeat(9)));
    assert!(loaded.rows.iter().all(|row| row.n_tokens() <= 16) && loaded.rows.len() > 2);
    // The pieces of one text are no copies of each other.
    assert_eq!((loaded.counts.of(Reason::EmptyPrompt), loaded.counts.near_duplicates), (1, 0));
}

#[test]
fn pairs_share_their_prompt_and_end_in_the_end_token() {
    let fixture = Fixture::new(&json!([
        {"prompt": "Fold? ", "chosen": "no", "rejected": "yes<|im_end|>", "system": "ignored"},
        {"prompt": "Fold?", "chosen": "no", "rejected": ""},
    ]));
    let file = fixture.folder.path().join("rows.json");
    let source = Source { file: &file, quarantine: None };
    let card = DpoType { prompt_format: Some("ignored {prompt}".to_owned()), ..DpoType::default() };
    let loaded = load_dpo(source, &card, &fixture.tokenizer, 64).unwrap();
    assert_eq!(loaded.rows.len(), 1);
    assert_eq!(fixture.shown(&loaded.rows[0].chosen), "Fold? [no<|im_end|>]");
    assert_eq!(fixture.shown(&loaded.rows[0].rejected), "Fold? [yes<|im_end|>]");
    assert_eq!(loaded.counts.of(Reason::EmptyOutput), 1);
    let error = load_dpo(source, &card, &fixture.tokenizer, 2).unwrap_err();
    assert!(matches!(error, Error::NoUsableRows { n_rows: 2, .. }), "{error}");
}

#[test]
fn prompts_keep_their_other_columns() {
    let fixture =
        Fixture::new(&json!([{"prompt": "2+2", "meta": "{\"answer\": 4}", "level": 1}, {"prompt": ""}]));
    let file = fixture.folder.path().join("rows.json");
    let card = GrpoType { extra_column: Some("meta".to_owned()), ..GrpoType::default() };
    let loaded = load_grpo(Source { file: &file, quarantine: None }, &card, &fixture.tokenizer).unwrap();
    let prompt = &loaded.rows[0];
    assert_eq!((loaded.rows.len(), prompt.text.as_str()), (1, "2+2"));
    assert_eq!(prompt.token_ids, fixture.tokenizer.encode("2+2"));
    assert_eq!(Value::Object(prompt.columns.clone()), json!({"level": 1, "extra_data": "{\"answer\": 4}"}));
}

#[test]
fn a_split_keeps_equal_prompts_together() {
    let rows: Vec<Value> = (0..400)
        .map(|idx| json!({"instruct": format!("sum of {} and {}", idx / 2, idx / 4), "output": "x"}))
        .collect();
    let loaded = Fixture::new(&json!(rows)).instruct(&InstructType::default()).unwrap();
    assert!(loaded.counts.near_duplicates >= 200);
    let halves = loaded.split(0.05, 1);
    assert!((16..=24).contains(&halves.validation.len()), "{}", halves.validation.len());
    assert!(halves.validation.iter().all(|row| !halves.train.contains(row)));
}
