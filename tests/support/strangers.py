"""Servers without a wrapper, which are somebody else's, and data to tell apart whose they are."""

import redis

from cluster import LOOPBACK, Server, free_port, wait_for

KEYS = 1000


def fill(node, prefix):
    with node.client() as client, client.pipeline() as pipeline:
        for number in range(KEYS):
            pipeline.set(f"{prefix}:{number}", number)
        pipeline.execute()


def count(node, prefix):
    """How many of the keys that `fill` wrote are there."""
    with node.client() as client:
        return client.exists(*(f"{prefix}:{number}" for number in range(KEYS)))


class Plain(Server):
    """A server without a wrapper: somebody else's, or one of the originals'."""

    def __init__(self, cluster, name, argv, port):
        super().__init__(name, argv, cluster.directory / name, LOOPBACK, port)
        cluster.processes.append(self)

    def client(self, password=None):
        return redis.Redis(self.host, self.port, password=password, socket_timeout=5, decode_responses=True)

    def ask(self, *command, password=None):
        try:
            with self.client(password) as client:
                return client.execute_command(*command)
        except redis.RedisError:
            return {}

    @property
    def role(self):
        return self.ask("INFO", "replication").get("role")


def plain_redis(cluster, name, port=None, **options):
    port = port or free_port()
    words = [word for option, value in options.items() for word in (f"--{option}", *str(value).split())]
    server = Plain(cluster, name, ["redis-server", "--port", port, "--bind", LOOPBACK, "--save", "", *words], port)
    server.start()
    wait_for(lambda: server.ask("PING", password=options.get("requirepass")), what=f"{name}'s start")
    return server
