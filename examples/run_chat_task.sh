#!/usr/bin/env bash
# A ChatTask: conversations, of which the assistant's turns are learnt.
#
#   examples/run_chat_task.sh [--smoke]
TASK_TYPE=ChatTask
DATASET_TYPE='{"chat_template":"chatml","chat_column":"conversations","chat_role_field":"from","chat_content_field":"value","chat_user_reference":"user","chat_assistant_reference":"assistant"}'
ROWS='
for _ in range(1500):
    three = draw()
    turns = [("user", "Sort: " + " ".join(three)), ("assistant", " ".join(sorted(three)))]
    turns += [("user", "Backwards."), ("assistant", " ".join(sorted(three, reverse=True)))]
    rows.append({"conversations": [{"from": role, "value": text} for role, text in turns]})
'
. "$(dirname "$0")/text_task.sh"
