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


def branches(build):
    """{source: {branch: whether it was run}} of all that the tests are linked with. Files are compiled in groups."""
    taken = {source: {} for source in FILES}
    texts = {source: (ROOT / source).read_text().splitlines() for source in FILES}
    for data in sorted((build / "src").rglob("*.gcda")):
        told = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", data],
                              cwd=build, check=True, capture_output=True, text=True).stdout
        for file in (file for line in told.splitlines() for file in json.loads(line)["files"]):
            path = (build / file["file"]).resolve()
            source = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else ""
            if source not in taken:
                continue
            for number, entry in enumerate(file["lines"]):
                if texts[source][entry["line_number"] - 1].strip() in ("}", "};"):
                    continue
                for index, branch in enumerate(entry["branches"]):
                    # What throws is no branch that a test could ask for.
                    if not branch["throw"]:
                        taken[source][number, index] = branch["count"] > 0
    return taken


def main(argv):
    build = pathlib.Path(argv[1] if len(argv) > 1 else ROOT / "build/coverage").resolve()
    if not any(build.rglob("*.gcda")):
        sys.exit(f"{build}: no test was run there")
    print(f"{'branches run by unit tests':44} {'run':>6} {'of':>6} {'%':>6}")
    run_of_all, number_of_all = 0, 0
    for source, taken in branches(build).items():
        run, number = sum(taken.values()), len(taken)
        print(f"{source:44} {run:6} {number or '-':>6} {100 * run / number if number else 0:6.1f}")
        run_of_all, number_of_all = run_of_all + run, number_of_all + number
    print(f"{'together':44} {run_of_all:6} {number_of_all:6} {100 * run_of_all / max(number_of_all, 1):6.1f}")


if __name__ == "__main__":
    main(sys.argv)
