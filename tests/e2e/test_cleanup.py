"""Sentinels and replicas that are gone for good are forgotten, one Sentinel at a time, and only in a healthy group."""

import json
import threading
import time
import uuid

import redis

from cluster import FORGOTTEN, wait_for, write_until_ok

PATIENCE = 2


def clean_within(sentinels):
    """One Sentinel after the other, each with a hello and an INFO to wait for; much of it is for a slow machine."""
    return FORGOTTEN + PATIENCE + 10 + 20 * len(sentinels)


class Resets:
    """When each Sentinel was made to forget, until the `with` block is left."""

    def __init__(self, sentinels):
        self._lock = threading.Lock()
        self._sentinels = sentinels
        self._moments = {sentinel.name: [] for sentinel in sentinels}
        self._listeners = []

    def __enter__(self):
        for sentinel in self._sentinels:
            self._listeners.append(self._listen(sentinel))
        return self

    def __exit__(self, *_):
        for listener in self._listeners:
            listener.stop()
        for listener in self._listeners:
            listener.join()

    def _listen(self, sentinel):
        def heard(_message):
            with self._lock:
                self._moments[sentinel.name].append(time.monotonic())

        def lost(error, pubsub, thread):
            if not isinstance(error, redis.RedisError):
                raise error
            thread.stop()

        pubsub = sentinel.client(socket_timeout=None).pubsub(ignore_subscribe_messages=True)
        pubsub.subscribe(**{"+reset-master": heard})
        return pubsub.run_in_thread(sleep_time=0.1, daemon=True, exception_handler=lost)

    def moments(self):
        with self._lock:
            return sorted(moment for moments in self._moments.values() for moment in moments)

    def counts(self, sentinels):
        with self._lock:
            return [len(self._moments[sentinel.name]) for sentinel in sentinels]


def bring_up(cluster, mode="on", **fleet):
    cluster.add_env(CLEANUP=mode, CLEANUP_PATIENCE=f"{PATIENCE}s")
    return cluster.bring_up(**fleet)


def known(sentinel):
    """(how many peers, how many replicas) it counts."""
    view = sentinel.view()
    return view.get("num-other-sentinels"), view.get("num-slaves")


def await_clean(watcher, sentinels, replicas=2, verified=None):
    """Waits until no Sentinel counts anybody who is gone, and the watcher has seen that."""
    within = clean_within(sentinels)
    wait_for(lambda: len(watcher.log_lines("event=clean-up-verified")) == (verified or len(sentinels)), within,
             "the last verification", every=0.1)
    assert [known(sentinel) for sentinel in sentinels] == [(len(sentinels) - 1, replicas)] * len(sentinels)


def test_sentinels_scaled_down_are_forgotten_and_a_failover_works(cluster, figure):
    nodes, sentinels, (watcher,) = bring_up(cluster, sentinels=5)
    living, gone = sentinels[:3], sentinels[3:]
    with Resets(living) as resets:
        removed = time.monotonic()
        gone[0].stop()
        gone[1].kill_all()
        await_clean(watcher, living)
        figure(f"Sentinels 5 to 3, all stale entries forgotten and verified, s: {time.monotonic() - removed:.1f}")
        moments = resets.moments()
        figure("Sentinels 5 to 3, from the start to each RESET, s: "
               + " ".join(f"{moment - removed:.1f}" for moment in moments))
        assert resets.counts(living) == [1, 1, 1]
    master = cluster.await_agreement(nodes, living, [watcher])
    client = cluster.sentinel_client(watcher)
    killed = time.monotonic()
    master.kill_all()
    gap = write_until_ok(client, "key", "after the failover") - killed
    figure(f"Sentinels 5 to 3, then the master killed, kill to write, s: {gap:.1f}")
    assert gap <= 5
    cluster.await_agreement([node for node in nodes if node is not master], living, [watcher])


def test_dead_replica_is_forgotten_and_welcome_back(cluster):
    nodes, sentinels, (watcher,) = bring_up(cluster)
    master = cluster.master(nodes)
    dead = next(node for node in nodes if node is not master)
    dead.kill_all()
    await_clean(watcher, sentinels, replicas=1)
    for sentinel in sentinels:
        assert str(dead.port) not in [str(replica["port"]) for replica in sentinel.replicas()]
    dead.start()
    assert cluster.await_agreement(nodes, sentinels, [watcher]) is master


def test_observing_changes_nothing_and_is_in_nobodys_way(cluster):
    nodes, sentinels, (observer,) = bring_up(cluster, mode="observe", sentinels=4)
    living, gone = sentinels[:3], sentinels[3]
    with Resets(living) as resets:
        gone.kill_all()
        line = observer.wait_log("CLEANUP=observe, skipped: SENTINEL RESET of ", within=clean_within([]))
        assert gone.address in line
        assert resets.moments() == []
        assert cluster.listed("/redis/cleanup") == []
        acting = time.monotonic()
        actor = cluster.watcher(CLEANUP="on")
        await_clean(actor, living)
        assert resets.counts(living) == [1, 1, 1]
        assert resets.moments()[0] > acting + PATIENCE
    lines = observer.log_lines("event=clean-up-observed")
    assert len(lines) == len(set(line.partition("CLEANUP=observe")[2] for line in lines)), "each is said once"
    cluster.await_agreement(nodes, living, [observer, actor])


def test_nothing_is_forgotten_while_the_master_is_down(cluster):
    nodes, sentinels, (watcher,) = bring_up(cluster, sentinels=5)
    living, gone = sentinels[:3], sentinels[3:]
    master = cluster.master(nodes)
    # The replicas first, so that nobody can be promoted.
    for process in [node for node in nodes if node is not master] + [master] + gone:
        process.kill_all()
    with Resets(living) as resets:
        watcher.wait_log("reports the master as down", within=clean_within([]))
        assert resets.moments() == []
        assert all(known(sentinel) == (4, 2) for sentinel in living)
        returned = time.monotonic()
        # The master first: with another one the group would begin anew, and its Sentinels, restarted on that, would
        # have nothing left to forget.
        for node in [master] + [node for node in nodes if node is not master]:
            node.start()
            node.await_serving()
        await_clean(watcher, living)
        assert resets.counts(living) == [1, 1, 1]
        assert resets.moments()[0] > returned
    cluster.await_agreement(nodes, living, [watcher])


def test_two_watchers_do_everything_once(cluster):
    nodes, sentinels, watchers = bring_up(cluster, sentinels=5, watchers=2)
    four, three = sentinels[:4], sentinels[:3]
    with Resets(four) as resets:
        sentinels[4].stop()

        def acting():
            return [watcher for watcher in watchers if watcher.log_lines("event=clean-up-lock-acquired")]

        (first,) = wait_for(acting, what="a watcher that cleans up")
        await_clean(first, four)
        assert resets.counts(four) == [1, 1, 1, 1]
        first.kill()
        (second,) = [watcher for watcher in watchers if watcher is not first]
        second.wait_log("event=clean-up-lock-acquired")
        sentinels[3].kill_all()
        await_clean(second, three)
        assert resets.counts(three) == [2, 2, 2]
    cluster.await_agreement(nodes, three, [second])


def test_identities_that_nobody_will_take_again_are_removed(cluster):
    _, sentinels, (watcher,) = bring_up(cluster)
    free, taken = str(uuid.uuid4()), str(uuid.uuid4())
    for identity in free, taken:
        cluster.kazoo.create(f"/redis/identities/{identity}",
                             json.dumps({"endpoint": "127.0.0.1 1", "epoch": 0}).encode(), makepath=True)
    cluster.kazoo.create(f"/redis/identities/{taken}/taken", ephemeral=True)
    # Data of a node that is gone, too: they are remembered for a day.
    cluster.kazoo.create("/redis/datasets/master1/node", json.dumps({"endpoint": "127.0.0.1 1"}).encode(),
                         makepath=True)
    watcher.wait_log(f"removal of identity {free}")
    wait_for(lambda: free not in cluster.listed("/redis/identities"), what="the free identity's end")
    assert taken in cluster.listed("/redis/identities")
    assert cluster.listed("/redis/datasets/master1") == ["node"]
    assert not watcher.log_lines("SENTINEL RESET")
    assert [known(sentinel) for sentinel in sentinels] == [(2, 2)] * 3
