# fault: raises
def reward(completions, **kwargs):
    return [c.index("No text has this.") for c in completions]
