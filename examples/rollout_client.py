#!/usr/bin/env python3
"""Pulls groups of episodes from `croupier rollout serve` into a JSONL file.

    croupier rollout serve --port 8300 &
    python3 examples/rollout_client.py http://127.0.0.1:8300 groups.jsonl --groups 100 --envs leduc_poker

Killed at any moment and started again, it goes on where its file ends: no group is lost, none is written twice. The
first line of the file names the job, every other one is {"cursor": n, "group": [trajectory, ...]}.
"""
import argparse, http.client, json, sys, time, urllib.error, urllib.request


def call(url, method="GET", body=None):
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=60)


def resume(path):
    """The job and the last cursor of a file. A line that a kill has cut off is removed."""
    job, cursor, end = None, 0, 0
    with open(path, "ab+") as file:
        file.seek(0)
        for line in filter(lambda line: line.endswith(b"\n"), file):
            record, end = json.loads(line), end + len(line)
            job, cursor = job or record, record.get("cursor", 0)
        file.truncate(end)
    return job, cursor


flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
for name, kind, default in [("groups", int, 100), ("group-size", int, 8), ("seed", int, 0), ("envs", str, "leduc_poker")]:
    flags.add_argument(f"--{name}", type=kind, default=default)
[flags.add_argument(name) for name in ("server", "file")]
args = flags.parse_args()
job, cursor = resume(args.file)
with open(args.file, "ab") as file:
    if job is None:
        body = {"envs": args.envs.split(","), "groups": args.groups, "group_size": args.group_size, "seed": args.seed}
        job = {"job": json.load(call(f"{args.server}/v1/jobs", "POST", body))["id"], "groups": args.groups}
        file.write(json.dumps(job).encode() + b"\n"), file.flush()
    url = f"{args.server}/v1/jobs/{job['job']}"
    while cursor < job["groups"]:
        try:
            with call(f"{url}/groups?after={cursor}") as lines:  # it ends with the job, or to be asked again
                for line in lines:
                    file.write(line), file.flush()
                    cursor = json.loads(line)["cursor"]
            status = json.load(call(url))
            if status["state"] != "running" and cursor >= status["ready"] and cursor < job["groups"]:
                sys.exit(f"the job is {status['state']} after {cursor} groups: {status.get('error', '')}")
        except urllib.error.HTTPError as error:
            sys.exit(f"{error}: {error.read().decode()}")
        except (OSError, http.client.HTTPException) as error:
            print(f"{error}; once more in a second", file=sys.stderr)
            time.sleep(1)
try:
    call(url, "DELETE")  # frees what the server keeps
except urllib.error.HTTPError:
    pass  # an earlier run has done so
print(f"{cursor} groups of job {job['job']} are in {args.file}")
