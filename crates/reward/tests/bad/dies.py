# fault: dies
import os


def reward(completions, **kwargs):
    os._exit(9)
