#!/usr/bin/python3
"""Which branches of the orchestration the unit tests have run: what ./run coverage prints.

    coverage.py [BUILD]     build/coverage unless told otherwise, where the unit tests were built with --coverage and run

Branches into the handling of an exception are the compiler's, not ours: they are left out. So are those of the
destructors at the end of a scope, on lines with nothing but a brace, half of which only an exception reaches.
"""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

FILES = (
    "src/redis-wrapper/wrapper.cpp",
    "src/redis-wrapper/settling.cpp",
    "src/redis-wrapper/serving.cpp",
    "src/redis-wrapper/membership.cpp",
    "src/redis-wrapper/promotable_keeper.cpp",
    "src/redis-wrapper/master_follower.cpp",
    "src/redis-wrapper/readiness.cpp",
    "src/redis-wrapper/server_stop.cpp",
    "src/redis-wrapper/write_fence.cpp",
    "src/redis-wrapper/fence.cpp",
    "src/common/daemon/wrapper_loop.cpp",
    "src/common/daemon/server_runner.cpp",
    "src/sentinel-wrapper/group_keeper.cpp",
    "src/sentinel-wrapper/group_orders.cpp",
    "src/sentinel-wrapper/group_reader.cpp",
    "src/sentinel-wrapper/newcomers.cpp",
    "src/sentinel-wrapper/registration.cpp",
    "src/sentinel-wrapper/settings_keeper.cpp",
    "src/watcher/cleaner.cpp",
    "src/watcher/watcher.cpp",
    "src/watcher/housekeeping.cpp",
    "src/watcher/registry_reader.cpp",
    "src/watcher/sentinel_follower.cpp",
    "src/watcher/record_keeper.cpp",
    "src/watcher/event_log_keeper.cpp",
    "src/watcher/publisher.cpp",
    "src/common/failover/handover.cpp",
    "src/common/failover/order.cpp",
    "src/common/failover/call_off.cpp",
    "src/common/failover/settings_guard.cpp",
)


def branches(build, source):
    """(run, all) of one source file; (0, None) when it was not compiled, or none of it was run."""
    notes = [path for path in build.rglob("*.gcno") if path.name == f"{pathlib.Path(source).name}.gcno"
             and f"{pathlib.Path(source).parent.name}" in str(path)]
    data = [path.with_suffix(".gcda") for path in notes if path.with_suffix(".gcda").exists()]
    if not data:
        return 0, None
    told = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", data[0]],
                          cwd=build, check=True, capture_output=True, text=True).stdout
    text = (ROOT / source).read_text().splitlines()
    taken = {}
    for line in told.splitlines():
        for file in json.loads(line)["files"]:
            if (build / file["file"]).resolve() != ROOT / source:
                continue
            for number, entry in enumerate(file["lines"]):
                if text[entry["line_number"] - 1].strip() in ("}", "};"):
                    continue
                for index, branch in enumerate(entry["branches"]):
                    # What throws is no branch that a test could ask for.
                    if not branch["throw"]:
                        taken[number, index] = branch["count"] > 0
    return sum(taken.values()), len(taken)


def main(argv):
    build = pathlib.Path(argv[1] if len(argv) > 1 else ROOT / "build/coverage").resolve()
    if not any(build.rglob("*.gcda")):
        sys.exit(f"{build}: no test was run there")
    print(f"{'branches run by unit tests':44} {'run':>6} {'of':>6} {'%':>6}")
    run_of_all, number_of_all = 0, 0
    for source in FILES:
        run, number = branches(build, source)
        print(f"{source:44} {run:6} {number or '-':>6} {100 * run / number if number else 0:6.1f}")
        run_of_all, number_of_all = run_of_all + run, number_of_all + (number or 0)
    print(f"{'together':44} {run_of_all:6} {number_of_all:6} {100 * run_of_all / max(number_of_all, 1):6.1f}")


if __name__ == "__main__":
    main(sys.argv)
