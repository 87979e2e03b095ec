"""Near 120 words; nothing is gained beyond that. Same as the stock word_count, so it is computed without Python."""


def reward_word_count(completions, **kwargs):
    target = 120
    return [-abs(target - len(completion.split())) for completion in completions]
