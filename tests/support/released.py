"""The daemons of the last release, to test upgrades with.

    released.py        builds them below build/released/, unless they are there

REDIS_ZK_RELEASED names a folder with the three of them instead. Before the first tag of a release, the last release is
what stood before the version of CMakeLists.txt was raised.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ROOT / "build/released"
DAEMONS = ("redis-wrapper", "sentinel-wrapper", "watcher")


def binaries():
    """The folder with them; None: they are not there."""
    folder = pathlib.Path(os.environ.get("REDIS_ZK_RELEASED", SOURCES / "build/release/bin"))
    return folder if all((folder / daemon).exists() for daemon in DAEMONS) else None


def git(*words):
    return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=True).stdout.strip()


def last_release():
    """The commit."""
    version = re.search(r"project\(redis-zk VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    tags = [tag for tag in git("tag", "--merged", "HEAD", "--sort=-version:refname", "v*").splitlines()
            if tag != f"v{version}"]
    if tags:
        return tags[0]
    raised = git("log", "--format=%H", f"-SVERSION {version} ", "--", "CMakeLists.txt").splitlines()
    return f"{raised[-1]}^"


def build():
    commit = git("rev-parse", last_release())
    noted = SOURCES / "commit"
    if binaries() and noted.exists() and noted.read_text() == commit:
        return
    shutil.rmtree(SOURCES, ignore_errors=True)
    SOURCES.mkdir(parents=True)
    with subprocess.Popen(["git", "-C", ROOT, "archive", commit], stdout=subprocess.PIPE) as archive:
        with tarfile.open(fileobj=archive.stdout, mode="r|") as files:
            files.extractall(SOURCES)
    for words in (["--preset", "release", "-DREDIS_ZK_TESTS=OFF"],
                  ["--build", "--preset", "release", "--parallel", os.cpu_count(), "--target", *DAEMONS]):
        subprocess.run(["cmake", *map(str, words)], cwd=SOURCES, check=True)
    noted.write_text(commit)


if __name__ == "__main__":
    if not os.environ.get("REDIS_ZK_RELEASED"):
        build()
    if binaries() is None:
        sys.exit("released: the daemons of the last release are missing")
    print(binaries())
