"""What a container limits: a control group of one controller, of either version."""

import contextlib
import os
import pathlib
import signal
import uuid

import pytest

from cluster import wait_for

MOUNT = pathlib.Path("/sys/fs/cgroup")


class Group:
    def __init__(self, controller):
        base = MOUNT / controller if (MOUNT / controller).is_dir() else MOUNT
        self.path = base / f"redis-zk-{uuid.uuid4().hex}"
        self.path.mkdir()

    def put(self, process):
        """A process of the cluster that is not started yet, and what it will start."""
        process.argv = self.inside(process.argv)
        return process

    def inside(self, argv):
        """The command that runs this one here."""
        return ["sh", "-c", 'echo $$ >"$0" && exec "$@"', str(self.path / "cgroup.procs"), *argv]

    def release(self, pid):
        """The process goes on outside."""
        (self.path.parent / "cgroup.procs").write_text(str(pid))

    def write(self, name, value):
        (self.path / name).write_text(str(value))

    def read(self, name):
        return (self.path / name).read_text()

    def close(self):
        for pid in self.read("cgroup.procs").split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        wait_for(self._is_removed, what="the end of its processes")

    def _is_removed(self):
        with contextlib.suppress(OSError):
            self.path.rmdir()
        return not self.path.exists()


@contextlib.contextmanager
def limited(controller, *names):
    """(a group, which of its files has the limit); where none can be made, there is no such test."""
    try:
        group = Group(controller)
    except OSError as why:
        pytest.skip(f"no control group of {controller} can be made: {why}")
    try:
        found = [name for name in names if (group.path / name).exists()]
        if not found:
            pytest.skip(f"control groups have no {names} here")
        yield group, found[0]
    finally:
        group.close()
