"""Two wrappers that announce the same address: a copied ANNOUNCE_PORT."""

import os
import signal
import time

import pytest
from kazoo.security import make_acl

from cluster import FORGOTTEN, LOOPBACK, SESSION_TIMEOUT, alive, wait_for
from variants import in_full

TRY_AGAIN = 75
# A refusal waits until a predecessor's session must have ended.
REFUSED = SESSION_TIMEOUT + 2 + 5


def registration(cluster, kind, wrapper):
    """The path under which a wrapper is registered with its address."""
    parent = "/redis/sentinels" if kind == "sentinel" else "/redis/members/master1"
    for uuid in cluster.listed(parent):
        text = cluster.record(f"{parent}/{uuid}")
        if text == wrapper.record or f'"{wrapper.record}"' in text:
            return f"{parent}/{uuid}"
    return None


def claims(cluster, wrapper):
    return [name for name in cluster.listed("/redis/announced") if name.startswith(wrapper.address + "-")]


def start(cluster, kind, **env):
    return cluster.sentinel(**env) if kind == "sentinel" else cluster.redis(**env)


@pytest.fixture
def group(cluster):
    """A cluster with a master, and the master."""
    master = cluster.redis()
    master.await_serving()
    return cluster, master


@pytest.mark.parametrize("kind, other_group", [
    ("redis", False), ("sentinel", True), *in_full(("redis", True), ("sentinel", False))])
def test_the_second_is_refused(group, kind, other_group):
    cluster, _ = group
    first = start(cluster, kind)
    first.await_serving()
    path = wait_for(lambda: registration(cluster, kind, first), what="its registration")
    second = start(cluster, kind, ANNOUNCE_PORT=first.port, **({"MASTER_NAME": "other"} if other_group else {}))
    assert second.wait(within=REFUSED) == TRY_AGAIN
    (line,) = second.log_lines(" error ")
    assert path in line and first.address in line
    if kind == "redis":
        assert "node " in line
    assert not second.log_lines("serving ")
    assert first.running and registration(cluster, kind, first) == path


@pytest.mark.parametrize("kind", ["redis", "sentinel"])
def test_the_address_of_a_dead_one_is_free(group, kind, figure):
    cluster, _ = group
    first = start(cluster, kind)
    first.await_serving()
    wait_for(lambda: registration(cluster, kind, first), what="its registration")
    first.kill_all()
    began = time.monotonic()
    # On another port of the same machine: the address that is announced is mapped to it now.
    second = start(cluster, kind, ANNOUNCE_PORT=first.port)
    second.await_serving()
    took = time.monotonic() - began
    figure(f"{kind}: a dead one's address taken over, ms: {1000 * took:.0f}")
    # A Sentinel waits for its predecessor's identity, as ever.
    assert took < (3 if kind == "redis" else FORGOTTEN + 5)


@pytest.mark.parametrize("kind", ["redis", "sentinel"])
def test_restart_at_the_same_address(group, kind, figure):
    cluster, _ = group
    node = start(cluster, kind)
    node.await_serving()
    wait_for(lambda: registration(cluster, kind, node), what="its registration")
    for stop in (node.kill_all, node.kill, node.stop):
        child = node.child
        stop()
        # What listens at the address ends with its wrapper, a moment later.
        wait_for(lambda pid=child: not alive(pid), what="the end of its server")
        began = time.monotonic()
        node.start()
        node.await_serving()
        took = time.monotonic() - began
        figure(f"{kind}: restart at the same address after {stop.__name__}, ms: {1000 * took:.0f}")
        assert took < (3 if kind == "redis" else FORGOTTEN + 5)
        assert not node.log_lines("waiting for the address")


@pytest.mark.parametrize("kind, dead", [
    ("redis", False), ("sentinel", True), *in_full(("redis", True), ("sentinel", False))])
def test_both_at_the_same_instant(group, kind, dead):
    cluster, _ = group
    first = start(cluster, kind, start=dead)
    if dead:
        first.await_serving()
        wait_for(lambda: registration(cluster, kind, first), what="its registration")
        first.kill_all()
    both = [first, start(cluster, kind, start=False, ANNOUNCE_PORT=first.port)]
    for each in both:
        each.start()
    # Which one of them does not matter; where nothing answers at the address, the other has only the claim.
    wait_for(lambda: any(not each.running for each in both), within=FORGOTTEN + 5 + REFUSED, what="a refusal")
    (refused,) = [each for each in both if not each.running]
    (other,) = [each for each in both if each.running]
    other.await_serving()
    assert refused.wait() == TRY_AGAIN
    assert len(refused.log_lines(" error ")) == 1
    assert not refused.log_lines("serving ")


def test_a_first_master_is_refused_too(cluster):
    """Nothing is recorded yet: without the refusal both would be master of a group of their own."""
    first = cluster.redis()
    first.await_serving()
    second = cluster.redis(ANNOUNCE_PORT=first.port, BIND_IP=LOOPBACK, MASTER_NAME="second")
    assert second.wait(within=REFUSED) == TRY_AGAIN
    assert cluster.record("/redis/masters/second") == ""


@pytest.mark.parametrize("kind", ["redis", "sentinel"])
def test_one_that_serves_without_its_session_keeps_its_address(group, kind):
    cluster, _ = group
    first = start(cluster, kind)
    first.await_serving()
    wait_for(lambda: registration(cluster, kind, first), what="its registration")
    os.kill(first.pid, signal.SIGSTOP)
    try:
        wait_for(lambda: not registration(cluster, kind, first), within=FORGOTTEN + 5, what="the end of its session")
        second = start(cluster, kind, ANNOUNCE_PORT=first.port)
        assert second.wait(within=REFUSED) == TRY_AGAIN
        (line,) = second.log_lines(" error ")
        assert "a server that no wrapper registered answers" in line and first.address in line
    finally:
        os.kill(first.pid, signal.SIGCONT)
    wait_for(lambda: claims(cluster, first), within=FORGOTTEN + 10, what="its claim in the new session")
    assert not first.log_lines("event=address-announced-twice")


@pytest.mark.parametrize("kind", ["redis", "sentinel"])
def test_a_claim_that_is_gone_is_put_back(group, kind):
    cluster, _ = group
    first = start(cluster, kind)
    first.await_serving()
    wait_for(lambda: registration(cluster, kind, first), what="its registration")
    (claim,) = claims(cluster, first)
    # Another has claimed it before.
    cluster.kazoo.create(f"/redis/announced/{first.address}-", b"another", ephemeral=True, sequence=True)
    cluster.kazoo.delete(f"/redis/announced/{claim}")
    first.wait_log("event=address-announced-twice", within=20)
    assert len(claims(cluster, first)) == 2
    assert first.running and len(first.log_lines(" error ")) == 1


@pytest.mark.parametrize("kind", ["redis", "sentinel"])
def test_a_claim_that_zookeeper_refuses(group, kind):
    cluster, _ = group
    anyone = make_acl("world", "anyone", read=True, admin=True)
    cluster.kazoo.set_acls("/redis/announced", [anyone])
    node = start(cluster, kind, MASTER_WAIT_TIMEOUT="3s")
    assert node.wait(within=10) == TRY_AGAIN
    waits, ends = node.log_lines(" error ")
    assert "wait=address" in waits and "MASTER_WAIT_TIMEOUT" in ends
    for line in waits, ends:
        assert "permission denied" in line and "/redis/announced" in line and "ZK_USERNAME" in line
