"""What 300 groups of three nodes cost ZooKeeper and a watcher, as a markdown table on stdout.

ZooKeeper and the watchers are real. The groups' servers, Sentinels and wrappers are simulated (simulated.py), because
900 real ones would keep the machine busy with themselves; what a group's wrappers write is measured with three real
ones. See ./run bench.
"""

import argparse
import contextlib
import json
import logging
import os
import pathlib
import re
import signal
import socket
import statistics
import sys
import time

import redis

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from background import Background
from bench import memory, number, progress
from cluster import LOOPBACK, Cluster, Process, Server, free_port, wait_for
from groups import processor_seconds
from simulated import SENTINELS, Fleet, stable_uuid
from writer import Writer

GROUPS = 300
SECONDS = 30
FAILED_OVER = 100
# Longer than a session, so that everything registers again.
OUTAGE = 25
PATIENCE = 180
DAY = 24 * 60 * 60


def let_pass(seconds):
    end = time.monotonic() + seconds
    wait_for(lambda: time.monotonic() >= end, seconds + 1, "the time that passes", every=0.2)


# --- ZooKeeper, as it counts


def say(zookeeper, word):
    with socket.create_connection((zookeeper.host, zookeeper.port), 5) as connection:
        connection.sendall(word)
        return connection.makefile("rb").read().decode()


def transactions(zookeeper):
    return int(re.search(r"Zxid: 0x([0-9a-f]+)", say(zookeeper, b"srvr"))[1], 16) & 0xFFFFFFFF


def log_bytes(zookeeper):
    """Of its transaction logs, whose ends are reserved and empty."""
    return sum(512 * log.stat().st_blocks for log in zookeeper.directory.glob("data/version-2/log.*"))


def requests_of(zookeeper, process):
    """How many packets ZooKeeper has had of a process."""
    sockets = set()
    for entry in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            sockets.add(os.readlink(entry))
    counted = 0
    connections = say(zookeeper, b"cons")
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        local, remote = (int(address.split(":")[1], 16) for address in words[1:3])
        if remote == zookeeper.port and f"socket:[{words[9]}]" in sockets:
            counted += int(re.search(rf":{local}\[.*?recved=(\d+)", connections)[1])
    return counted


# --- the fleet


def write_registry(kazoo, fleet):
    """What daemons have left in ZooKeeper: everything but what wrappers register."""
    made = [("/redis", ""), ("/redis/master", "")]
    made += [(f"/redis/{parent}", "") for parent in
             ("masters", "lineage", "history", "members", "datasets", "sentinels", "identities", "cleanup")]
    made.append(("/redis/masters/master1", ""))
    for group in fleet.groups.values():
        master = fleet.record(group.master)
        lineage = json.dumps({"epoch": group.epoch, "master": master, "reason": "a bench"})
        made += [(f"/redis/masters/{group.name}", master), (f"/redis/lineage/{group.name}", lineage),
                 (f"/redis/history/{group.name}", group.history), (f"/redis/members/{group.name}", ""),
                 (f"/redis/datasets/{group.name}", "")]
        made += [(f"/redis/datasets/{group.name}/{stable_uuid(host)}", fleet.report(host)) for host in group.hosts]
    for host in SENTINELS:
        identity = json.dumps({"endpoint": fleet.record(host), "epoch": 0, "version": "0.2.0"})
        made.append((f"/redis/identities/{stable_uuid(host)}", identity))
    for answer in [kazoo.create_async(path, data.encode()) for path, data in made]:
        answer.get(PATIENCE)


def start_fleet(cluster, count):
    """(the fleet as it is at first, a client that changes it)."""
    port = free_port()
    stock = Server("redis-server", ["redis-server", "--bind", LOOPBACK, "--port", port, "--save", ""],
                   cluster.directory / "stock", LOOPBACK, port)
    cluster.processes.append(stock.start())
    with redis.Redis(LOOPBACK, port) as client:
        wait_for(lambda: answers(client), what="redis-server")
        connection = client.connection_pool.get_connection("INFO")
        connection.send_command("INFO")
        info = connection.read_response().decode()
    stock.stop()
    replication = re.compile(r"# Replication.*?(?=# )", re.DOTALL)
    (stock.directory / "info").write_text(replication.sub("", info), newline="")
    port = free_port()
    fleet = Fleet(port, count, "")
    write_registry(cluster.kazoo, fleet)
    simulated = Process("simulated", [sys.executable, pathlib.Path(__file__).with_name("simulated.py"), port, count,
                                      cluster.zookeeper.port, stock.directory / "info"], cluster.directory / "simulated")
    cluster.processes.append(simulated.start())
    wait_for(lambda: len(cluster.listed("/redis/sentinels")) == len(SENTINELS)
             and all(len(cluster.listed(f"/redis/members/{group}")) == 3 for group in fleet.groups), PATIENCE,
             "the members' registrations", every=0.2)
    return fleet, redis.Redis(LOOPBACK, port)


def owners(cluster, fleet):
    """The sessions that the members' znodes belong to."""
    paths = [f"/redis/members/{group.name}/{stable_uuid(host)}" for host, group in fleet.group_of.items()]
    pending = [cluster.kazoo.exists_async(path) for path in paths]
    found = [answer.get(PATIENCE) for answer in pending]
    return {stat.ephemeralOwner for stat in found if stat}


def answers(client):
    try:
        return client.ping()
    except redis.ConnectionError:
        return False


# --- the watcher, as clients see it


def unwell(watcher):
    """(the names of those that are not well, how many groups there are) by /status; None: it is not current."""
    text = watcher.get("/status")
    if not text:
        return None
    status = json.loads(text)
    if not status["zookeeper"]["connected"]:
        return None
    return {group["name"] for group in status["groups"]
            if group["state"]["severity"] != "well" or len(group["replicas"]) != 2}, len(status["groups"])


def seconds_until_well(watcher, count, what):
    began = time.monotonic()
    wait_for(lambda: unwell(watcher) == (set(), count), PATIENCE, what, every=0.05)
    return time.monotonic() - began


class Probe(Background):
    """Times how long the watcher takes to answer, all the while."""

    every = 0.02
    PATHS = ("/sentinels", "/healthz", "/status")

    def __init__(self, watcher):
        super().__init__()
        self._watcher = watcher
        self.times = {path: [] for path in self.PATHS}
        self.failed = 0
        self._turn = 0

    def step(self):
        self._turn += 1
        # /status is a megabyte, and nobody asks for that so often.
        paths = self.PATHS if self._turn % 250 == 1 else self.PATHS[:2]
        for path in paths:
            began = time.monotonic()
            code = 0
            with contextlib.suppress(OSError):
                code = self._watcher.request(path)[0]
            self.times[path].append((time.monotonic() - began) * 1000)
            self.failed += code != 200

    def rows(self, when):
        rows = [(f"{path}, {when}: median, worst",
                 f"{number(statistics.median(times), 'ms')}, {number(max(times), 'ms')}")
                for path, times in self.times.items() if times]
        return rows + [(f"requests without a 200, {when}", str(self.failed))]


def measure_for(cluster, watcher, seconds, when):
    """Rows of what a watcher and ZooKeeper do in so many seconds."""
    zookeeper = cluster.zookeeper
    before = (processor_seconds(watcher.pid), requests_of(zookeeper, watcher), transactions(zookeeper),
              log_bytes(zookeeper), processor_seconds(zookeeper.pid))
    began = time.monotonic()
    with Probe(watcher) as probe:
        let_pass(seconds)
    passed = time.monotonic() - began
    after = (processor_seconds(watcher.pid), requests_of(zookeeper, watcher), transactions(zookeeper),
             log_bytes(zookeeper), processor_seconds(zookeeper.pid))
    rates = [(new - old) / passed for old, new in zip(before, after)]
    return [(f"watcher, CPU, {when}", f"{100 * rates[0]:.1f} % of a core"),
            (f"watcher, RSS and its peak, {when}",
             f"{number(memory(watcher.pid, 'VmRSS'), 'MiB')}, {number(memory(watcher.pid, 'VmHWM'), 'MiB')}"),
            (f"the watcher's requests to ZooKeeper, {when}", f"{rates[1]:.0f} a second"),
            (f"ZooKeeper's transactions, {when}", f"{rates[2]:.1f} a second"),
            (f"ZooKeeper's log, {when}", f"{rates[3] * DAY / 1e6:.0f} MB a day"),
            (f"ZooKeeper, CPU, {when}", f"{100 * rates[4]:.1f} % of a core"), *probe.rows(when)]


# --- what is measured


def measure_one_group():
    """A real one: three redis-wrappers, three Sentinels, a watcher."""
    rows = []
    with Cluster(LOG_LEVEL="info") as cluster:
        nodes, sentinels, (watcher,) = cluster.bring_up()
        cluster.close_kazoo()
        for when in ("nobody writes", "100 writes a second"):
            with Writer(watcher.sentinels) if when[0] == "1" else contextlib.nullcontext():
                # The first reports of all make their znodes.
                let_pass(SECONDS)
                before = transactions(cluster.zookeeper)
                asked = {each: requests_of(cluster.zookeeper, each) for each in (*nodes, *sentinels)}
                let_pass(2 * SECONDS)
                count = transactions(cluster.zookeeper) - before
                asked = {each: requests_of(cluster.zookeeper, each) - earlier for each, earlier in asked.items()}
            rows += [(f"a real group, {when}: transactions", f"{count} in {2 * SECONDS} s"),
                     (f"a real group, {when}: requests of a redis-wrapper, of a sentinel-wrapper",
                      f"{max(asked[each] for each in nodes) / 2 / SECONDS:.1f}, "
                      f"{max(asked[each] for each in sentinels) / 2 / SECONDS:.1f} a second")]
    return rows


def measure_start(cluster, count):
    watcher = cluster.watcher()
    other = cluster.watcher()
    took = seconds_until_well(watcher, count, "a complete /status")
    seconds_until_well(other, count, "a complete /status")
    return watcher, [("watcher, exec to a complete /status", number(took, "s"))]


def measure_sentinel(cluster, fleet, watcher):
    """One that is real, beside the simulated ones."""
    began = time.monotonic()
    sentinel = cluster.sentinel(MASTER_NAME=next(iter(fleet.groups)))
    sentinel.await_serving(PATIENCE)
    took = time.monotonic() - began
    let_pass(SECONDS / 3)
    asked, spent = requests_of(cluster.zookeeper, sentinel), processor_seconds(sentinel.pid)
    let_pass(SECONDS)
    asked, spent = requests_of(cluster.zookeeper, sentinel) - asked, processor_seconds(sentinel.pid) - spent
    rows = [("sentinel-wrapper, exec to serving, which monitors all", number(took, "s")),
            ("sentinel-wrapper, CPU, quiet", f"{100 * spent / SECONDS:.1f} % of a core"),
            ("sentinel-wrapper, RSS, quiet", number(memory(sentinel.pid, "VmRSS"), "MiB")),
            ("its requests to ZooKeeper, quiet", f"{asked / SECONDS:.0f} a second")]
    sentinel.stop()
    seconds_until_well(watcher, len(fleet.groups), "a complete /status")
    return rows


def measure_silence(cluster, watcher, control):
    """A machine of every group hangs: a third of the servers answer nothing."""
    def all_told():
        found = unwell(watcher)
        return found and len(found[0]) == GROUPS

    began = time.monotonic()
    control.execute_command("SILENCE", GROUPS)
    wait_for(all_told, PATIENCE, "warnings of all groups", every=0.05)
    rows = [("a server of each group hangs, to all 300 in /status", number(time.monotonic() - began, "s"))]
    ages = []

    class Ages(Background):
        every = 1

        def step(self):
            ages.append(json.loads(watcher.get("/status"))["observed_age_ms"])

    with Ages():
        rows += measure_for(cluster, watcher, SECONDS, "300 of 900 silent")
    rows.append(("age of what /status shows, 300 of 900 silent, at most", number(max(ages) / 1000, "s")))
    control.execute_command("SILENCE", 0)
    seconds_until_well(watcher, GROUPS, "a complete /status")
    return rows


def measure_failovers(cluster, watcher, control):
    zookeeper = cluster.zookeeper
    before = requests_of(zookeeper, watcher)
    began = time.monotonic()
    control.execute_command("PROMOTE", FAILED_OVER)
    wait_for(lambda: all(cluster.record(f"/redis/masters/group-{group:03}").startswith("127.20.")
                         and cluster.record(f"/redis/masters/group-{group:03}").split()[0].endswith(".2")
                         for group in range(FAILED_OVER)), PATIENCE, "the records", every=0.05)
    took = time.monotonic() - began
    let_pass(3)
    asked = requests_of(zookeeper, watcher) - before
    return [(f"{FAILED_OVER} groups fail over at once, to all records", number(took, "s")),
            ("the watcher's requests to ZooKeeper for that, until 3 s later", str(asked))]


def measure_outage(cluster, fleet, watcher):
    before = owners(cluster, fleet)
    with Probe(watcher) as probe:
        cluster.zookeeper.kill()
        let_pass(OUTAGE)
        zookeeper = cluster.start_zookeeper()
        began = time.monotonic()
        spent = processor_seconds(watcher.pid)
        wait_for(lambda: unwell(watcher) == (set(), GROUPS), PATIENCE, "convergence", every=0.05)
        known = time.monotonic() - began
        wait_for(lambda: len(owners(cluster, fleet) - before) == len(fleet.group_of), PATIENCE, "the members", every=0.2)
        registered = time.monotonic() - began
        let_pass(SECONDS - min(registered, SECONDS))
        spent = processor_seconds(watcher.pid) - spent
    return [(f"ZooKeeper is back after {OUTAGE} s, to a complete /status", number(known, "s")),
            ("the same, to all 900 members registered anew", number(registered, "s")),
            ("watcher, CPU, the 30 s from then on", f"{100 * spent / SECONDS:.1f} % of a core"),
            ("the watcher's requests to ZooKeeper, in that time", str(requests_of(zookeeper, watcher))),
            ("watcher, RSS and its peak, in the end",
             f"{number(memory(watcher.pid, 'VmRSS'), 'MiB')}, {number(memory(watcher.pid, 'VmHWM'), 'MiB')}"),
            *probe.rows("with the outage")]


def measure_fleet():
    with Cluster(LOG_LEVEL="info", session_timeout=10) as cluster:
        cluster.start_zookeeper()
        fleet, control = start_fleet(cluster, GROUPS)
        watcher, rows = measure_start(cluster, GROUPS)
        parts = (lambda: measure_for(cluster, watcher, SECONDS, "quiet"),
                 lambda: measure_sentinel(cluster, fleet, watcher),
                 lambda: control.execute_command("BUSY", 1) and measure_for(cluster, watcher, SECONDS, "busy"),
                 lambda: measure_silence(cluster, watcher, control),
                 lambda: measure_failovers(cluster, watcher, control),
                 lambda: measure_outage(cluster, fleet, watcher))
        for part in progress(parts, "parts"):
            rows += part()
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=("group", "fleet"), help="the real group, or the simulated ones")
    arguments = parser.parse_args()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    load = os.getloadavg()[0]
    rows = [] if arguments.only == "fleet" else measure_one_group()
    rows += [] if arguments.only == "group" else measure_fleet()
    print(f"\n{os.cpu_count()} cores, load {load:.1f} at the start and {os.getloadavg()[0]:.1f} at the end; "
          f"{GROUPS} groups of three; each part over {SECONDS} s.")
    print("\n| what | measured |\n|---|---|")
    for what, measured in rows:
        print(f"| {what} | {measured} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
