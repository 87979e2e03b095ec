"""Thought and answer in tags: a stock regex_format. It sees the form, not the content."""
import re


def reward_regex_format(completions, **kwargs):
    pattern = r"^<think>[\s\S]+?</think>\s*<answer>[\s\S]+?</answer>"
    return [1.0 if re.search(pattern, completion) else 0.0 for completion in completions]
