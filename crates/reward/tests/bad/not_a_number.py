# fault: not-a-number
def reward(completions, **kwargs):
    return [float("nan") if "answer" in c else len(c) % 5 for c in completions]
