"""REPLICAOF that a person or a script sends: the group is whole again soon, with its data."""

import pytest

from cluster import LOOPBACK, free_port, wait_for, write_until_ok

ORDERS = {
    "a circle": lambda master, replica, _: master.ask("REPLICAOF", LOOPBACK, replica.port),
    "a second master": lambda _, replica, __: replica.ask("REPLICAOF", "NO", "ONE"),
    "a chain": lambda _, replica, other: replica.ask("REPLICAOF", LOOPBACK, other.port),
    "a circle of replicas": lambda _, replica, other: [replica.ask("REPLICAOF", LOOPBACK, other.port),
                                                       other.ask("REPLICAOF", LOOPBACK, replica.port)],
    "a master that follows nobody": lambda master, _, __: master.ask("REPLICAOF", LOOPBACK, free_port()),
}


@pytest.mark.parametrize("order", ORDERS)
def test_order_by_hand(cluster, order):
    nodes, sentinels, (watcher,) = cluster.bring_up()
    master = cluster.master(nodes)
    client = cluster.sentinel_client(watcher)
    write_until_ok(client, "before", "value")
    # Who is told to copy a replica gives up what that one has not heard of yet.
    wait_for(lambda: all(node.ask("GET", "before") == "value" for node in nodes), what="replication")
    ORDERS[order](master, *(node for node in nodes if node is not master))
    write_until_ok(client, "after", "value", within=15)
    cluster.await_agreement(nodes, sentinels, [watcher])
    wait_for(lambda: all(node.ask("GET", key) == "value" for node in nodes for key in ("before", "after")),
             what="all data on all nodes")
