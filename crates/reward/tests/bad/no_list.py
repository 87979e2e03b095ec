# fault: wrong-type
def reward(completions, **kwargs):
    return sum(len(c) for c in completions) / len(completions)
