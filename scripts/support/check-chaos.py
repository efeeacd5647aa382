"""Checks the output of `lockstep chaos --json`, on standard input, against limits for a series of runs.

usage: check-chaos.py gap MILLISECONDS | redone

gap       the 99th percentile of the runs' longest times between two steps is at most MILLISECONDS
redone    after no killed coordinator were more steps repeated than 1.5 times the steps that the run takes between two
          checkpoints; the factor allows for variations of the run's speed
"""

import json
import sys


def main():
    document = json.load(sys.stdin)
    result = document["result"]
    print(f"{document['equal']} of {len(result['runs'])} runs equal, {document['shards_reassigned']} with shards reassigned")
    if sys.argv[1] == "gap":
        name, found, limit = "99th percentile of the longest gap, ms", document["max_step_gap_ms"]["p99"], float(sys.argv[2])
    else:
        redone = [
            steps / run["checkpoint_interval_steps"] for run in result["runs"] for steps in run["redone_steps"]
        ]
        name, found, limit = "most steps redone, in checkpoint intervals", round(max(redone), 2), 1.5
    print(f"{name}: {found} (at most {limit})")
    sys.exit(found > limit)


main()
