#!/usr/bin/python3
"""The header rule: what is slow to compile is included by a few .cpp files and by no header of the project.

    header_rule.py [BUILD]     build/release unless told otherwise; it must be built, with Ninja

Which file was compiled with which headers is taken from the compiler's own dependency output, as Ninja keeps it. Ends
with 1 and one line for each violation.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Where the headers are, how they are included, and who may include them.
HEAVY = {
    "spdlog": ("/spdlog/", r"spdlog/", {
        "src/common/base/log.cpp", "src/common/base/spdlog.cpp",
        "tests/support/log_fixture.cpp", "tests/unit/log_test.cpp"}),
    "nlohmann-json": ("/nlohmann/", r"nlohmann/", {
        "src/common/base/json.cpp",
        "tests/unit/answers_test.cpp", "tests/unit/cli_test.cpp", "tests/unit/condition_test.cpp",
        "tests/unit/log_test.cpp"}),
    "cpp-httplib": ("/httplib.h", r"httplib\.h", {
        "src/watcher/behaviors/webhook.cpp", "src/watcher/web/client.cpp", "src/watcher/web/http_codec.cpp"}),
    "CLI11": ("/CLI/", r"CLI/", {"src/common/options/command_line.cpp"}),
    "prometheus-cpp": ("/prometheus/", r"prometheus/", {"src/watcher/web/metrics.cpp"}),
}


def compiled(build):
    """The sources of the project, each with all files that the compiler read for it or for its group."""
    told = subprocess.run(["ninja", "-C", build, "-t", "deps"], check=True, capture_output=True, text=True).stdout
    sources = {}
    for block in told.split("\n\n"):
        lines = block.strip().splitlines()
        # What an earlier build left, and nothing builds any more, is (STALE).
        if len(lines) < 2 or "(STALE)" in lines[0]:
            continue
        files = [(build / line.strip()).resolve() for line in lines[1:]]
        # A group of them is compiled as one, by a file in the build directory that includes them; what a precompiled
        # header includes stands with that alone.
        for source in files:
            if (source.suffix == ".cpp" and source.is_relative_to(ROOT) and not source.is_relative_to(build)
                    or source == files[0] and source.name.startswith("cmake_pch")):
                sources[str(source.relative_to(ROOT))] = [str(file) for file in files]
    return sources


def violations(sources):
    for name, (mark, include, allowed) in HEAVY.items():
        for source, files in sorted(sources.items()):
            # Only what the system brings: a folder of ours may have the same name.
            taken = [file for file in files if mark in file and not file.startswith(f"{ROOT}/")]
            if taken and source not in allowed:
                by = [file for file in files if file.startswith(f"{ROOT}/") and includes(file, include)]
                yield f"{source}: compiled with {name}, which it may not be; it comes from {by[0] if by else taken[0]}"
            if not taken and source in allowed:
                yield f"{source}: no longer compiled with {name}: take it off the list in {pathlib.Path(__file__).name}"
        for missing in sorted(allowed - sources.keys()):
            yield f"{missing}: may be compiled with {name}, but was not compiled: build everything, or take it off the list"
        for header in sorted(path for folder in ("src", "tests") for path in (ROOT / folder).rglob("*.h")):
            if includes(header, include):
                yield f"{header.relative_to(ROOT)}: a header that includes {name}"


def includes(file, include):
    text = pathlib.Path(file).read_text(encoding="utf-8", errors="replace")
    return re.search(rf'^\s*#\s*include\s*[<"]{include}', text, re.MULTILINE) is not None


def main(argv):
    build = pathlib.Path(argv[1] if len(argv) > 1 else ROOT / "build/release").resolve()
    sources = compiled(build)
    if not sources:
        sys.exit(f"{build}: no dependencies are known; build it first")
    found = list(violations(sources))
    for line in found:
        print(line)
    print(f"{len(sources)} files compiled, {len(found)} violations of the header rule")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main(sys.argv)
