"""Handovers begun at a bad moment: Sentinels that do not know the replica yet, are in TILT, or fail with the order in
hand, and clients that connect while the master changes."""

import contextlib
import json
import os
import signal
import socket
import socketserver
import subprocess
import threading
import time

import pytest
import redis

from background import Background
from cluster import GROUP, LOOPBACK, free_port, state_of, wait_for
from test_admin import fail_over, allow_admin
from variants import in_full
from writer import DirectWriter, Writer

# Sentinel's, for which it neither begins nor goes on with a failover.
TILT = 30


def is_healthy(node):
    """As a scheduler asks: `redis-wrapper healthcheck`."""
    return subprocess.run([*node.argv, "healthcheck"], cwd=node.directory, env=node.env,
                          capture_output=True).returncode == 0


def in_tilt(sentinel):
    return sentinel.ask("INFO", "sentinel").get("sentinel_tilt") == 1


def freeze(*sentinels):
    """For so long that they enter TILT."""
    for sentinel in sentinels:
        os.kill(sentinel.child, signal.SIGSTOP)
    began = time.monotonic()
    wait_for(lambda: time.monotonic() - began > 3, what="three seconds")
    for sentinel in sentinels:
        os.kill(sentinel.child, signal.SIGCONT)
    for sentinel in sentinels:
        wait_for(lambda each=sentinel: in_tilt(each), what="TILT")


def pause_of(writer, since):
    begin, end = writer.longest_pause(since)
    return end - begin


def test_lone_master_is_replaced(make_cluster, figure):
    """As an upgrade does it: start the new node, wait until it is healthy, stop the old one at once."""
    times = int(os.environ.get("REPLACEMENTS", 5))
    cluster = make_cluster()
    (master,), sentinels, (watcher,) = cluster.bring_up(redis=1)
    with Writer(watcher.sentinels, every=0.002) as writer:
        pauses = []
        for _ in range(times):
            writer.await_more()
            successor = cluster.redis()
            wait_for(lambda: is_healthy(successor), what="good health", every=0.05)
            asked = time.monotonic()
            assert master.stop() == 0
            assert master.log_lines("handed over to"), master.log_lines("handover")
            writer.await_more()
            pauses.append(pause_of(writer, asked - 0.5))
            master = successor
    lost = writer.missing(master.client())
    figure(f"lone master replaced {times} times: {len(writer.acknowledged)} writes, {len(lost)} lost, pauses ms: "
           + " ".join(f"{1000 * pause:.0f}" for pause in pauses))
    assert not lost


def test_master_whose_clients_use_up_maxclients_hands_over(cluster):
    nodes, sentinels, watchers = cluster.bring_up(redis=2)
    master = cluster.master(nodes)
    with contextlib.ExitStack() as crowd:
        keeper = crowd.enter_context(master.client())
        keeper.config_set("maxclients", 60)

        def full():
            connection = crowd.enter_context(socket.create_connection((master.host, master.port)))
            connection.settimeout(5)
            connection.sendall(b"PING\r\n")
            return connection.recv(100).startswith(b"-ERR max number of clients")

        wait_for(full, what="a full server", every=0)
        assert master.stop() == 0
    assert master.log_lines("handed over to"), master.log_lines("handover")
    cluster.await_agreement([node for node in nodes if node is not master], sentinels, watchers)


@pytest.mark.parametrize("moves", [False, True], ids=["same-port", "another-port"])
@pytest.mark.parametrize("count", [3, *in_full(5)])
def test_rolling_restart_without_waiting(make_cluster, count, moves, figure):
    """The next node is stopped as soon as the one before is linked."""
    cluster = make_cluster()
    nodes, sentinels, (watcher,) = cluster.bring_up(redis=count)
    with Writer(watcher.sentinels, every=0.002) as writer:
        pauses = []
        for node in nodes:
            writer.await_more()
            led = node.role == "master"
            asked = time.monotonic()
            assert node.stop() == 0
            if led:
                assert node.log_lines("handed over to"), node.log_lines("handover")
            writer.await_more()
            pauses.append(pause_of(writer, asked - 0.5))
            if moves:
                node.move()
            node.start()
            wait_for(lambda: node.info().get("master_link_status") == "up", what="the link", every=0.02)
        writer.await_more()
    lost = writer.missing(cluster.master(nodes).client())
    ports = "other ports" if moves else "same ports"
    figure(f"rolling restart of {count}, {ports}: {len(writer.acknowledged)} writes, "
           f"{len(lost)} lost, pauses ms: " + " ".join(f"{1000 * pause:.0f}" for pause in pauses))
    assert not lost


@pytest.fixture
def fleet(make_cluster):
    cluster = make_cluster()
    allow_admin(cluster)
    nodes, sentinels, watchers = cluster.bring_up()
    return cluster, nodes, sentinels, watchers[0]


@pytest.mark.parametrize("which", [2, *in_full(0, 1)])
def test_failover_with_a_sentinel_in_tilt(fleet, figure, which):
    """Another one is asked, whichever it is."""
    cluster, nodes, sentinels, watcher = fleet
    tilted = sentinels[which]
    answers = []
    with Writer(watcher.sentinels, every=0.002) as writer:
        writer.await_more()
        freeze(tilted)
        frozen_at = time.monotonic()
        for _ in range(2):
            old = cluster.master(nodes)
            answers.append(fail_over(watcher))
            if answers[-1][0] == 200:
                wait_for(lambda: cluster.master(nodes) is not old, what="the new master")
            writer.await_more()
        # What it may have been ordered to, it would do at the end.
        wait_for(lambda: not in_tilt(tilted), TILT + 5, "the end of TILT", every=0.1)
        assert time.monotonic() - frozen_at < TILT + 5
        writer.await_more(500)
    cluster.await_agreement(nodes, sentinels, [watcher])
    lost = writer.missing(cluster.master(nodes).client())
    figure(f"failovers with a Sentinel in TILT: {[code for code, _ in answers]}, {len(writer.acknowledged)} writes, "
           f"{len(lost)} lost")
    assert not lost and all(code in (200, 409) for code, _ in answers), answers
    assert [code for code, _ in answers].count(200) >= 1, answers


def test_stop_with_a_sentinel_in_tilt(fleet, figure):
    cluster, nodes, sentinels, watcher = fleet
    pauses = []
    with Writer(watcher.sentinels, every=0.002) as writer:
        writer.await_more()
        # The one that is asked first where all can.
        freeze(last_registered(cluster, sentinels))
        for _ in range(2):
            master = cluster.master(nodes)
            asked = time.monotonic()
            assert master.stop() == 0
            assert master.log_lines("handed over to"), master.log_lines("handover")
            writer.await_more()
            pauses.append(pause_of(writer, asked - 0.5))
            master.start().await_serving()
    lost = writer.missing(cluster.master(nodes).client())
    figure("planned stops with a Sentinel in TILT, pauses ms: " + " ".join(f"{1000 * pause:.0f}" for pause in pauses)
           + f", {len(lost)} lost")
    assert not lost and max(pauses) < 3


def last_registered(cluster, sentinels):
    """The one that is asked first."""
    uuid = cluster.listed("/redis/sentinels")[-1]
    record = cluster.record(f"/redis/sentinels/{uuid}")
    return next(sentinel for sentinel in sentinels if sentinel.record == record)


def test_all_in_tilt(fleet, figure):
    """Nothing is ordered, and no write waits for what cannot be."""
    cluster, nodes, sentinels, watcher = fleet
    master = cluster.master(nodes)
    with DirectWriter(master) as writer:
        freeze(*sentinels)
        asked = time.monotonic()
        code, text = fail_over(watcher)
        assert (code, "TILT" in text) == (409, True), text
        wait_for(lambda: writer.acknowledged[-1] > asked + 0.5, what="writes")
        master.signal(signal.SIGTERM)
        master.wait_log("event=stop-requested")
        stopped = time.monotonic()
        # It waits, and writes go on meanwhile.
        wait_for(lambda: writer.acknowledged[-1] > stopped + 4, what="writes while it waits")
        assert master.wait() in (0, 128 + signal.SIGKILL)
    times = [when for when in writer.acknowledged if when > asked]
    figure("all Sentinels in TILT, longest pause of writes before the stop ms: "
           f"{1000 * max(later - earlier for earlier, later in zip(times, times[1:])):.0f}")
    assert max(later - earlier for earlier, later in zip(times, times[1:])) < 0.5
    assert "TILT" in master.log_lines("stopping without a handover")[-1]
    successor = cluster.await_agreement([node for node in nodes if node is not master], sentinels, [watcher], 90)
    assert not writer.missing(successor)


class Arrivals(Background):
    """Applications that ask one Sentinel after the other for the master, connect, and stay; one every 5 ms."""

    every = 0.005

    def __init__(self, sentinels):
        super().__init__()
        self.sentinels = [sentinel.client(socket_timeout=1) for sentinel in sentinels]
        self.connections = []  # (port, connection)

    def step(self):
        asked = self.sentinels[len(self.connections) % len(self.sentinels)]
        with contextlib.suppress(redis.RedisError, OSError):
            host, port = asked.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", GROUP)
            self.connections.append((int(port), socket.create_connection((host, int(port)), timeout=1)))

    def at(self, node):
        """How many are connected to a node, by the word of its server."""
        known = {connection.getsockname()[1] for port, connection in self.connections if port == node.port}
        with node.client() as client:
            listed = client.client_list(_type="normal")
        return sum(int(client["addr"].rpartition(":")[2]) in known for client in listed)


@pytest.mark.parametrize("number", [0, *in_full(1, 2)])
def test_no_client_is_left_behind(fleet, number):
    cluster, nodes, sentinels, watcher = fleet
    old = cluster.master(nodes)
    with Arrivals(sentinels) as arrivals:
        wait_for(lambda: len(arrivals.connections) > 50, what="clients")
        code, text = fail_over(watcher)
        assert code == 200, text
        assert all(sentinel.view()["port"] != old.port for sentinel in sentinels), "all Sentinels know"
        assert arrivals.at(old) == 0
        wait_for(lambda: arrivals.connections[-1][0] == cluster.master(nodes).port, what="clients of the new one")
    assert arrivals.at(old) == 0
    assert arrivals.at(cluster.master(nodes)) > 0


def test_no_client_is_left_behind_by_a_demotion(fleet):
    """A master that was frozen returns as a replica; a Sentinel that was frozen, too, sends it clients until then."""
    cluster, nodes, sentinels, watcher = fleet
    old = cluster.master(nodes)
    others = [node for node in nodes if node is not old]
    # Before, for the one that leads the failover must end it.
    late = sentinels[0]
    stand_still(late)
    os.kill(old.child, signal.SIGSTOP)
    wait_for(lambda: any(node.role == "master" for node in others), what="a new master")
    master = cluster.master(others)
    wait_for(lambda: cluster.record() == master.record, what="the record")
    os.kill(old.child, signal.SIGCONT)
    wait_for(lambda: old.follows(master), what="the demotion")
    with Arrivals(sentinels) as arrivals:
        os.kill(late.child, signal.SIGCONT)
        # One that came late stays only until all Sentinels agree.
        with socket.create_connection((old.host, old.port)) as connection:
            connection.settimeout(30)
            assert connection.recv(1) == b"", "the connection is closed"
        wait_for(lambda: all(sentinel.view().get("port") == master.port for sentinel in sentinels), what="agreement")
        wait_for(lambda: arrivals.at(old) == 0, what="the end of late connections")


def enter_tilt(sentinel):
    sentinel.ask("SENTINEL DEBUG", "TILT-TRIGGER", "1")
    wait_for(lambda: in_tilt(sentinel), what="TILT")
    sentinel.ask("SENTINEL DEBUG", "TILT-TRIGGER", "2000")


def stand_still(sentinel):
    child = sentinel.child
    os.kill(child, signal.SIGSTOP)
    wait_for(lambda: state_of(child) == "T", what="the freeze")


def die(sentinel):
    sentinel.kill_all()


class SlyProxy(socketserver.ThreadingTCPServer):
    """In front of a Sentinel, which `fail(sentinel)` strikes just before an order for a failover reaches it."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port, target, fail):
        super().__init__((LOOPBACK, port), None)
        self.target = target
        self.fail = fail
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, _):
        try:
            server = socket.create_connection((LOOPBACK, self.target.port))
        except OSError:
            return
        with server, contextlib.suppress(OSError):
            back = threading.Thread(target=self._pass_back, args=[server, request], daemon=True)
            back.start()
            while data := request.recv(65536):
                if b"\r\nFAILOVER\r\n" in data:
                    self.fail(self.target)
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            back.join()

    @staticmethod
    def _pass_back(server, request):
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                request.sendall(data)


@pytest.fixture
def sly_fleet(make_cluster):
    """bring_up(failure, times): the first Sentinels that are ordered to fail over fail themselves."""
    with contextlib.ExitStack() as stack:

        def bring_up(failure, times, **env):
            cluster = make_cluster(**env)
            allow_admin(cluster)
            cluster.start_zookeeper()
            nodes = [cluster.redis() for _ in range(3)]
            for node in nodes:
                node.await_serving()
            wait_for(lambda: cluster.master(nodes).info()["connected_slaves"] == 2, what="replication")
            failed = []

            def fail(sentinel):
                if len(failed) < times:
                    failed.append(sentinel)
                    failure(sentinel)

            sentinels = []
            for _ in range(3):
                port = free_port()
                sentinels.append(cluster.sentinel(ANNOUNCE_IP=LOOPBACK, ANNOUNCE_PORT=port))
                stack.callback(stack.enter_context(SlyProxy(port, sentinels[-1], fail)).shutdown)
            watcher = cluster.watcher()
            cluster.await_agreement(nodes, sentinels)
            wait_for(lambda: len(watcher.sentinels()) == 3, what="the list")
            wait_for(lambda: all(any(replica["slave-priority"] == 100 for replica in sentinel.replicas())
                                 for sentinel in sentinels), what="Sentinels that could promote")
            return cluster, nodes, sentinels, failed, watcher

        yield bring_up


def test_order_to_a_sentinel_that_enters_tilt(sly_fleet, figure):
    """It is withdrawn, and no write is accepted that the order, carried out later, would lose."""
    cluster, nodes, sentinels, failed, watcher = sly_fleet(enter_tilt, 3)
    master = cluster.master(nodes)
    with DirectWriter(master) as writer:
        wait_for(lambda: len(writer.acknowledged) > 50, what="writes")
        asked = time.monotonic()
        code, text = fail_over(watcher)
        answered = time.monotonic()
        assert len(failed) == 3
        assert code == 504 and "accepts writes again" in text, text
        wait_for(lambda: writer.acknowledged[-1] > answered, what="writes")
        for sentinel in sentinels:
            wait_for(lambda each=sentinel: not in_tilt(each), TILT + 5, "the end of TILT", every=0.1)
        # Then the order would be carried out.
        over = time.monotonic()
        wait_for(lambda: writer.acknowledged[-1] > over + 3, what="writes")
        assert master.role == "master"
    cluster.await_agreement(nodes, sentinels)
    figure(f"every Sentinel enters TILT with its order: {code} after {1000 * (answered - asked):.0f} ms")


@pytest.mark.parametrize("failure", [stand_still, die, *in_full(enter_tilt)])
def test_another_sentinel_is_asked_instead(sly_fleet, failure, figure):
    """What the first was ordered to is not carried out later."""
    # While writes are paused their hellos are, too: with a shorter down-after the others may elect one of them meanwhile.
    cluster, nodes, sentinels, failed, watcher = sly_fleet(failure, 1, down_after_ms=10_000)
    with Writer(watcher.sentinels, every=0.002) as writer:
        writer.await_more()
        asked = time.monotonic()
        code, text = fail_over(watcher)
        assert code == 200 and len(failed) == 1, text
        writer.await_more()
        figure(f"the first Sentinel fails with its order ({failure.__name__}), longest pause of writes ms: "
               f"{1000 * pause_of(writer, asked):.0f}")
        living = [sentinel for sentinel in sentinels if sentinel.running]
        for sentinel in living:
            os.kill(sentinel.child, signal.SIGCONT)
        for sentinel in living:
            wait_for(lambda each=sentinel: each.ask("PING") and not in_tilt(each), TILT + 5, "the end of TILT",
                     every=0.1)
        writer.await_more(200)
    master = cluster.await_agreement(nodes, living)
    assert json.loads(text)["to"]["address"] == master.address
    assert not writer.missing(master.client())


def test_all_that_were_asked_stand_still(sly_fleet, figure):
    """The writes are released after half a minute, and the answer says that an order may still be carried out."""
    # While writes are paused their hellos are, too: with a shorter down-after the others would elect one of them.
    cluster, nodes, _, failed, watcher = sly_fleet(stand_still, 3, down_after_ms=40_000)
    master = cluster.master(nodes)
    with DirectWriter(master) as writer:
        wait_for(lambda: len(writer.acknowledged) > 50, what="writes")
        asked = time.monotonic()
        code, text = fail_over(watcher)
        assert code == 504 and "may still promote one" in text and len(failed) == 3, text
        answered = time.monotonic()
        wait_for(lambda: writer.acknowledged[-1] > answered, what="writes")
    figure(f"all Sentinels that were asked stand still: {code} after {answered - asked:.1f} s")
    assert answered - asked < 35 and master.role == "master"


def test_stop_where_the_first_sentinel_enters_tilt(sly_fleet):
    cluster, nodes, sentinels, failed, watcher = sly_fleet(enter_tilt, 1)
    master = cluster.master(nodes)
    with Writer(watcher.sentinels, every=0.002) as writer:
        writer.await_more()
        asked = time.monotonic()
        assert master.stop() == 0
        assert master.log_lines("handed over to"), master.log_lines("handover")
        assert len(failed) == 1
        writer.await_more()
        assert pause_of(writer, asked) < 3.5
        master.start().await_serving()
        successor = cluster.master(nodes)
        for sentinel in sentinels:
            wait_for(lambda each=sentinel: not in_tilt(each), TILT + 5, "the end of TILT", every=0.1)
        writer.await_more(200)
    assert cluster.await_agreement(nodes, sentinels) is successor
    assert not writer.missing(successor.client())
