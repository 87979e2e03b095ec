# fault: wrong-type
def reward(completions, **kwargs):
    return ["good" if "." in c else "bad" for c in completions]
