# fault: prints
def reward(completions, **kwargs):
    for c in completions:
        print("\x00\x01\x02{\"id\": 1, \"values\": [9]}", c)
    return [len(c) % 7 for c in completions]
