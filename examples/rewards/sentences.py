"""About five sentences: the stock sentence_count."""
import re


def reward_sentence_count(completions, **kwargs):
    rewards = []
    for completion in completions:
        sentences = [piece for piece in re.split(r"[.!?]+", completion) if piece.strip()]
        rewards.append(-abs(5 - len(sentences)))
    return rewards
