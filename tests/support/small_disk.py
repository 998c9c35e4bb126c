"""A disk of 12 MiB, and how it is filled."""

import contextlib
import subprocess

import pytest

SIZE = 12 << 20


@contextlib.contextmanager
def mounted(directory):
    """Where it cannot be mounted, there is no such test."""
    directory.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", directory], capture_output=True,
                           text=True, check=False)
    if mount.returncode:
        pytest.skip(f"no disk can be mounted: {mount.stderr.strip()}")
    try:
        yield directory
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def fill(disk, leaving=0):
    """To the last byte but so many."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        with contextlib.suppress(OSError):
            while filler.write(b"\0" * 4096):
                pass
        filler.truncate(filler.tell() - leaving)


def make_room(disk):
    (disk / "filler").unlink()
