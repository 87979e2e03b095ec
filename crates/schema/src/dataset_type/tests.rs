//! Cards as the tournament sends them, with nulls, gaps and surprises.

use expect_test::{Expect, expect};
use serde_json::json;

use super::{ChatType, DatasetType, DpoType, GrpoType, InstructType};
use crate::{TaskError, TaskType};

fn instruct(text: &str) -> InstructType {
    match DatasetType::parse(TaskType::InstructTextTask, text).unwrap() {
        DatasetType::Instruct(card) => card,
        other => panic!("{other:?}"),
    }
}

fn grpo(card: serde_json::Value) -> Result<GrpoType, TaskError> {
    match DatasetType::parse(TaskType::GrpoTask, &card.to_string())? {
        DatasetType::Grpo(card) => Ok(card),
        other => panic!("{other:?}"),
    }
}

fn check_error(task_type: TaskType, text: &str, expected: Expect) {
    expected.assert_eq(&DatasetType::parse(task_type, text).unwrap_err().to_string());
}

#[test]
fn a_null_is_not_an_omission() {
    assert_eq!(instruct("{}"), InstructType::default());
    assert_eq!(instruct("{}").field_output.as_deref(), Some("output"));
    let nulls =
        instruct(r#"{"field_output":null,"system_format":null,"field_instruction":"q","future_key":[1]}"#);
    assert_eq!(nulls.field_output, None);
    assert_eq!(nulls.system_format, None);
    assert_eq!(nulls.field_instruction.as_deref(), Some("q"));

    let chat = DatasetType::parse(TaskType::ChatTask, r#"{"chat_template":null}"#).unwrap();
    assert_eq!(chat, DatasetType::Chat(ChatType { chat_template: None, ..ChatType::default() }));
    assert_eq!(ChatType::default().chat_template.as_deref(), Some("chatml"));

    let dpo =
        DatasetType::parse(TaskType::DpoTask, r#"{"prompt_format":null,"field_chosen":"yes"}"#).unwrap();
    let expected =
        DpoType { prompt_format: None, field_chosen: Some("yes".to_owned()), ..DpoType::default() };
    assert_eq!(dpo, DatasetType::Dpo(expected));
}

#[test]
fn a_card_survives_being_written_and_read_back() {
    let card = InstructType {
        field_output: None,
        format: Some("{instruction}".to_owned()),
        ..InstructType::default()
    };
    let text = serde_json::to_string(&card).unwrap();
    assert!(text.contains(r#""field_output":null"#), "{text}");
    assert_eq!(instruct(&text), card);
}

#[test]
fn reward_functions_keep_source_weight_and_order() {
    let entry = |weight: f64| {
        json!({"reward_id": null, "reward_func": "def f(completions, **kwargs):\n    return []",
        "reward_weight": weight, "func_hash": null, "is_generic": true, "is_manual": null})
    };
    let card = grpo(json!({"reward_functions": [entry(0.62), entry(0.38)], "extra_column": "meta"})).unwrap();
    let weights: Vec<f64> = card.reward_functions.iter().map(|entry| entry.reward_weight).collect();
    assert_eq!(weights, [0.62, 0.38]);
    assert!(card.reward_functions[0].reward_func.starts_with("def f(completions"));
    assert_eq!(card.reward_functions[0].is_generic, Some(true));
    assert_eq!(card.field_prompt.as_deref(), Some("prompt"));
    assert!(grpo(json!({"reward_functions": []})).is_err());
}

#[test]
fn environments_are_read_as_before() {
    let card = DatasetType::parse(TaskType::EnvTask, r#"{"environment_name":"leduc_poker"}"#).unwrap();
    let DatasetType::Env(environments) = card else { panic!("{card:?}") };
    assert_eq!(environments.known.len(), 1);
}

#[test]
fn errors_name_the_field_and_its_value() {
    let instruct = TaskType::InstructTextTask;
    check_error(instruct, "[1]", expect!["dataset type `[1]` cannot be read: it is no JSON object"]);
    check_error(
        instruct,
        r#"{"format":7}"#,
        expect![[
            r#"dataset type `{"format":7}` cannot be read: field `format` is `7`: invalid type: integer `7`, expected a string"#
        ]],
    );
    check_error(
        TaskType::GrpoTask,
        r#"{"reward_functions":[{"reward_func":"def f(): pass"}]}"#,
        expect![[
            r#"dataset type `{"reward_functions":[{"reward_func":"def f(): pass"}]}` cannot be read: field `reward_functions` is `[{"reward_func":"def f(): pass"}]`: missing field `reward_weight`"#
        ]],
    );
    let error = DatasetType::parse(instruct, "{").unwrap_err();
    assert!(error.to_string().contains("EOF"), "{error}");
    assert!(error.hint().contains("field_instruction"));
}
