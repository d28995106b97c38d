"""Runs jobs in forks of one process that has everything loaded, so that killing many is cheap.

`python forking_jobs.py DRIVES`: for each line with an output folder on stdin it forks a job and
prints the child's id; at the next line, which may be empty, it waits for its end and prints how.
"""

import os
import sys
import tempfile

from job_trials import ALONE, CONFIG

from lidar_label.jobs.batch import run_job
from lidar_label.jobs.sources import expand_sources


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> None:
    sources = expand_sources([f"{sys.argv[1]}/*.h5"])
    with tempfile.TemporaryDirectory() as folder:
        run_job(sources[:1], folder, CONFIG, ALONE)  # loads, or compiles, all that a job needs
    say("ready")
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = 0 if run_job(sources, line.strip(), CONFIG, ALONE).complete else 3
            finally:
                os._exit(code)
        say(child)
        sys.stdin.readline()
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
