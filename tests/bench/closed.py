"""What closed doors cost: a failover and a planned stop with TLS, ACLs in ZooKeeper and passwords, over the same without.

Both fleets live at the same time and take turns; a client that writes all the time asks a Sentinel for the master as
redis-py does. Prints a markdown table. See ./run bench --closed.
"""

import argparse
import logging
import os
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from authority import Authority, client_options
from bench import Table, await_rest, median_and_worst, progress
from cluster import Cluster, wait_for
from writer import Writer

PASSWORD = "of the servers"
SENTINEL_PASSWORD = "of the Sentinels"


class Fleet:
    def __init__(self, cluster, closed):
        self.cluster = cluster
        self.nodes, self.sentinels, (self.watcher,) = cluster.bring_up()
        self.writer = Writer(self.watcher.sentinels, every=0.005, tls=client_options(self.watcher.env),
                             password=PASSWORD if closed else None,
                             sentinel_password=SENTINEL_PASSWORD if closed else None)
        self.writer.start()

    def pause(self, end):
        """How long the client cannot write when this is done to the master, in seconds."""
        master = self.cluster.await_agreement(self.nodes, self.sentinels, [self.watcher], within=60)
        await_rest(self.sentinels, info_period=1)
        begun = time.monotonic()
        end(master)
        wait_for(lambda: self.writer.first_after(begun + 3), what="a write afterwards")
        paused, resumed = self.writer.longest_pause(begun - 0.5)
        master.wait()
        master.start().await_serving()
        return resumed - paused

    def lost(self):
        master = self.cluster.await_agreement(self.nodes, self.sentinels, [self.watcher], within=60)
        self.writer.stop()
        with master.client() as client:
            return len(self.writer.missing(client))


def main():
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--keep", action="store_true", help="the logs stay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        authority = Authority(pathlib.Path(directory) / "authority")
        authority.certify("node")
        # For each connection redis-py reads all authorities of this system, which takes 19 ms.
        os.environ["SSL_CERT_FILE"] = str(authority.certificate)
        closed = {"REDIS_PASSWORD": PASSWORD, "SENTINEL_PASSWORD": SENTINEL_PASSWORD, "ZK_USERNAME": "redis-zk",
                  "ZK_PASSWORD": "of ZooKeeper", **authority.options("node")}
        table = Table()
        with Cluster(LOG_LEVEL="info") as open_cluster, Cluster(LOG_LEVEL="info", **closed) as closed_cluster:
            fleets = (Fleet(open_cluster, closed=False), Fleet(closed_cluster, closed=True))
            # In a planned stop each process opens connections in the same tenth of a second: on few cores TLS shows.
            for what, end, ratio in (
                    ("planned stop of the master, longest pause of writes", lambda master: master.stop(), 1.5),
                    ("kill -9 of the master's redis-server, to the next write", lambda master: master.kill_child(), 1.1),
                    ("kill -9 of its wrapper and redis-server, to the next write", lambda master: master.kill_all(), 1.1)):
                pauses = ([], [])
                for number in progress(range(options.rounds), what):
                    # Neither is always the first.
                    for which in (0, 1) if number % 2 == 0 else (1, 0):
                        pauses[which].append(fleets[which].pause(end))
                value, worst = median_and_worst(pauses[1], "s")
                table.add(what, value, "s", ("the same without", statistics.median(pauses[0])), ratio=ratio, note=worst)
            for fleet, kind in zip(fleets, ("open", "closed")):
                print(f"{kind}: acknowledged writes lost: {fleet.lost()}", file=sys.stderr)
                if options.keep:
                    fleet.cluster.kept = True
                    print(f"logs: {fleet.cluster.directory}", file=sys.stderr)
    print(table)
    return 0 if table.kept else 1


if __name__ == "__main__":
    sys.exit(main())
