"""Does OpenAI's own client get along with `croupier serve`?

    python scripts/check_openai.py CROUPIER MODEL

CROUPIER is the binary, MODEL a folder whose chat template is ChatML without tools. A copy of it with a template that
renders tools is served too. Nothing is judged about what a random model says, only how it is said. The last line counts
the checks. Exit codes: 0 all passed, 1 one failed.
"""

import json
import math
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager

import openai

TOOL_TEMPLATE = """{%- if tools %}<|im_start|>system
Tools:
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
Call one by <tool_call>{"name": ..., "arguments": ...}</tool_call><|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}
{%- for call in message.tool_calls or [] %}<tool_call>{{ call.function | tojson }}</tool_call>{%- endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
TOOL = {
    "type": "function",
    "function": {
        "name": "play_card",
        "description": "Plays a card.",
        "parameters": {"type": "object", "properties": {"card": {"type": "string"}}, "required": ["card"]},
    },
}
USER = [{"role": "user", "content": "Which card do you play?"}]

passed = 0


def check(what, holds, seen=None):
    global passed
    if not holds:
        sys.exit(f"FAIL {what}: {seen!r}")
    passed += 1


@contextmanager
def served(croupier, model, *flags):
    """A client of a server that is started here and stopped by SIGINT."""
    command = [croupier, "serve", str(model), "--name", "nano", "--port", "0", "--device", "cpu", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            check("the address is printed", line.startswith("serving nano at http://"), line)
            yield openai.OpenAI(base_url=line.split()[-1], api_key="none", max_retries=0, timeout=60)
        finally:
            process.send_signal(signal.SIGINT)
            status = process.wait(timeout=30)
    check("SIGINT ends it in order", status == 0, status)


def check_models(client):
    check("the model is listed", [model.id for model in client.models.list()] == ["nano"])
    check("the model is found", client.models.retrieve("nano").id == "nano")


def check_chat(client):
    fields = {"model": "nano", "messages": USER, "max_tokens": 24, "seed": 7, "logprobs": True, "top_logprobs": 3}
    whole = client.chat.completions.create(**fields, extra_body={"return_token_ids": True})
    choice = whole.choices[0]
    entries = choice.logprobs.content
    check("a reason is given", choice.finish_reason in ("stop", "length"), choice.finish_reason)
    check("tokens are counted", whole.usage.completion_tokens == len(entries) == len(choice.token_ids), whole.usage)
    check("the sum is right", whole.usage.total_tokens == len(whole.prompt_token_ids) + len(entries), whole.usage)
    for entry in entries:
        best = [other.logprob for other in entry.top_logprobs]
        check("the best come first", len(best) == 3 and best == sorted(best, reverse=True), best)
        check("log-probs are those of probabilities", sum(map(math.exp, best)) <= 1.0001 and entry.logprob <= 0, best)

    text, tokens, finish, usage = "", [], None, None
    for chunk in client.chat.completions.create(**fields, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for part in chunk.choices:
            text += part.delta.content or ""
            tokens += part.logprobs.content if part.logprobs else []
            finish = part.finish_reason or finish
    check("the stream says the same", text == choice.message.content, (text, choice.message.content))
    check("with the same log-probs", tokens == entries)
    check("and ends for the same reason", finish == choice.finish_reason, finish)
    check("and counts the same", usage == whole.usage, usage)

    again = client.chat.completions.create(**{**fields, "n": 3})
    check("three answers", [one.index for one in again.choices] == [0, 1, 2])
    check("the first is the one alone", again.choices[0].message.content == choice.message.content)
    stopped = client.chat.completions.create(**{**fields, "stop": choice.message.content[4:6]})
    want = choice.message.content.split(choice.message.content[4:6])[0]
    check("a stop string ends the text", stopped.choices[0].message.content == want, stopped.choices[0])
    check("and is the reason", stopped.choices[0].finish_reason == "stop")
    greedy = [client.chat.completions.create(model="nano", messages=USER, max_tokens=8, temperature=0) for _ in "ab"]
    check("greedy is greedy", greedy[0].choices[0].message == greedy[1].choices[0].message)


def check_completions(client):
    fields = {"model": "nano", "max_tokens": 12, "seed": 3, "logprobs": 2, "extra_body": {"return_token_ids": True}}
    by_text = client.completions.create(prompt="the card is", **fields).choices[0]
    by_ids = client.completions.create(prompt=by_text.prompt_token_ids, **fields).choices[0]
    check("ids are as good as text", by_ids.text == by_text.text and by_ids.token_ids == by_text.token_ids)
    logprobs = by_text.logprobs
    check("a log-prob for each token", len(logprobs.token_logprobs) == len(by_text.token_ids) == len(logprobs.tokens))
    # The same tokens once more as a prompt: the next one follows as it did before, to the bit.
    for at in range(1, 6):
        prompt = by_text.prompt_token_ids + by_text.token_ids[:at]
        fields["extra_body"] = {"return_token_ids": True, "guided_choice": None}
        next_one = client.completions.create(prompt=prompt, **{**fields, "temperature": 0, "max_tokens": 1}).choices[0]
        best = next_one.logprobs.token_logprobs[0]
        top = max(logprobs.top_logprobs[at].values())
        check("a prompt read anew gives the log-probs of decoding", best == top, (at, best, top))
    many = client.completions.create(model="nano", prompt=["a", "b"], n=2, max_tokens=2)
    check("two of two", [one.index for one in many.choices] == [0, 1, 2, 3])
    streamed = client.completions.create(prompt="the card is", stream=True, **fields)
    check("the stream says the same", "".join(chunk.choices[0].text for chunk in streamed) == by_text.text)


def check_tools(client, with_tools):
    refused(lambda: client.chat.completions.create(model="nano", messages=USER, tools=[TOOL]), 400, "tools")
    ids = {"return_token_ids": True}
    plain = with_tools.chat.completions.create(model="nano", messages=USER, max_tokens=1, extra_body=ids)
    fields = {"model": "nano", "messages": USER, "tools": [TOOL], "extra_body": ids}
    tools = with_tools.chat.completions.create(**fields, max_tokens=8)
    check("tools are in the prompt", tools.usage.prompt_tokens > plain.usage.prompt_tokens + 20, tools.usage)
    calls = '<tool_call>{"name": "play_card", "arguments": {"card": "Ks"}}</tool_call>'
    fields["extra_body"] = {"guided_choice": [calls]}
    called = with_tools.chat.completions.create(**fields).choices[0]
    check("a call is the reason", called.finish_reason == "tool_calls", called)
    call = called.message.tool_calls[0]
    check("the call is read", (call.function.name, json.loads(call.function.arguments)) == ("play_card", {"card": "Ks"}))
    deltas = [
        delta
        for chunk in with_tools.chat.completions.create(**fields, stream=True)
        for delta in chunk.choices[0].delta.tool_calls or []
    ]
    check("a stream has it too", [delta.function.name for delta in deltas] == ["play_card"], deltas)
    answer = {"role": "tool", "tool_call_id": call.id, "content": "It wins."}
    messages = [*USER, called.message, answer]
    after = with_tools.chat.completions.create(model="nano", messages=messages, tools=[TOOL], max_tokens=4)
    check("the conversation goes on", after.usage.prompt_tokens > tools.usage.prompt_tokens + 20, after.usage)


def check_errors(client):
    create = client.chat.completions.create
    refused(lambda: create(model="gpt-4", messages=USER), 404, "model")
    refused(lambda: create(model="nano", messages=USER, max_tokens=10**6), 400, "max_tokens")
    refused(lambda: create(model="nano", messages=USER, frequency_penalty=1), 400, "frequency_penalty")
    refused(lambda: create(model="nano", messages=USER, temperature=-1), 400, None)
    refused(lambda: client.completions.create(model="nano", prompt="word " * 10**6), 413, None)


def refused(call, status, param):
    try:
        answer = call()
    except openai.APIStatusError as error:
        check(f"{status} for {param}", (error.status_code, error.param) == (status, param), error)
    else:
        check(f"{status} for {param}", False, answer)


def main():
    croupier, model = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "with-tools"
        shutil.copytree(model, copy)
        (copy / "chat_template.jinja").write_text(TOOL_TEMPLATE, encoding="utf-8")
        with served(croupier, model) as client, served(croupier, copy, "--dtype", "bf16") as with_tools:
            check_models(client)
            check_chat(client)
            check_completions(client)
            check_tools(client, with_tools)
            check_errors(client)
    print(f"openai {openai.__version__}: {passed} checks passed")


if __name__ == "__main__":
    main()
