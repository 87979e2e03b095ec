//! The server as its clients see it: status codes, shapes, and the same answer by every way of asking.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use burn::tensor::Device;
use data::Tokenizer;
use model::{Arch, DecoderConfig, Engine, EngineConfig, LanguageModel, Size};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use serve::{ServeConfig, Served, Server, serve};

/// A template that knows tools, in the way of Qwen.
const TEMPLATE: &str = "{% if tools %}<|im_start|>system\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}\
    answer <tool_call> <|im_end|>\n{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n\
    {% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

struct Setup {
    server: Server,
    engine: Engine,
    tokenizer: Arc<Tokenizer>,
    client: Client,
}

async fn setup(config: ServeConfig, engine_config: EngineConfig) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    data::train_bpe(["call raise fold check ".repeat(50)].into_iter(), 300, &folder).unwrap();
    std::fs::write(folder.path().join("chat_template.jinja"), TEMPLATE).unwrap();
    let tokenizer = Arc::new(Tokenizer::from_dir(&folder).unwrap());
    let mut shape = DecoderConfig::preset(Arch::Qwen2, Size::Pico);
    shape.vocab_size = tokenizer.vocab_size();
    let model = LanguageModel::fresh(&shape, 3, &Device::flex());
    let (engine, _thread) = Engine::spawn(model, 0, engine_config);
    let served = Served {
        name: "pico".to_owned(),
        engine: engine.clone(),
        tokenizer: tokenizer.clone(),
        vocab_size: shape.vocab_size,
        max_context: 400,
        started: 1_700_000_000,
    };
    let server = serve(config, served).await.unwrap();
    Setup { server, engine, tokenizer, client: Client::new() }
}

async fn usual() -> Setup {
    setup(ServeConfig::default(), EngineConfig::default()).await
}

impl Setup {
    async fn post(&self, path: &str, body: &Value) -> Response {
        let url = format!("{}/{path}", self.server.url());
        self.client.post(url).json(body).send().await.unwrap()
    }

    async fn ok(&self, path: &str, body: &Value) -> Value {
        let response = self.post(path, body).await;
        let (status, answer) = (response.status(), response.json().await.unwrap());
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The chunks of a stream, which ends as it must.
    async fn streamed(&self, path: &str, mut body: Value) -> Vec<Value> {
        body["stream"] = json!(true);
        let response = self.post(path, &body).await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let text = response.text().await.unwrap();
        let mut events: Vec<&str> =
            text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
        assert_eq!(events.pop(), Some("[DONE]"));
        events.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
    }

    async fn refused(&self, path: &str, body: &Value) -> (u16, Value) {
        let response = self.post(path, body).await;
        (response.status().as_u16(), response.json::<Value>().await.unwrap()["error"].take())
    }
}

fn chat(extra: Value) -> Value {
    let mut body = json!({"model": "pico", "messages": [{"role": "user", "content": "call or fold?"}],
                          "max_tokens": 12, "seed": 5, "ignore_eos": true});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

fn joined(chunks: &[Value], text: impl Fn(&Value) -> &Value) -> String {
    let choices = chunks.iter().flat_map(|chunk| chunk["choices"].as_array().unwrap());
    choices.filter_map(|choice| text(choice).as_str()).collect()
}

#[tokio::test]
async fn a_stream_says_what_the_whole_answer_says() {
    let setup = usual().await;
    let body = chat(json!({"logprobs": true, "top_logprobs": 2, "return_token_ids": true,
                           "stream_options": {"include_usage": true}}));
    let mut whole = body.clone();
    whole.as_object_mut().unwrap().remove("stream_options");
    let whole = setup.ok("chat/completions", &whole).await;
    let choice = &whole["choices"][0];
    let chunks = setup.streamed("chat/completions", body).await;
    assert_eq!(
        joined(&chunks, |choice| &choice["delta"]["content"]),
        choice["message"]["content"].as_str().unwrap()
    );
    let (usage, chunks) = chunks.split_last().unwrap();
    assert_eq!((&usage["choices"], &usage["usage"]), (&json!([]), &whole["usage"]));
    let listed = |field: fn(&Value) -> &Value| -> Vec<Value> {
        let choices = chunks.iter().flat_map(|chunk| chunk["choices"].as_array().unwrap());
        choices.filter_map(|choice| field(choice).as_array()).flatten().cloned().collect()
    };
    assert_eq!(json!(listed(|choice| &choice["token_ids"])), choice["token_ids"]);
    assert_eq!(json!(listed(|choice| &choice["logprobs"]["content"])), choice["logprobs"]["content"]);
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], choice["finish_reason"]);
    assert_eq!(chunks[0]["prompt_token_ids"], whole["prompt_token_ids"]);
    assert_eq!(choice["token_ids"].as_array().unwrap().len(), 12);
    assert_eq!(whole["usage"]["completion_tokens"], 12);
}

#[tokio::test]
async fn a_prompt_of_ids_is_the_prompt_of_its_text() {
    let setup = usual().await;
    let ids = setup.tokenizer.encode("call raise fold");
    let body =
        |prompt: Value| json!({"prompt": prompt, "seed": 1, "logprobs": 3, "return_token_ids": true, "n": 2});
    let by_text = setup.ok("completions", &body(json!("call raise fold"))).await;
    let by_ids = setup.ok("completions", &body(json!(ids))).await;
    assert_eq!(by_text["choices"], by_ids["choices"]);
    assert_eq!(by_text["choices"][0]["prompt_token_ids"], json!(ids));
    assert_ne!(by_text["choices"][0]["token_ids"], by_text["choices"][1]["token_ids"], "seeds of their own");
    let both = setup.ok("completions", &body(json!(["call raise fold", "call"]))).await;
    assert_eq!(both["choices"].as_array().unwrap().len(), 4);
    assert_eq!(both["choices"][1]["token_ids"], by_text["choices"][1]["token_ids"]);
    let logprobs = &by_text["choices"][0]["logprobs"];
    let n = by_text["choices"][0]["token_ids"].as_array().unwrap().len();
    for field in ["tokens", "token_logprobs", "top_logprobs", "text_offset"] {
        assert_eq!(logprobs[field].as_array().unwrap().len(), n, "{field}");
    }
    let echoed = setup.ok("completions", &json!({"prompt": "call", "seed": 1, "echo": true})).await;
    assert!(echoed["choices"][0]["text"].as_str().unwrap().starts_with("call"));
}

#[tokio::test]
async fn a_stop_string_ends_the_text_before_it() {
    let setup = usual().await;
    let whole = setup.ok("chat/completions", &chat(json!({"max_tokens": 40}))).await;
    let text = whole["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let stop: String = text.chars().skip(5).take(3).collect();
    let want = text.split(&stop).next().unwrap();
    let body = chat(json!({"max_tokens": 40, "stop": stop}));
    let cut = setup.ok("chat/completions", &body).await;
    assert_eq!(cut["choices"][0]["message"]["content"], json!(want));
    assert_eq!(cut["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        joined(&setup.streamed("chat/completions", body).await, |choice| &choice["delta"]["content"]),
        want
    );
}

#[tokio::test]
async fn tools_are_in_the_prompt_and_calls_come_back() {
    let setup = usual().await;
    let tool = json!({"type": "function", "function": {"name": "raise", "parameters": {"type": "object"}}});
    let plain = setup.ok("chat/completions", &chat(json!({"return_token_ids": true}))).await;
    let ids =
        |answer: &Value| -> Vec<u32> { serde_json::from_value(answer["prompt_token_ids"].clone()).unwrap() };
    assert!(!setup.tokenizer.decode_verbatim(&ids(&plain)).contains("parameters"));
    // The model is made to write a call.
    let call = "<tool_call>{\"name\": \"raise\", \"arguments\": {\"chips\": 2}}</tool_call>";
    let body = chat(json!({"return_token_ids": true, "tools": [tool], "guided_choice": [call]}));
    let answer = setup.ok("chat/completions", &body).await;
    let prompt = setup.tokenizer.decode_verbatim(&ids(&answer));
    assert!(prompt.contains("\"name\": \"raise\", \"parameters\": {\"type\": \"object\"}"), "{prompt}");
    let check = |message: &Value, finish: &Value| {
        assert_eq!(
            message["tool_calls"][0]["function"],
            json!({"name": "raise", "arguments": "{\"chips\":2}"})
        );
        assert_eq!(finish, "tool_calls");
    };
    let choice = &answer["choices"][0];
    check(&choice["message"], &choice["finish_reason"]);
    assert_eq!(choice["message"]["content"], Value::Null);
    let chunks = setup.streamed("chat/completions", body.clone()).await;
    assert_eq!(joined(&chunks, |choice| &choice["delta"]["content"]), "");
    let last = &chunks.last().unwrap()["choices"][0];
    check(&last["delta"], &last["finish_reason"]);
    let mut without = body;
    without["tool_choice"] = json!("none");
    let answer = setup.ok("chat/completions", &without).await;
    assert_eq!(answer["choices"][0]["message"]["content"], call);
    assert_eq!(ids(&answer), ids(&plain));
}

#[tokio::test]
async fn one_of_the_given_strings_is_said() {
    let setup = usual().await;
    for seed in 0..6 {
        let body = chat(json!({"seed": seed, "guided_choice": ["call", "call raise", "fold"]}));
        let answer = setup.ok("chat/completions", &body).await;
        let choice = &answer["choices"][0];
        let said = choice["message"]["content"].as_str().unwrap();
        assert!(["call", "call raise", "fold"].contains(&said), "{said}");
        assert_eq!(choice["finish_reason"], "stop");
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_in_openais_words() {
    let setup = usual().await;
    let cases = [
        (chat(json!({"model": "gpt-4"})), 404, "model", json!("model_not_found")),
        (chat(json!({"messages": []})), 400, "messages", Value::Null),
        (chat(json!({"max_tokens": 4000})), 400, "max_tokens", json!("context_length_exceeded")),
        (
            chat(json!({"messages": [{"role": "user", "content": "call ".repeat(900)}]})),
            400,
            "prompt",
            json!("context_length_exceeded"),
        ),
        (chat(json!({"frequency_penalty": 0.5})), 400, "frequency_penalty", Value::Null),
        (chat(json!({"response_format": {"type": "json_object"}})), 400, "response_format", Value::Null),
        (chat(json!({"tool_choice": "required"})), 400, "tool_choice", Value::Null),
        (chat(json!({"logprobs": true, "top_logprobs": 40})), 400, "top_logprobs", Value::Null),
    ];
    for (body, status, param, code) in cases {
        let (got, error) = setup.refused("chat/completions", &body).await;
        assert_eq!((got, &error["param"], &error["code"]), (status, &json!(param), &code), "{error}");
        assert_eq!(error["type"], "invalid_request_error");
    }
    let (status, error) = setup.refused("chat/completions", &chat(json!({"top_p": 7.0}))).await;
    assert!(status == 400 && error["message"].as_str().unwrap().contains("top_p"), "{error}");
    let (status, error) = setup.refused("completions", &json!({"prompt": [1, 100_000]})).await;
    assert!(status == 400 && error["message"].as_str().unwrap().contains("100000"), "{error}");
    assert_eq!(setup.refused("completions", &json!({"prompt": ""})).await.0, 400);
    assert_eq!(setup.refused("completions", &json!({})).await.0, 400);
    assert_eq!(setup.refused("completions", &json!({"prompt": "a", "n": 1_000_000_000_000u64})).await.0, 400);
    assert_eq!(setup.refused("completions", &json!({"prompt": []})).await.0, 400);
    assert_eq!(setup.refused("nothing", &json!({})).await.0, 404);
    let large = json!({"prompt": "x".repeat(5 << 20)});
    assert_eq!(setup.refused("completions", &large).await.0, 413);
    // Fields that say nothing about the answer are let pass, and so is what is neutral.
    setup
        .ok(
            "chat/completions",
            &chat(json!({"user": "me", "presence_penalty": 0, "logit_bias": {}, "stop": null})),
        )
        .await;
}

#[tokio::test]
async fn models_and_health_are_told() {
    let setup = usual().await;
    let get = async |url: String| {
        let response = setup.client.get(url).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (status, models) = get(format!("{}/models", setup.server.url())).await;
    assert_eq!((status, &models["data"][0]["id"]), (200, &json!("pico")));
    assert_eq!(get(format!("{}/models/pico", setup.server.url())).await.0, 200);
    assert_eq!(get(format!("{}/models/other", setup.server.url())).await.0, 404);
    assert_eq!(get(format!("{}/completions", setup.server.url())).await.0, 405);
    let health = format!("http://{}/healthz", setup.server.address());
    assert_eq!(get(health).await.1["status"], "ok");
}

#[tokio::test]
async fn a_full_house_says_when_to_come_back_and_a_client_that_leaves_makes_room() {
    let config = ServeConfig { max_in_flight: 1, ..ServeConfig::default() };
    let setup = setup(config, EngineConfig { max_rows: 1, ..EngineConfig::default() }).await;
    let endless = chat(json!({"max_tokens": 300, "stream": true}));
    let mut was_full = false;
    for _ in 0..50 {
        let mut stream = setup.post("chat/completions", &endless).await;
        if stream.status() == 200 {
            assert!(stream.chunk().await.unwrap().is_some(), "it is under way");
        }
        let second = setup.post("chat/completions", &chat(json!({}))).await;
        was_full = second.status() == 503;
        if was_full {
            assert_eq!(second.headers()["retry-after"], "1");
            assert_eq!(second.json::<Value>().await.unwrap()["error"]["code"], "overloaded");
            break;
        }
    }
    assert!(was_full, "a second request is always answered at once");
    let too_many = setup.refused("chat/completions", &chat(json!({"n": 2}))).await;
    assert_eq!((too_many.0, &too_many.1["param"]), (400, &json!("n")));
    let served = async {
        while setup.post("chat/completions", &chat(json!({}))).await.status() != 200 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), served).await.expect("the place becomes free");
}

#[tokio::test]
async fn the_end_comes_in_order() {
    let setup = usual().await;
    let url = format!("{}/models", setup.server.url());
    let body = chat(json!({}));
    let answer = setup.ok("chat/completions", &body);
    answer.await;
    let Setup { server, engine, client, .. } = setup;
    server.shutdown().await;
    assert!(client.get(url).send().await.is_err(), "nobody listens any more");
    assert!(engine.is_running(), "the engine is its owner's");
}
