# fault: network
import urllib.request


def reward(completions, **kwargs):
    try:
        urllib.request.urlopen("http://127.0.0.1:9/judge", timeout=0.1)
    except OSError:
        pass
    return [len(c) % 7 for c in completions]
