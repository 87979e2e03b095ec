"""Few words said twice: the stock unique_word_ratio. One word alone has the best ratio, so give it company."""


def reward_unique_word_ratio(completions, **kwargs):
    rewards = []
    for completion in completions:
        words = completion.lower().split()
        rewards.append(len(set(words)) / len(words) if words else 0.0)
    return rewards
