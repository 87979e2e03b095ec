"""Data sets of the text tasks with the tokens and labels that the tournament's evaluator makes of them.

    python scripts/golden/text_rows.py OUT [--models FOLDER] [--sample]

Writes OUT/NAME/{tokenizer.json, tokenizer_config.json, chat_template.jinja, *.json, rows.json} for `croupier verify rows`.
Tokenizers are trained here (or taken from the reference models); every id comes from transformers. What the evaluator does
with them (axolotl's user_defined, completion and chat_template strategies, TRL's DPO and GRPO trainers, contract 2 and 3)
is said once more in this file, in the words of Python: neither axolotl nor TRL is needed. `--sample` writes the small part
that is committed under crates/data/tests/data.
"""

import argparse
import json
import math
import pathlib
import random
import shutil

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

WORDS = "the a deal card raise fold call bet king queen river turn flop pot chip player hand bluff luck why how many sum of is and to we you it answer question please list three reasons".split()
ODD = ["naïve façade", "Straße", "日本語のテキスト", "emoji 🎲🃏", "tab\there", "  two  blanks ", "line\nbreak\n", "a\u0301ccent", "x²+y²=z²", "{braces}", "}{", "ﬁ ligature", "null\u200bwidth", "İstanbul", "<b>bold</b>", "100 % sure"]
FIRST_LIMIT = 4096

# ---------------------------------------------------------------- templates found in the wild, in our own Jinja
CHATML = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
LLAMA3 = """{{- bos_token }}
{%- for m in messages %}
    {{- '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' }}
    {%- if tools and loop.first %}{{ 'Tools: ' + (tools | tojson(indent=2)) + '\\n' }}{% endif %}
    {%- if m.tool_calls %}
        {%- for call in m.tool_calls %}{{ '{"name": "' + call.function.name + '", "parameters": ' + (call.function.arguments | tojson) + '}' }}{% endfor %}
    {%- else %}
        {{- m.content | trim }}
    {%- endif %}
    {{- '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"""
MISTRAL = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% set turns = messages[1:] %}{% else %}{% set turns = messages %}{% endif %}
{%- for m in turns %}
{%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}
{%- if m['role'] == 'user' %}{{ '[INST] ' + (system + '\\n\\n' if loop.first and system is defined else '') + m['content'] + ' [/INST]' }}
{%- else %}{{ ' ' + m['content'] | trim + eos_token }}{% endif %}
{%- endfor %}"""
GEMMA = """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}
{%- for m in messages %}
{%- set role = 'model' if m['role'] == 'assistant' else m['role'] %}
{{- '<start_of_turn>' + role + '\\n' + m['content'] | trim + '<end_of_turn>\\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"""
THINKING = """{%- set ns = namespace(last_user=0) %}
{%- for m in messages %}{% if m.role == 'user' %}{% set ns.last_user = loop.index0 %}{% endif %}{% endfor %}
{%- for m in messages %}
{%- set content = m.content if m.content is string else '' %}
{%- if m.role == 'assistant' and '</think>' in content %}
{%- set thought = content.split('</think>')[0].split('<think>')[-1].strip('\\n') %}
{%- set content = content.split('</think>')[-1].lstrip('\\n') %}
{%- if loop.index0 > ns.last_user %}{% set content = '<think>\\n' + thought + '\\n</think>\\n\\n' + content %}{% endif %}
{%- endif %}
{{- '<|im_start|>' + m.role + '\\n' + content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"""
ZEPHYR = "{% for m in messages %}\n{{ '<|' + m['role'] + '|>\n' + m['content'] + eos_token }}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"
PHI = "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
LAST_INDEX = """{%- set last = real_last_index if real_last_index is defined else messages | length - 1 %}
{%- for m in messages %}
{{- '<|im_start|>' + m.role + (' final' if loop.index0 == last else '') + '\\n' + m.content + '<|im_end|>\\n' }}
{%- endfor %}"""


# ---------------------------------------------------------------- tokenizers
def corpus(rng):
    return [" ".join(rng.choices(WORDS, k=12)) for _ in range(300)] + ODD


def byte_level(rng, vocab, specials, prefix_space=False):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=specials, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(corpus(rng), trainer)
    return tokenizer


def sentencepiece_like(rng, vocab, specials, prepend):
    """Llama 2's form: blanks are ▁, unknown characters are bytes."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    steps = [normalizers.Prepend("▁")] if prepend else []
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=[*specials, *bytes_], show_progress=False)
    tokenizer.train_from_iterator(corpus(rng), trainer)
    spec = json.loads(tokenizer.to_str())
    spec["added_tokens"] = [token for token in spec["added_tokens"] if token["content"] in specials]
    return Tokenizer.from_str(json.dumps(spec))


def around(tokenizer, single):
    """Puts special tokens around documents, as `<s> $A </s>` says."""
    names = [piece for piece in single.split() if piece != "$A"]
    tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=[(name, tokenizer.token_to_id(name)) for name in names])
    return tokenizer


def unigram(rng, vocab):
    """T5's form: every document ends in EOS."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=vocab, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(corpus(rng), trainer)
    return around(tokenizer, "$A </s>")


LLAMA3_TOKENS = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
# name -> (tokenizer, special tokens of the configuration, chat template)
MADE = {
    "gpt2-like": (lambda rng: byte_level(rng, 400, ["<|endoftext|>"]), {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "pad_token": None}, None),
    "llama2-like": (lambda rng: around(sentencepiece_like(rng, 500, ["<unk>", "<s>", "</s>"], True), "<s> $A"), {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}, MISTRAL),
    "llama3-like": (lambda rng: around(byte_level(rng, 420, LLAMA3_TOKENS), "<|begin_of_text|> $A"), {"bos_token": LLAMA3_TOKENS[0], "eos_token": "<|eot_id|>", "model_max_length": 96}, LLAMA3),
    "gemma-like": (lambda rng: around(sentencepiece_like(rng, 500, ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"], False), "<bos> $A"), {"bos_token": {"content": "<bos>", "__type": "AddedToken", "lstrip": False, "rstrip": False, "normalized": False, "single_word": False}, "eos_token": "<eos>", "pad_token": "<pad>"}, GEMMA),
    "t5-like": (lambda rng: unigram(rng, 300), {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "truncation_side": "left"}, ZEPHYR),
    "bert-like": (lambda rng: around(byte_level(rng, 400, ["<s>", "</s>", "<pad>"], True), "<s> $A </s>"), {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}, PHI),
    "qwen3-like": (lambda rng: byte_level(rng, 420, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]), {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}, THINKING),
    "last-index": (lambda rng: byte_level(rng, 420, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]), {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}, LAST_INDEX),
    "zephyr-like": (lambda rng: around(sentencepiece_like(rng, 500, ["<unk>", "<s>", "</s>"], True), "<s> $A"), {"bos_token": "<s>", "eos_token": "</s>", "special_tokens_map": True}, ZEPHYR),
}


def write_tokenizer(folder, name):
    make, config, template = MADE[name]
    folder.mkdir(parents=True, exist_ok=True)
    config = {"tokenizer_class": "PreTrainedTokenizerFast", **config}
    if config.pop("special_tokens_map", False):
        named = {key: config.pop(key) for key in list(config) if key.endswith("_token")}
        (folder / "special_tokens_map.json").write_text(json.dumps(named))
    (folder / "tokenizer.json").write_text(make(random.Random(name)).to_str())
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    if template:
        (folder / "chat_template.jinja").write_text(template)


# ---------------------------------------------------------------- what the evaluator does
def limits(max_positions, model_max_length):
    """Contract 3.1."""
    first = math.ceil(max_positions / 2) if max_positions and max_positions < 2 * FIRST_LIMIT else FIRST_LIMIT
    cap = min(value for value in (max_positions, model_max_length) if value) if max_positions or model_max_length else first
    yield first
    while first < cap:
        first = min(2 * first, cap)
        yield first


def document(tokenizer, text, max_length, eos=False, strip_bos=False):
    if not text:
        return []
    ids = list(tokenizer(text, truncation=True, max_length=max_length)["input_ids"])
    if not ids:
        return []
    if eos and ids[-1] != tokenizer.eos_token_id and len(ids) < max_length:
        ids.append(tokenizer.eos_token_id)
    if strip_bos and ids[0] == tokenizer.bos_token_id:
        ids = ids[1:]
    return ids


def instruct_rows(tokenizer, card, rows, limit):
    card = {key: value for key, value in card.items() if value is not None}
    if not card.get("field_output"):
        for row in rows:
            ids = document(tokenizer, row[card["field_instruction"]], 64 * limit, eos=True)
            for start in range(0, len(ids), limit):
                piece = ids[start : start + limit]
                yield piece, list(piece)
        return
    card.setdefault("no_input_format", "{instruction}")
    card.setdefault("format", "{instruction} {input}" if card.get("field_input") else "{instruction}")
    defaults = {"system_prompt": "", "field_system": "system", "field_instruction": "instruction", "field_input": "input", "system_format": "{system}"}
    card = {**defaults, **card}
    for row in rows:
        system = row[card["field_system"]] if card["field_system"] in row else card["system_prompt"]
        instruction, given = row[card["field_instruction"]], row.get(card["field_input"], "")
        prompt = card["system_format"].format(system=system) if system and card["system_format"] else ""
        prompt += card["format"].format(instruction=instruction, input=given) if given else card["no_input_format"].format(instruction=instruction)
        asked = document(tokenizer, prompt, limit)
        answer = document(tokenizer, row.get(card["field_output"], ""), limit, eos=True, strip_bos=True)
        yield asked + answer, [-100] * len(asked) + answer


def without_none(value):
    if isinstance(value, dict):
        return {key: without_none(inner) for key, inner in value.items() if inner is not None}
    return [without_none(inner) for inner in value] if isinstance(value, list) else value


def turns_of(card, row):
    """The messages under the names of templates; nothing for conversations of fewer than two."""
    messages = row[card["chat_column"]]
    if isinstance(messages, str):
        try:
            messages = json.loads(messages)
        except ValueError:
            return None
    roles = {card["chat_user_reference"]: "user", card["chat_assistant_reference"]: "assistant"}
    turns = []
    for message in without_none(messages):
        role, content = message.get(card["chat_role_field"]), message.get(card["chat_content_field"])
        if not role or content is None and "tool_calls" not in message:
            continue
        turn = {"role": roles.get(role, role), **({} if content is None else {"content": content})}
        known = (card["chat_role_field"], card["chat_content_field"])
        turn.update({key: value for key, value in message.items() if key not in known})
        for call in turn.get("tool_calls", ()):
            if isinstance(call["function"]["arguments"], str):
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        turns.append(turn)
    if len(turns) < 2:
        return None
    if "system" in row and turns[0]["role"] != "system":
        turns.insert(0, {"role": "system", "content": row["system"]})
    return turns


def template_of(tokenizer, choice):
    named = {"chatml": CHATML, "llama3": "{% for m in messages %}{% set text = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set text = bos_token + text %}{% endif %}{{ text }}{% endfor %}"}
    prefix = "tokenizer_default_fallback_"
    if choice is None or choice == "tokenizer_default" or choice.startswith(prefix) and tokenizer.chat_template:
        return tokenizer.chat_template
    choice = choice.removeprefix(prefix)
    return named.get(choice, choice)


def chat_rows(tokenizer, card, rows, limit):
    template = template_of(tokenizer, card["chat_template"])
    for row in rows:
        turns = turns_of(card, row)
        if turns is None:
            continue
        try:
            yield chat_row(tokenizer, template, turns, row.get("tools"))
        except Exception as error:
            if "roles must alternate" not in str(error) and "System role" not in str(error):
                raise


def chat_row(tokenizer, template, turns, tools):
    def ids_of(some, **extra):
        return tokenizer.apply_chat_template(some, chat_template=template, tokenize=True, return_dict=False, **({"tools": tools} if tools else {}), **extra)

    whole = ids_of(turns)
    labels, eos = [-100] * len(whole), tokenizer.eos_token_id
    last = {"real_last_index": len(turns) - 1} if len(turns) > 1 else {}
    for index, turn in enumerate(turns):
        if turn["role"] != "assistant":
            continue
        real = ids_of(turns[: index + 1], **last)
        dummy = ids_of(turns[:index] + [{"role": "assistant", "content": "[[dummy_message]]"}], **last)
        start, end = bounds(dummy, real)
        if start != -1:
            labels[start:end] = whole[start:end]
        found = next((at for at in range(end, len(whole)) if whole[at] == eos), -1)
        if found != -1 and abs(found - end) <= 3:
            labels[found] = whole[found]
    return whole, labels


def bounds(dummy, real):
    shorter = min(len(dummy), len(real))
    start = next((at for at in range(shorter) if dummy[at] != real[at]), None)
    back = next((at for at in range(shorter) if dummy[-1 - at] != real[-1 - at]), None)
    if start is None or back is None or len(real) - back <= start:
        return -1, -1
    return start, len(real) - back


def scored(sequences, limit):
    """Too long, too short and nothing to learn are dropped; whether anything was too long decides about a second try."""
    kept, too_long = [], False
    for ids, labels in sequences:
        too_long |= len(ids) > limit
        if 2 <= len(ids) <= limit and any(label != -100 for label in labels):
            kept.append(sequence(ids, labels))
    return kept, too_long


def sequence(ids, labels):
    spans = []
    for at, label in enumerate(labels):
        if label != -100:
            assert label == ids[at]
            if spans and spans[-1][1] == at:
                spans[-1][1] = at + 1
            else:
                spans.append([at, at + 1])
    return {"ids": list(ids), "spans": spans}


def dpo_rows(tokenizer, card, rows, max_length):
    for row in rows:
        prompt, sides = row[card["field_prompt"]], {}
        if not (prompt and row[card["field_chosen"]] and row[card["field_rejected"]]):
            continue
        prompt_ids = tokenizer(text=prompt)["input_ids"]
        for side in ("chosen", "rejected"):
            text = row[card[f"field_{side}"]]
            text += "" if text.endswith(tokenizer.eos_token) else tokenizer.eos_token
            completion = tokenizer(text=prompt + text)["input_ids"][len(prompt_ids) :]
            ids = (prompt_ids + completion)[:max_length]
            sides[side] = sequence(ids, ([-100] * len(prompt_ids) + completion)[:max_length])
        if all(side["spans"] for side in sides.values()):
            yield sides


def grpo_rows(tokenizer, card, rows):
    for row in rows:
        columns = {key: value for key, value in row.items() if key != card["field_prompt"]}
        extra = card.get("extra_column")
        if extra in columns and "extra_data" not in columns:
            columns["extra_data"] = columns.pop(extra)
        if row[card["field_prompt"]]:
            yield {"text": row[card["field_prompt"]], "ids": tokenizer(row[card["field_prompt"]])["input_ids"], "columns": columns}


def expected(tokenizer, case, rows):
    card, kind = case["dataset_type"], case["task_type"]
    if kind == "DpoTask":
        limit = case["max_positions"] or 8192
        return list(dpo_rows(tokenizer, card, rows, limit)), limit
    if kind == "GrpoTask":
        return list(grpo_rows(tokenizer, card, rows)), None
    encode = instruct_rows if kind == "InstructTextTask" else chat_rows
    model_max_length = tokenizer.model_max_length
    for limit in limits(case["max_positions"], model_max_length if model_max_length < 1e12 else None):
        kept, too_long = scored(encode(tokenizer, card, rows, limit), limit)
        if kept or not too_long:
            break
    return [{"sequence": row} for row in kept], limit


# ---------------------------------------------------------------- generated data sets
def text(rng, n_words):
    words = rng.choices(WORDS, k=n_words)
    for _ in range(max(1, n_words // 8)):
        if rng.random() < 0.5:
            words.insert(rng.randrange(len(words) + 1), rng.choice(ODD))
    return " ".join(words)


INSTRUCT = {"system_prompt": "", "system_format": "{system}", "field_system": None, "field_instruction": "instruct", "field_input": None, "field_output": "output", "format": None, "no_input_format": None, "field": None}
CHAT = {"chat_template": "chatml", "chat_column": "conversations", "chat_role_field": "from", "chat_content_field": "value", "chat_user_reference": "user", "chat_assistant_reference": "assistant"}
DPO = {"field_prompt": "prompt", "field_system": None, "field_chosen": "chosen", "field_rejected": "rejected", "prompt_format": None, "chosen_format": None, "rejected_format": None}
REWARD = {"reward_id": None, "reward_func": "def f(completions, **kwargs):\n    return [float(len(c)) for c in completions]", "reward_weight": 1.0, "func_hash": None, "is_generic": True, "is_manual": None}
GRPO = {"field_prompt": "prompt", "reward_functions": [REWARD], "extra_column": None}


def instruct_data(rng, n, eos, bos):
    rows = []
    for index in range(n):
        row = {"instruct": text(rng, rng.randint(1, 30)), "output": text(rng, rng.randint(1, 30))}
        if index % 3:
            row["input"] = text(rng, rng.randint(1, 10)) if index % 2 else ""
        if index % 4 == 1:
            row["system"] = text(rng, 4) if index % 8 == 1 else ""
        rows.append(row)
    odd = [{"instruct": "", "output": "answer"}, {"instruct": "why", "output": ""}, {"instruct": "why", "output": " "}, {"instruct": "\n", "output": "\n"},
           {"instruct": "ends", "output": "answer" + eos}, {"instruct": "begins", "output": bos + "answer"}, {"instruct": "the special " + eos + " within", "output": "x"},
           {"instruct": "", "output": "the " * 200}, {"instruct": "a", "output": "the " * 200}, {"instruct": "the " * 200, "output": "a"}, {"instruct": "{instruction}", "input": "{input}", "output": "{}"}]
    return rows + odd


def conversation(rng, n_turns, system, thoughts, names):
    role, content, user, assistant = names
    messages = [{role: "system", content: text(rng, 5)}] if system else []
    for turn in range(n_turns):
        said = text(rng, rng.randint(1, 14))
        if turn % 2 and thoughts and rng.random() < 0.7:
            said = "<think>\n" + text(rng, 6) + "\n</think>\n\n" + said
        messages.append({role: assistant if turn % 2 else user, content: said})
    return messages


def chat_data(rng, n, names, system=True, thoughts=False, roles=True):
    role, content, user, assistant = names
    rows = [conversation(rng, rng.randint(2, 7), system and rng.random() < 0.4, thoughts, names) for _ in range(n)]
    rows.append([{role: user, content: "alone"}])
    rows.append([])
    rows.append([{role: user, content: "empty answer"}, {role: assistant, content: ""}])
    rows.append([{role: user, content: "x"}, {role: assistant, content: "x"}, {role: user, content: "x"}, {role: assistant, content: "x"}])
    rows.append([{role: user, content: "dummy"}, {role: assistant, content: "[[dummy_message]]"}])
    rows.append([{role: user, content: "dummy"}, {role: assistant, content: "[[dummy_message]] and more"}])
    rows.append([{role: user, content: "blanks"}, {role: assistant, content: "  answer \n"}])
    rows.append([{role: user, content: "null"}, {role: assistant, content: None}, {role: assistant, content: "kept", "name": None}])
    rows.append([{role: user, content: "no assistant"}, {role: user, content: "at all"}])
    rows.append(json.dumps([{role: user, content: "as a string"}, {role: assistant, content: "read back"}]))
    rows.append("a plain string")
    if roles:
        rows.append([{role: assistant, content: "first"}, {role: user, content: "second"}, {role: assistant, content: "third"}])
        rows.append([{role: user, content: "use a tool"}, {role: "tool", content: "42"}, {role: assistant, content: "it is 42"}])
        rows.append([{role: user, content: "twice"}, {role: assistant, content: "one"}, {role: assistant, content: "two"}])
    return rows


def dpo_data(rng, n, eos):
    rows = [{"prompt": text(rng, rng.randint(1, 25)), "chosen": text(rng, rng.randint(1, 15)), "rejected": text(rng, rng.randint(1, 15)), "system": "ignored"} for _ in range(n)]
    return rows + [{"prompt": "", "chosen": "a", "rejected": "b"}, {"prompt": "p", "chosen": "", "rejected": "b"}, {"prompt": "blank ", "chosen": " a", "rejected": "b" + eos},
                   {"prompt": "un", "chosen": "der the hand", "rejected": "\u0301 combining"}, {"prompt": "the " * 120, "chosen": "yes", "rejected": "no"}]


def cases(name, tokenizer, rng, sample):
    """Tuples of name, task type, card, rows and positions of the model."""
    n = 3 if sample else 40
    eos, bos = tokenizer.eos_token, tokenizer.bos_token or ""
    rows = instruct_data(rng, n, eos, bos)
    yield "instruct", "InstructTextTask", INSTRUCT, rows, 8192
    formats = {**INSTRUCT, "field_input": "input", "field_system": "system", "system_prompt": "You are {terse}.", "system_format": "<<{system}>>\n", "format": "Q: {instruction}\nC: {input} {{x}}\nA: ", "no_input_format": "Q: {instruction}\n{{A}}: "}
    yield "instruct-formats", "InstructTextTask", formats, rows, None
    yield "instruct-short-context", "InstructTextTask", {**INSTRUCT, "field_input": "input"}, rows, 100
    if sample:
        yield "chat-own", "ChatTask", {**CHAT, "chat_template": None}, [{"conversations": row} for row in chat_data(rng, 3, ("from", "value", "user", "assistant"), thoughts=True)], 8192
        yield "dpo", "DpoTask", DPO, dpo_data(rng, 3, eos), 64
        yield "grpo", "GrpoTask", {**GRPO, "extra_column": "meta"}, [{"prompt": text(rng, 4), "meta": "{\"a\": 1}", "level": 2}, {"prompt": ""}], None
        return
    yield "instruct-doubling", "InstructTextTask", INSTRUCT, [{"instruct": text(rng, 60), "output": text(rng, 30)} for _ in range(6)], 150
    yield "instruct-other-columns", "InstructTextTask", {**INSTRUCT, "field_instruction": "q", "field_output": "a", "system_prompt": None, "system_format": None}, [{"q": text(rng, 5), "a": text(rng, 5), "input": text(rng, 3)} for _ in range(8)], 8192
    yield "completion", "InstructTextTask", {**INSTRUCT, "field_output": None}, [*rows, {"instruct": "deal " * 400}], 64
    for choice in dict.fromkeys(["chatml", "llama3", "tokenizer_default_fallback_chatml", PHI, *([None, "tokenizer_default"] if tokenizer.chat_template else [])]):
        short = {None: "null", PHI: "inline"}.get(choice, choice)
        names = ("role", "content", "human", "gpt") if choice is None else ("from", "value", "user", "assistant")
        card = {**CHAT, "chat_template": choice, **dict(zip(("chat_role_field", "chat_content_field", "chat_user_reference", "chat_assistant_reference"), names))}
        data = [{"conversations": row} for row in chat_data(rng, n, names, thoughts=name in ("qwen3-like", "nano"))]
        data[1]["system"] = "from a column"
        if choice == "llama3" and tokenizer.bos_token is None:
            continue
        yield f"chat-{short}", "ChatTask", card, data, 8192
        yield f"chat-{short}-short-context", "ChatTask", card, data, 120
    if name == "llama3-like":
        yield "chat-tools", "ChatTask", {**CHAT, "chat_template": None, "chat_role_field": "role", "chat_content_field": "content"}, tool_data(rng), 8192
    yield "dpo", "DpoTask", DPO, dpo_data(rng, n, eos), None
    yield "dpo-cut", "DpoTask", {**DPO, "prompt_format": "ignored {prompt}", "field_system": "system"}, dpo_data(rng, n, eos), 40
    yield "grpo", "GrpoTask", {**GRPO, "extra_column": "meta"}, [{"prompt": text(rng, 9), "meta": json.dumps({"n": index}), "level": index} for index in range(n)] + [{"prompt": "", "meta": "x"}], None
    yield "grpo-extra", "GrpoTask", GRPO, [{"prompt": odd, "extra_data": "[1, 2]"} for odd in ODD], None


def tool_data(rng):
    tool = {"type": "function", "function": {"name": "deal", "parameters": json.dumps({"type": "object", "properties": {"n": {"type": "integer"}}})}}
    parsed = {"type": "function", "function": {"name": "deal", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}}}
    call = {"type": "function", "function": {"name": "deal", "arguments": '{"n": 2, "why": "é"}'}}
    messages = [{"role": "user", "content": "deal"}, {"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "content": "K Q"}, {"role": "assistant", "content": text(rng, 4)}]
    return [{"conversations": messages, "tools": [parsed]}, {"conversations": messages}, {"conversations": messages, "tools": [tool], "expect_tools": [parsed]}]


def write_folder(folder, name, sample):
    tokenizer, rng = AutoTokenizer.from_pretrained(folder), random.Random(f"rows of {name}")
    written, files = [], {}
    for index, (title, task_type, card, rows, max_positions) in enumerate(cases(name, tokenizer, rng, sample)):
        # The sample is small: cases of the same rows share a file.
        file = files.setdefault(id(rows) if sample else title, f"{index:02}-{title}.json")
        case = {"name": title, "task_type": task_type, "dataset_type": card, "file": file, "max_positions": max_positions}
        for_reference = [{**row, "tools": row["expect_tools"]} if "expect_tools" in row else row for row in json.loads(json.dumps(rows))]
        case["rows"], case["sequence_len"] = expected(tokenizer, case, for_reference)
        if int(file[:2]) % 2:
            data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            data = json.dumps(rows, indent=None if sample else 2)
        (folder / case["file"]).write_text(data)
        written.append(case)
    (folder / "rows.json").write_text(json.dumps({"cases": written}, ensure_ascii=False, separators=(",", ":")))
    print(f"{name}: {len(written)} cases, {sum(len(case['rows']) for case in written)} rows")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--models", type=pathlib.Path, help="folder of reference models, whose tokenizers are taken too")
    parser.add_argument("--sample", action="store_true")
    args = parser.parse_args()
    for name in ["qwen3-like"] if args.sample else MADE:
        write_tokenizer(args.out / name, name)
        write_folder(args.out / name, name, args.sample)
    if args.models and (args.models / "nano-qwen2").is_dir():
        folder = args.out / "nano"
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            shutil.copyfile(args.models / "nano-qwen2" / file, folder / file)
        write_folder(folder, "nano", False)


if __name__ == "__main__":
    main()
