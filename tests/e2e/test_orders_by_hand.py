"""REPLICAOF that a person or a script sends: the group is whole again soon, with its data."""

import pytest

from cluster import LOOPBACK, free_port, write_until_ok

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
    ORDERS[order](master, *(node for node in nodes if node is not master))
    write_until_ok(client, "after", "value", within=15)
    cluster.await_agreement(nodes, sentinels, [watcher])
    for node in nodes:
        assert node.ask("GET", "before") == node.ask("GET", "after") == "value"
