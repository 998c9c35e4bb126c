"""What the daemons cost and how fast they are, beside what they are compared with, as a markdown table on stdout.

References that run here run in turn with what they are compared with. "original" is the project in Python and Go that
this one succeeds; its figures were measured once, on two cores. Ends with 1 when a limit is not kept. See ./run bench.
"""

import argparse
import dataclasses
import logging
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import types

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from cluster import (GROUP, LOOPBACK, ROOT, Cluster, RedisWrapper, SentinelWrapper, Server, alive, free_port,
                     wait_for, write_until_ok)
from observe import FailoverObserver
from writer import Writer

MIB = 1024.0
DOWN_AFTER_MS = 1000


# --- progress, on stderr

BEGINNING = time.monotonic()


def progress(items, what):
    """Yields the items and tells how far it is."""
    live = sys.stderr.isatty()
    for number, item in enumerate(items, 1):
        if live:
            print(f"\r\033[K  ..  {what}, {number} of {len(items)}", end="", file=sys.stderr, flush=True)
        yield item
    print("\r\033[K" if live else "", f" ok  {what}, {time.monotonic() - BEGINNING:.0f} s", sep="", file=sys.stderr)


# --- the table


@dataclasses.dataclass
class Row:
    what: str
    measured: str
    limit: str
    reference: str
    ratio: str
    kept: bool


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, value, unit, reference=None, limit=None, at_least=False, note="", ratio=None):
        """`reference` is (name, value); `limit` and `ratio`, the most that the value may be of the reference's, decide
        whether a row is good."""
        name, base = reference or ("", None)
        if ratio is not None:
            limit = ratio * base
        kept = limit is None or (value >= limit if at_least else value <= limit)
        self.rows.append(Row(
            what=what,
            measured=f"{number(value, unit)}{note}" + ("" if kept else " **(missed)**"),
            limit="" if limit is None else f"{'≥' if at_least else '≤'} {number(limit, unit)}",
            reference=f"{name}: {number(base, unit)}" if base else name,
            ratio=f"{value / base:.2f}" if base and value >= 0 else "",
            kept=kept))

    def __str__(self):
        lines = ["| what | measured | limit | reference | ratio |", "|---|---|---|---|---|"]
        lines += [f"| {row.what} | {row.measured} | {row.limit} | {row.reference} | {row.ratio} |" for row in self.rows]
        return "\n".join(lines)

    @property
    def kept(self):
        return all(row.kept for row in self.rows)


def number(value, unit):
    digits = {"ms": 1, "s": 2, "MiB": 1, "req/s": 0}[unit]
    return f"{value:,.{digits}f} {unit}".replace(",", " ")


def median_and_worst(values, unit):
    return statistics.median(values), f" (worst {number(max(values), unit)})"


# --- bare servers, to compare with; they are asked the same things as the wrapped ones


def accepts(server):
    try:
        socket.create_connection((server.host, server.port), timeout=1).close()
        return True
    except OSError:
        return False


def await_accepting(server):
    wait_for(lambda: accepts(server), what=f"{server.name} accepting connections")


def bare_redis(cluster, name):
    port = free_port()
    argv = ["redis-server", "redis.conf", "--bind", LOOPBACK, "--port", port]
    server = RedisWrapper(name, argv, cluster.directory / name, LOOPBACK, port, dict(os.environ))
    # A copy, because Sentinel makes the server rewrite its file.
    shutil.copy(ROOT / "conf/redis.conf", server.directory)
    cluster.processes.append(server)
    return server


def start_bare_replica(server, master):
    server.argv = [*server.argv[:6], "--replicaof", f"{master.host} {master.port}"]
    return server.start()


def bare_sentinel(cluster, name, master):
    port = free_port()
    server = SentinelWrapper(name, ["redis-sentinel", "sentinel.conf"], cluster.directory / name, LOOPBACK, port,
                             dict(os.environ))
    (server.directory / "sentinel.conf").write_text(
        f"bind {LOOPBACK}\nport {port}\nsentinel monitor {GROUP} {master.host} {master.port} 2\n"
        + (ROOT / "conf/sentinel.conf").read_text()
        + f"\nsentinel down-after-milliseconds {GROUP} {DOWN_AFTER_MS}\n")
    cluster.processes.append(server)
    return server


# --- start


def answers_ping(server):
    try:
        with socket.create_connection((server.host, server.port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def time_to_ping(server, start):
    """Milliseconds from exec to the first PONG."""
    started = time.monotonic()
    start()
    wait_for(lambda: answers_ping(server), what=f"{server.name} answering", every=0.0005)
    return (time.monotonic() - started) * 1000


def measure_start(table, runs):
    bare, wrapped = [], []
    with Cluster(LOG_LEVEL="info") as cluster:
        cluster.start_zookeeper()
        master = cluster.redis()
        master.await_serving()
        for run in progress(range(runs), "start of a replica, bare and wrapped"):
            server = bare_redis(cluster, f"bare-{run}")
            bare.append(time_to_ping(server, lambda: start_bare_replica(server, master)))
            # Asked to stop during its first synchronisation, Redis would refuse: "Writing initial AOF, can't exit."
            server.kill()
            wrapper = cluster.redis(start=False)
            wrapped.append(time_to_ping(wrapper, wrapper.start))
            wrapper.kill_all()
    bare_median, wrapped_median = statistics.median(bare), statistics.median(wrapped)
    table.add("replica, exec to PING", wrapped_median, "ms", ("bare redis-server, in turn", bare_median))
    table.add("overhead of that", wrapped_median - bare_median, "ms", ("original", 112), limit=30)


def measure_race(table, rounds, count=20):
    """All at one instant, on an empty ZooKeeper: nobody gets an answer from it until all of them have asked."""
    masters, linked, times = [], [], []
    with Cluster(ZK_SESSION_TIMEOUT="10s") as cluster:
        cluster.start_zookeeper()
        for round_number in progress(range(rounds), f"{count} redis-wrappers at one instant"):
            cluster.zookeeper.signal(signal.SIGSTOP)
            nodes = [cluster.redis(ZK_ROOT=f"/round-{round_number}") for _ in range(count)]
            for node in nodes:
                node.wait_log("initiated connection to server")
            started = time.monotonic()
            cluster.zookeeper.signal(signal.SIGCONT)
            said = [node.await_serving() for node in nodes]
            master = next(node for node in nodes if node.role == "master")
            wait_for(lambda: master.info().get("connected_slaves") == count - 1, what="linked replicas", every=0.05)
            times.append(time.monotonic() - started)
            masters.append(sum("serving as master" in line for line in said))
            wait_for(lambda: all(node is master or node.follows(master) for node in nodes), what="links", every=0.05)
            linked.append(master.info()["connected_slaves"])
            for node in nodes:
                node.kill_all()
    only_one = set(masters) == {1} and set(linked) == {count - 1}
    table.rows.append(Row(f"{count} redis-wrappers at one instant, {rounds} rounds: masters, linked replicas",
                          f"{min(masters)} to {max(masters)}, {min(linked)} to {max(linked)}", f"1, {count - 1}",
                          "original: 1 to 8 masters", "", only_one))
    value, worst = median_and_worst(times, "s")
    table.add("from there to all linked", value, "s", note=worst)


# --- a kazoo client in the lock's queue


def measure_lock(table, rounds):
    """Each waits for the other: how long a lock that was released takes to its next owner."""
    behind_kazoo = []
    with Cluster(LOG_LEVEL="info") as cluster:
        cluster.start_zookeeper()
        for round_number in progress(range(rounds), "a kazoo client holds the lock"):
            root = f"/round-{round_number}"
            lock = cluster.kazoo.Lock(f"{root}/master", "somebody else")
            lock.acquire()
            node = cluster.redis(ZK_ROOT=root)
            wait_for(lambda: len(lock.contenders()) == 2, what="its place in the queue")
            if node.child:
                raise RuntimeError("redis-wrapper did not wait for the lock that a kazoo client holds")
            released = time.monotonic()
            lock.release()
            wait_for(lambda: answers_ping(node), what="its server", every=0.001)
            behind_kazoo.append((time.monotonic() - released) * 1000)
            node.kill_all()
    value, worst = median_and_worst(behind_kazoo, "ms")
    table.add("a kazoo client releases the lock, to PING of the wrapper behind it", value, "ms", note=worst)


# --- death and nonsense


def measure_death(table, rounds):
    """kill -9 of a wrapper: its child, its znodes, and of a Sentinel the one that the watcher follows."""
    ends, forgotten, unlisted = [], [], []
    with Cluster(LOG_LEVEL="info") as cluster:
        nodes, sentinels, (watcher,) = cluster.bring_up()
        session = float(cluster.env()["ZK_SESSION_TIMEOUT"].removesuffix("s"))
        members = f"/redis/members/{GROUP}"
        for _ in progress(range(rounds), "kill -9 of a wrapper"):
            victim = next(node for node in nodes if node.role == "slave")
            child = victim.child
            killed = time.monotonic()
            victim.kill()
            wait_for(lambda: not alive(child), what="its child's end", every=0.001)
            ends.append((time.monotonic() - killed) * 1000)
            wait_for(lambda: not any(victim.record in cluster.record(f"{members}/{name}")
                                     for name in cluster.listed(members)), what="the end of its znode", every=0.02)
            forgotten.append(time.monotonic() - killed)
            victim.start().await_serving()
            followed = watcher.followed()
            dead = next(sentinel for sentinel in sentinels if sentinel.address == followed)
            killed = time.monotonic()
            dead.kill_all()
            wait_for(lambda: (dead.host, dead.port) not in watcher.sentinels(), what="its end in /sentinels", every=0.02)
            unlisted.append(time.monotonic() - killed)
            dead.start()
            cluster.await_agreement(nodes, sentinels, [watcher], within=60)
    # ZooKeeper looks for dead sessions once a tick, of half a second here.
    limit = session + 1
    value, worst = median_and_worst(ends, "ms")
    table.add("kill -9 of a wrapper, to the end of its server", value, "ms", limit=1000, note=worst)
    value, worst = median_and_worst(forgotten, "s")
    table.add(f"the same, to the end of its znodes, session of {session:.0f} s", value, "s", limit=limit, note=worst)
    value, worst = median_and_worst(unlisted, "s")
    table.add("kill -9 of the followed Sentinel, to /sentinels without it", value, "s", limit=limit, note=worst)


# A representative of each kind of error; e2e/test_options.py has them all.
WRONG = (["--no-such-flag"], {}, 64), ([], {"PORT0": "99999"}, 78), ([], {"CONFIG_FILE": "/no/such"}, 78), \
    ([], {"ZK_HOSTS": "127.0.0.1:1", "ZK_CONNECT_TIMEOUT": "1s"}, 69)


def measure_refusals(table):
    times = []
    with Cluster() as cluster:
        for daemon in ("redis-wrapper", "sentinel-wrapper", "watcher"):
            for arguments, wrong, code in WRONG:
                started = time.monotonic()
                ended = subprocess.run([cluster.binaries / daemon, *arguments], cwd=cluster.directory,
                                       env=cluster.env(**{"PORT0": free_port(), "LOG_LEVEL": "error", **wrong}),
                                       capture_output=True, timeout=10)
                times.append(time.monotonic() - started)
                if ended.returncode != code or len(ended.stderr.splitlines()) != 1:
                    raise RuntimeError(f"{daemon} {arguments} {wrong}: {ended.returncode}, {ended.stderr}")
    table.add("wrong input, to one line and the exit code; the longest", max(times), "s", limit=2)


# --- memory


def memory(pid, field):
    """MiB, from /proc: VmRSS is what it has, VmHWM the most it ever had."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)[1]) / MIB


def measure_memory(table, nodes, sentinels, watcher):
    for _ in progress(range(5000), "5000 requests"):
        watcher.get("/sentinels")
    for what, processes, original, limit in (("redis-wrapper, idle", nodes, 21.4, 8),
                                             ("sentinel-wrapper, idle", sentinels, 21.4, 8),
                                             ("watcher after 5000 requests", [watcher], 13.3, 10)):
        peak = max(memory(process.pid, "VmHWM") for process in processes)
        table.add(f"RSS of {what}", max(memory(process.pid, "VmRSS") for process in processes), "MiB",
                  ("original", original), limit=limit, note=f" (peak {number(peak, 'MiB')})")


# --- HTTP


def nginx(cluster, body):
    """Answers 200 with the same text: what the machine can do at all."""
    port, directory = free_port(), cluster.directory / "nginx"
    server = Server("nginx", ["nginx", "-p", directory, "-c", "nginx.conf", "-e", "error.log"], directory, LOOPBACK, port)
    temporary = "\n".join(f"{kind}_temp_path temp;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (directory / "nginx.conf").write_text(f"""
        {"user root;" if os.geteuid() == 0 else ""}
        daemon off; worker_processes auto; pid nginx.pid;
        events {{ worker_connections 1024; }}
        http {{
          access_log off; keepalive_requests 1000000000; default_type text/plain; {temporary}
          server {{ listen {LOOPBACK}:{port}; location / {{ return 200 "{body}"; }} }}
        }}""")
    cluster.processes.append(server)
    server.start()
    await_accepting(server)
    return server


def load(server, seconds):
    """(requests a second, the 99th percentile of their latency in milliseconds, errors)."""
    report = subprocess.run(["wrk", "-t2", "-c64", "--latency", f"-d{seconds}s", f"http://{server.address}/sentinels"],
                            capture_output=True, text=True, check=True).stdout
    errors = sum(int(count) for line in re.findall(r"Socket errors: (.*)|Non-2xx.*: (\d+)", report)
                 for part in line for count in re.findall(r"\d+", part))
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", report).groups()
    latency = float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    return float(re.search(r"Requests/sec:\s+([\d.]+)", report)[1]), latency, errors


def measure_http(table, cluster, watcher, runs, seconds):
    reference = nginx(cluster, watcher.get("/sentinels"))
    rates, latencies, errors = ([], []), ([], []), 0
    for _ in progress(range(runs), "wrk -t2 -c64, nginx and watcher"):
        for number, server in enumerate((reference, watcher)):
            rate, latency, failed = load(server, seconds)
            rates[number].append(rate)
            latencies[number].append(latency)
        errors += failed
    reference.stop()
    theirs, ours = (statistics.median(values) for values in rates)
    table.add("`wrk -t2 -c64` on /sentinels", ours, "req/s", ("original", 800), limit=25 * 800, at_least=True)
    table.add("the same", ours, "req/s", ("nginx `return 200`, in turn", theirs), ratio=0.5, at_least=True)
    theirs, ours = (statistics.median(values) for values in latencies)
    table.add("99th percentile of that", ours, "ms", ("nginx, in turn", theirs), limit=5)
    table.rows.append(Row("errors of that", str(errors), "0", "", "", errors == 0))


# --- failover


def await_rest(sentinels, info_period):
    """A failover lasts until Sentinel's next INFO after it, whose phase must be as random as a death is.

    Else it would be measured from the end of the round before, which sets that phase.
    """
    wait_for(lambda: all(sentinel.view()["role-reported-time"] > 2000 for sentinel in sentinels),
             what="Sentinels at rest", every=0.05)
    time.sleep(random.uniform(0, info_period))


def measure_bare_failover(rounds):
    """Redis and Sentinel alone: how long a client cannot write after kill -9 of the master."""
    times = []
    with Cluster() as cluster:
        nodes = [bare_redis(cluster, f"redis-{number}") for number in (1, 2, 3)]
        await_accepting(nodes[0].start())
        for node in nodes[1:]:
            await_accepting(start_bare_replica(node, nodes[0]))
        sentinels = [bare_sentinel(cluster, f"sentinel-{number}", nodes[0]) for number in (1, 2, 3)]
        for sentinel in sentinels:
            await_accepting(sentinel.start())
        listed = types.SimpleNamespace(sentinels=lambda: [(sentinel.host, sentinel.port) for sentinel in sentinels])

        def agreed_master():
            masters = [node for node in nodes if node.role == "master"]
            if len(masters) != 1 or not all(node.follows(masters[0]) for node in nodes if node is not masters[0]):
                return None
            wanted = {"port": masters[0].port, "flags": "master", "num-slaves": 2, "num-other-sentinels": 2}
            agreed = all(wanted.items() <= sentinel.view().items() for sentinel in sentinels)
            return masters[0] if agreed else None

        for round_number in progress(range(rounds), "failover of Redis and Sentinel alone"):
            master = wait_for(agreed_master, 60, "agreement of the bare servers", every=0.1)
            await_rest(sentinels, info_period=10)
            client = cluster.sentinel_client(listed)
            client.set("round", round_number)
            killed = time.monotonic()
            master.kill()
            times.append(write_until_ok(client, "round", round_number) - killed)
            winner = next(node for node in nodes if node.role == "master")
            await_accepting(start_bare_replica(master, winner))
    return times


def measure_failover(cluster, nodes, sentinels, watcher, kill, rounds, what):
    """([seconds until a client writes again], [milliseconds the record lags behind the first +switch-master])."""
    times, lags = [], []
    for round_number in progress(range(rounds), what):
        master = cluster.await_agreement(nodes, sentinels, [watcher], within=60)
        await_rest(sentinels, info_period=1)
        client = cluster.sentinel_client(watcher)
        client.set("round", round_number)
        with FailoverObserver(cluster, sentinels) as witness:
            killed = time.monotonic()
            kill(master)
            times.append(write_until_ok(client, "round", round_number) - killed)
            lags.append(witness.record_lag(killed, master) * 1000)
        master.wait()
        master.start().await_serving()
    return times, lags


def measure_handover(cluster, nodes, sentinels, watcher, rounds):
    """([longest pauses of a continuous writer around a planned stop of the master, in seconds], writes lost)."""
    pauses = []
    writer = Writer(watcher.sentinels, every=0.001)
    writer.start()
    for _ in progress(range(rounds), "planned stop of the master"):
        master = cluster.await_agreement(nodes, sentinels, [watcher], within=60)
        asked = time.monotonic()
        master.stop()
        wait_for(lambda: writer.first_after(asked + 2), what="a write afterwards")
        begin, end = writer.longest_pause(asked - 0.5)
        pauses.append(end - begin)
        master.start().await_serving()
    master = cluster.await_agreement(nodes, sentinels, [watcher], within=60)
    writer.stop()
    with master.client() as client:
        return pauses, len(writer.missing(client))


def measure_failovers(table, cluster, nodes, sentinels, watcher, rounds):
    both, lags = measure_failover(cluster, nodes, sentinels, watcher, lambda master: master.kill_all(), rounds,
                                  "kill -9 of wrapper and redis-server")
    # At 1000 ms the other Sentinels begin a failover of their own while the first is about to end.
    with Cluster(LOG_LEVEL="info") as unhurried:
        fleet = unhurried.bring_up()
        watcher = fleet[-1][0]
        child, _ = measure_failover(unhurried, *fleet[:2], watcher, lambda master: master.kill_child(), rounds,
                                    "kill -9 of redis-server")
        planned, lost = measure_handover(unhurried, *fleet[:2], watcher, rounds)
    alone = measure_bare_failover(rounds)
    reference = ("Redis and Sentinel alone, kill -9, down-after 1000 ms", statistics.median(alone))

    value, worst = median_and_worst(both, "s")
    table.add("kill -9 of the master's wrapper and redis-server, to the next write", value, "s", reference,
              ratio=0.70, note=worst)
    value, worst = median_and_worst(lags, "ms")
    table.add("the record after the first +switch-master", value, "ms", ("original, median", 14), limit=20, note=worst)
    value, worst = median_and_worst(child, "s")
    table.add("kill -9 of the master's redis-server, to the next write, down-after 1500 ms", value, "s", reference,
              limit=1.5, note=worst)
    value, worst = median_and_worst(planned, "s")
    table.add("planned stop of the master, longest pause of writes, down-after 1500 ms", value, "s",
              ("SIGTERM of a master, Redis and Sentinel alone", 2.535), limit=0.9, note=worst)
    table.rows.append(Row("acknowledged writes lost by that", str(lost), "0", "", "", lost == 0))


def describe_machine():
    def first_line(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return (done.stdout or done.stderr).splitlines()[0]

    server = re.search(r"v=(\S+)", first_line("redis-server", "--version"))[1]
    return (f"{os.cpu_count()} cores, Redis {server}, {first_line('nginx', '-v').removeprefix('nginx version: ')}, "
            f"down-after {DOWN_AFTER_MS} ms, load {os.getloadavg()[0]:.1f} at the start; medians.")


def main():
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.default_int_handler)
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--failovers", action="store_true", help="these rows alone")
    options = parser.parse_args()
    quick = options.quick

    machine = describe_machine()
    table = Table()
    if not options.failovers:
        measure_race(table, 2 if quick else 10)
        measure_lock(table, 2 if quick else 10)
        measure_start(table, 5 if quick else 20)
        measure_death(table, 2 if quick else 5)
        measure_refusals(table)
    with Cluster(LOG_LEVEL="info", down_after_ms=DOWN_AFTER_MS) as cluster:
        nodes, sentinels, (watcher,) = cluster.bring_up()
        if not options.failovers:
            measure_memory(table, nodes, sentinels, watcher)
            measure_http(table, cluster, watcher, runs=1 if quick else 3, seconds=3 if quick else 10)
        measure_failovers(table, cluster, nodes, sentinels, watcher, rounds=2 if quick else 10)
    print(f"\n{machine}\n\n{table}")
    return 0 if table.kept else 1


if __name__ == "__main__":
    sys.exit(main())
