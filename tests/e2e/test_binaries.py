"""The daemons are built hardened, as cmake/hardening.cmake says: what the binaries themselves tell."""

import os
import pathlib
import re
import subprocess

import pytest

from cluster import ROOT

BIN = pathlib.Path(os.environ.get("REDIS_ZK_BIN", ROOT / "build/release/bin"))
DAEMONS = ("redis-wrapper", "sentinel-wrapper", "watcher")


def readelf(daemon, *flags):
    return subprocess.run(["readelf", "--wide", *flags, BIN / daemon], check=True, capture_output=True, text=True).stdout


@pytest.fixture(params=DAEMONS)
def daemon(request):
    symbols = readelf(request.param, "--dyn-syms")
    if "__asan_init" in symbols or "__tsan_init" in symbols:
        pytest.skip("built with sanitizers")
    return request.param


def test_position_independent_and_bound_before_it_starts(daemon):
    assert re.search(r"Type:\s+DYN \(Position-Independent Executable file\)", readelf(daemon, "--file-header"))
    dynamic = readelf(daemon, "--dynamic")
    assert "BIND_NOW" in dynamic or re.search(r"\(FLAGS_1\).*\bNOW\b", dynamic), "lazy binding: RELRO is partial"
    segments = readelf(daemon, "--segments")
    assert "GNU_RELRO" in segments
    stack = next(line for line in segments.splitlines() if "GNU_STACK" in line)
    assert " RWE " not in stack and " E " not in stack, "an executable stack"


def test_stack_memory_functions_and_containers_are_checked(daemon):
    symbols = readelf(daemon, "--dyn-syms")
    assert "__stack_chk_fail" in symbols, "no stack protector"
    fortified = set(re.findall(r"\b__\w+_chk\b", symbols)) - {"__stack_chk_fail"}
    assert fortified, "no _FORTIFY_SOURCE"
    assert "__glibcxx_assert_fail" in symbols, "no _GLIBCXX_ASSERTIONS"


def test_compiled_against_stack_clashes(daemon):
    """GCC writes its options down; clang does not."""
    producers = [line for line in readelf(daemon, "--debug-dump=info", "--dwarf-depth=1").splitlines()
                 if "DW_AT_producer" in line and "GNU C++" in line]
    if not producers:
        pytest.skip("built without debug information, or not by GCC")
    assert all("-fstack-clash-protection" in line for line in producers)


def test_jumps_and_returns_are_checked_by_the_processor(daemon):
    machine = re.search(r"Machine:\s+(.+)", readelf(daemon, "--file-header")).group(1)
    if "X86-64" not in machine:
        pytest.skip(machine)
    # The linker's note says so only where the C library's start files do too, and Debian's do not: the places to jump to.
    assert (BIN / daemon).read_bytes().count(b"\xf3\x0f\x1e\xfa") > 100, "no endbr64"
