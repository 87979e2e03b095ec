# fault: exits
import sys


def reward(completions, **kwargs):
    if any("42" in c for c in completions):
        sys.exit("found it")
    return [0.0 for c in completions]
