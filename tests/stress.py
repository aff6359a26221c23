"""Runs the tests several times, each in another order, beside as many busy processes as there are cores.

    make stress TIMES=5                      # all tests
    make stress TIMES=20 ARGS="-m forced"    # those that force races, kills and signals

A test that leans on another, or on the clock, fails here sooner or later. Each run's line names its seed; `make test
ARGS="--randomly-seed=N"` repeats its order. Exit status 1 if any run failed.
"""

import os
import subprocess
import sys
import time


def main(times: int, arguments: list[str]) -> int:
    """Run them `times` times; what pytest prints is shown for the runs that fail."""
    chosen = find_tests(arguments) if arguments else []
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    failed = 0
    try:
        for run in range(1, times + 1):
            since = time.monotonic()
            command = [sys.executable, "-m", "pytest", "-q", f"--randomly-seed={run}", *arguments, *chosen]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            failed += done.returncode != 0
            if done.returncode:
                print(done.stdout)
            last = (done.stdout.splitlines() or [""])[-1].strip("= ")
            print(f"run {run} of {times}, seed {run}, {time.monotonic() - since:.0f} s: {last}", flush=True)
    finally:
        for process in busy:
            process.kill()
    print(f"{times - failed} of {times} runs were green")
    return int(failed > 0)


def find_tests(arguments: list[str]) -> list[str]:
    """The tests chosen by the arguments: looking for them in all files takes longer than some choices run."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", *arguments]
    listed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.splitlines()
    return [line for line in listed if "::" in line]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
