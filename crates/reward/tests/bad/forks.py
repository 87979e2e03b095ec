# fault: forks
import os


def reward(completions, **kwargs):
    try:
        if os.fork() == 0:
            os._exit(0)
    except OSError:
        pass
    return [len(c) % 7 for c in completions]
