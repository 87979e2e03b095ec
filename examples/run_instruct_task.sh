#!/usr/bin/env bash
# An InstructTextTask: instruction and output, without anything in between.
#
#   examples/run_instruct_task.sh [--smoke]
TASK_TYPE=InstructTextTask
DATASET_TYPE='{"system_prompt":"","system_format":"{system}","field_system":null,"field_instruction":"instruct","field_input":null,"field_output":"output","format":null,"no_input_format":null,"field":null}'
ROWS='
for _ in range(1500):
    three = draw()
    rows.append({"instruct": "Sort: " + " ".join(three) + "\n", "output": " ".join(sorted(three))})
'
. "$(dirname "$0")/text_task.sh"
