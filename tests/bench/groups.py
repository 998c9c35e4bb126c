"""What the number of groups costs, as a markdown table on stdout: 1, 10 and 100 on three Sentinels and one watcher.

The first group runs under redis-wrappers, a master and a replica. The others are a redis-server each, started directly
and recorded through kazoo: a hundred redis-wrappers would keep the machine busy with themselves. See ./run bench.
"""

import logging
import os
import pathlib
import signal
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from bench import await_accepting, memory, number, progress
from cluster import LOOPBACK, Cluster, Server, free_port, wait_for
from observe import FailoverObserver

COUNTS = (1, 10, 100)
SECONDS = 30
FAILOVERS = 5
# A hundred groups on a busy machine.
PATIENCE = 180


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_group(cluster, name):
    port = free_port()
    server = Server(name, ["redis-server", "--bind", LOOPBACK, "--port", port, "--save", "", "--appendonly", "no"],
                    cluster.directory / name, LOOPBACK, port)
    cluster.processes.append(server)
    return server.start()


def knows(sentinel, count):
    """Whether a Sentinel monitors so many groups and has met the others in each."""
    views = sentinel.ask("SENTINEL MASTERS")
    return len(views) == count and all(
        view["flags"] == "master" and view["num-other-sentinels"] == 2 for view in views.values())


def add_groups(cluster, sentinels, watcher, first, count):
    """Seconds from the first record until all Sentinels and the watcher know every group."""
    servers = [start_group(cluster, f"group{index}") for index in range(first, count)]
    for server in servers:
        await_accepting(server)
    began = time.monotonic()
    for server in servers:
        cluster.kazoo.create(f"/redis/masters/{server.name}", server.record.encode(), makepath=True)
    wait_for(lambda: all(knows(sentinel, count) for sentinel in sentinels), PATIENCE, f"{count} groups", every=0.1)
    wait_for(lambda: len(watcher.get("/masters").splitlines()) == count, PATIENCE, f"{count} masters over HTTP")
    return time.monotonic() - began


def measure_load(processes):
    """{what: (percent of a core, MiB)}, the highest of each kind, over a while in which nothing happens."""
    began = time.monotonic()
    before = {pid: processor_seconds(pid) for pids in processes.values() for pid in pids}
    wait_for(lambda: time.monotonic() - began >= SECONDS, SECONDS + 1, "the time that passes", every=0.2)
    passed = time.monotonic() - began
    return {what: (max(100 * (processor_seconds(pid) - before[pid]) / passed for pid in pids),
                   max(memory(pid, "VmRSS") for pid in pids))
            for what, pids in processes.items()}


def measure_record_lag(cluster, nodes, sentinels, watcher):
    """Milliseconds that the record lags behind the first +switch-master."""
    lags = []
    for _ in range(FAILOVERS):
        master = cluster.await_agreement(nodes, sentinels, [watcher], within=PATIENCE)
        with FailoverObserver(cluster, sentinels) as witness:
            killed = time.monotonic()
            master.kill_all()
            lags.append(witness.record_lag(killed, master) * 1000)
        master.start().await_serving()
    cluster.await_agreement(nodes, sentinels, [watcher], within=PATIENCE)
    return lags


def main():
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    columns = []
    load = os.getloadavg()[0]
    with Cluster(LOG_LEVEL="info") as cluster:
        nodes, sentinels, (watcher,) = cluster.bring_up(redis=2)
        known = 1
        for count in progress(COUNTS, "groups"):
            took = add_groups(cluster, sentinels, watcher, known, count) if count > known else None
            known = count
            loads = measure_load({"watcher": [watcher.pid],
                                  "sentinel-wrapper": [sentinel.pid for sentinel in sentinels],
                                  "redis-sentinel": [sentinel.child for sentinel in sentinels]})
            lags = measure_record_lag(cluster, nodes, sentinels, watcher)
            column = {}
            for what, (processor, mib) in loads.items():
                column[f"{what}, CPU, % of a core"] = f"{processor:.2f}"
                column[f"{what}, RSS"] = number(mib, "MiB")
            column["records written, to all Sentinels and the watcher knowing all"] = number(took, "s") if took else ""
            column["the record after the first +switch-master of `master1`"] = (
                f"{number(statistics.median(lags), 'ms')} (worst {number(max(lags), 'ms')})")
            columns.append(column)
    print(f"\n{os.cpu_count()} cores, load {load:.1f} at the start and {os.getloadavg()[0]:.1f} at the end; "
          f"the highest of three, over {SECONDS} s; of {FAILOVERS} failovers the median.")
    print("\n| what | " + " | ".join(f"{count} group{'s' * (count > 1)}" for count in COUNTS) + " |")
    print("|---|" + "---|" * len(COUNTS))
    for what in columns[0]:
        print(f"| {what} | " + " | ".join(column[what] for column in columns) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
