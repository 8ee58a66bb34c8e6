"""What the peers' programs share: one line of JSON for each figure, as bench/run reads them."""
import json
import resource
import time
from importlib import metadata


def versions(*packages):
    print(json.dumps({"versions": {name: metadata.version(name) for name in packages}}), flush=True)


def report(way, value, unit, memory=False):
    line = {"way": way, "value": value, "unit": unit}
    if memory:
        line["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(line), flush=True)


def best_rate(rounds, calls_at_once, clock, work):
    """Most calls per second among rounds of at least a second; the first call does not count."""
    work()
    best = 0.0
    for _ in range(rounds):
        calls, start, passed = 0, clock(), 0.0
        while passed < 1:
            work()
            calls += calls_at_once
            passed = clock() - start
        best = max(best, calls / passed)
    return best


wall = time.perf_counter
processor = time.process_time
