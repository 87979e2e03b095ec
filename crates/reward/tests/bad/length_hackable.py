# fault: length-hackable
def reward(completions, **kwargs):
    return [len(c.split()) / 100 + ("because" in c.lower()) for c in completions]
