"""Applications with the clients of other languages, which are in tests/e2e/clients/.

    with Cluster() as cluster:
        nodes, sentinels, (watcher,) = cluster.bring_up()
        application = Application(cluster, watcher, prepare("redis_rb.rb", directory))
        application.start()
        application.await_more()

A program is given the watcher's URL, the group, the file of the certificate authority or "-", and the milliseconds
between two writes; the environment has REDIS_PASSWORD and SENTINEL_PASSWORD where there are passwords. It counts in
Redis, count:0 = 0, count:1 = 1 and so on, and prints the number of each write that was acknowledged. After an error it
drops its client, asks the watcher again and repeats the write.
"""

import fcntl
import os
import pathlib
import shlex
import shutil
import subprocess
import tempfile
import threading
import time

from cluster import GROUP, ROOT, Process, wait_for

PROGRAMS = ROOT / "tests/e2e/clients"
NODE = ROOT / "build/clients"
PYTHON = "/usr/bin/python3"


class Missing(Exception):
    """Why a program cannot run here."""


def _need(what, *argv):
    """Whether a language and its library are there."""
    try:
        subprocess.run(argv, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        raise Missing(f"{what} is not installed") from None


def _build(*argv, **env):
    subprocess.run(argv, env={**os.environ, **env}, check=True, capture_output=True, text=True)


def _go(program, directory):
    _build("go", "build", "-o", directory / program.stem, program, GO111MODULE="off", GOPATH="/usr/share/gocode",
           GOCACHE=str(directory / "cache"), GOFLAGS="-buildvcs=false")
    return [directory / program.stem]


def _cpp(program, directory):
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "hiredis", "cpp-httplib"], check=True,
                           capture_output=True, text=True).stdout
    _build("g++", "-std=c++20", "-o", directory / program.stem, program, *shlex.split(flags))
    return [directory / program.stem]


def _node(program, directory):
    """A copy of it beside its modules, which tests that run at the same time install once."""
    _need("npm", "npm", "--version")
    NODE.mkdir(parents=True, exist_ok=True)
    with open(NODE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (PROGRAMS / "package-lock.json").read_text()
        installed = NODE / "installed.json"
        if not installed.exists() or installed.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(PROGRAMS / name, NODE)
            done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1",
                                   "--fetch-timeout=30000"], cwd=NODE, capture_output=True, text=True, check=False)
            if done.returncode:
                raise Missing(f"npm ci failed: {done.stderr[:200]}")
            installed.write_text(wanted)
    (directory / "node_modules").symlink_to(NODE / "node_modules")
    return ["node", shutil.copy(program, directory)]


def _perl(program, _):
    _need("libredis-perl", "perl", "-MRedis", "-MIO::Socket::SSL", "-e", "1")
    return ["perl", program]


def _php(program, _):
    _need("php-predis", "php", "-r", "require 'Predis/autoload.php';")
    return ["php", program]


def _ruby(program, _):
    _need("ruby-redis", "ruby", "-e", "require 'redis'")
    return ["ruby", program]


COMMANDS = {".cpp": _cpp, ".go": _go, ".mjs": _node, ".php": _php, ".pl": _perl,
            ".py": lambda program, _: [PYTHON, program], ".rb": _ruby}


def prepare(program, directory):
    """The command that runs it; what has to be built is built in `directory`. Raises Missing."""
    path = PROGRAMS / program
    return COMMANDS[path.suffix](path, directory)


class Application(Process):
    """`pause`: milliseconds between two writes; `ca`: whom it trusts, by default whom the watcher does."""

    def __init__(self, cluster, watcher, command, pause=20, ca=None):
        env = {name: watcher.env[name] for name in ("REDIS_PASSWORD", "SENTINEL_PASSWORD") if name in watcher.env}
        super().__init__(pathlib.Path(command[-1]).name,
                         [*command, watcher.url, GROUP, ca or watcher.env.get("REDIS_TLS_CA_CERT_FILE", "-"), pause],
                         tempfile.mkdtemp(dir=cluster.directory), {**os.environ, **env})
        self.acknowledged = []  # when, on the monotonic clock, of write 0, 1, 2 and so on
        self._unexpected = ""
        cluster.processes.append(self)

    def start(self):
        """Its errors are its log."""
        with open(self.log_path, "ab") as log:
            self._popen = subprocess.Popen(self.argv, cwd=self.directory, env=self.env, stdin=subprocess.DEVNULL,
                                           stdout=subprocess.PIPE, stderr=log, start_new_session=True, text=True)
        threading.Thread(target=self._listen, args=[self._popen.stdout], daemon=True).start()
        return self

    def _listen(self, output):
        with output:
            for line in output:
                if line.strip() != str(len(self.acknowledged)):
                    self._unexpected = line
                    return
                self.acknowledged.append(time.monotonic())

    def await_more(self, count=25):
        """Waits until so many more writes are acknowledged."""
        enough = len(self.acknowledged) + count

        def written():
            assert self.running and not self._unexpected, f"{self.name}: {self._unexpected}\n{self.tail()}"
            return len(self.acknowledged) >= enough

        wait_for(written, what=f"{count} more writes of {self.name}")

    def longest_pause(self, since):
        """Seconds between two acknowledged writes."""
        times = [when for when in self.acknowledged if when >= since]
        return max(later - earlier for earlier, later in zip(times, times[1:]))

    def missing(self, node, begin=0):
        """The numbers of the acknowledged writes since `begin` that a Redis does not have."""
        numbers = range(begin, len(self.acknowledged))
        with node.client() as client:
            values = client.mget([f"count:{number}" for number in numbers])
        return [number for number, value in zip(numbers, values) if value != str(number)]
