"""A fleet that costs little: hundreds of groups of three Redis, and three Sentinels that monitor all of them, in one
process: `simulated.py PORT GROUPS ZOOKEEPER_PORT INFO_FILE`.

Every server has a loopback address of its own and all have the same port, so one socket is enough: the address that a
client connected to says whom it asks. They answer what daemons ask, with as many bytes as real servers, and their
wrappers' ZooKeeper sessions are real (sessions.py). Commands to 127.0.0.1 change the fleet:

    SILENCE N    the third server of the first N groups answers nothing any more
    PROMOTE N    in the first N groups the next server is the master, in a new epoch, and the Sentinels publish it
    BUSY 0|1     whether applications write to the groups: their wrappers tell ZooKeeper so

INFO_FILE: what a real redis-server answers to INFO.
"""

import asyncio
import hashlib
import json
import pathlib
import signal
import sys
import uuid

from sessions import Registration, Wrapper

CONTROL = "127.0.0.1"
NODES = 3
SENTINELS = [f"127.19.0.{number}" for number in range(1, 4)]
# As many as a history remembers at most.
ANCESTORS = 64
# The groups of one /24, so that every address is one.
IN_ONE_NET = 200


def stable_uuid(text):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, text))


def stable_id(text):
    """As replication and run ids are: 40 hexadecimal digits."""
    return hashlib.sha1(text.encode()).hexdigest()


def sentinel_id(host):
    digits = stable_uuid(host).replace("-", "")
    return digits + digits[:8]


# --- RESP


def encode(value):
    if isinstance(value, bytes):  # a simple string
        return b"+" + value + b"\r\n"
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, str):
        return b"$%d\r\n%s\r\n" % (len(value), value.encode())
    return b"*%d\r\n%s" % (len(value), b"".join(map(encode, value)))


def take_commands(buffer):
    """(the whole commands in it, what is left). No word of theirs contains a line break."""
    found, lines, at = [], buffer.split(b"\r\n"), 0
    while at < len(lines) - 1:
        end = at + 1 + 2 * int(lines[at][1:])
        if end > len(lines) - 1:
            break
        found.append([word.decode() for word in lines[at + 2:end:2]])
        at = end
    return found, b"\r\n".join(lines[at:])


# --- the groups


class Group:
    def __init__(self, number):
        self.name = f"group-{number:03}"
        self.hosts = [f"127.{20 + number // IN_ONE_NET}.{1 + number % IN_ONE_NET}.{node}"
                      for node in range(1, NODES + 1)]
        self.leader = 0
        self.epoch = 0
        # With the data.
        self.offset = 5000

    @property
    def master(self):
        return self.hosts[self.leader]

    @property
    def replicas(self):
        return [host for host in self.hosts if host != self.master]

    @property
    def replication_id(self):
        return stable_id(f"{self.name} {self.epoch}")

    @property
    def dataset(self):
        return {"bytes": 1_500_000, "offset": self.offset, "previous_id": "", "replication_id": self.replication_id}

    @property
    def history(self):
        ancestors = [{"replication_id": stable_id(f"{self.name} {number}"), "until": number}
                     for number in range(ANCESTORS)]
        return json.dumps({"ancestors": ancestors, "node": stable_uuid(self.master), "offset": self.offset,
                           "replication_id": self.replication_id}, separators=(",", ":"))


class Fleet:
    def __init__(self, port, count, info):
        self.port = port
        self.info = info
        self.groups = {group.name: group for group in map(Group, range(count))}
        self.group_of = {host: group for group in self.groups.values() for host in group.hosts}
        self.silent = set()
        self.followers = set()  # connections that hear what Sentinels publish
        self.busy = False
        self._cached = {}

    def record(self, host):
        return f"{host} {self.port}"

    def member(self, host):
        """What the wrapper of this server registers."""
        return json.dumps({"dataset": self.group_of[host].dataset, "endpoint": self.record(host),
                           "node": stable_uuid(host), "serving": True, "version": "0.2.0"}, separators=(",", ":"))

    def report(self, host):
        """What it says every twenty seconds of its data."""
        return json.dumps({"dataset": self.group_of[host].dataset, "endpoint": self.record(host)}, separators=(",", ":"))

    # --- what is answered

    def answer(self, host, words):
        """Bytes; nothing where no answer comes."""
        if host == CONTROL:
            return encode(self._control(*words))
        if host in self.silent:
            return b""
        key = (host, *words)
        if key not in self._cached:
            answer = self._of_sentinel if host in SENTINELS else self._of_server
            self._cached[key] = encode(answer(host, [word.upper() for word in words[:2]], words[-1]))
        return self._cached[key]

    def _control(self, what, count):
        chosen = list(self.groups.values())[:int(count)]
        if what == "SILENCE":
            self.silent = {group.hosts[-1] for group in chosen}
        elif what == "PROMOTE":
            for group in chosen:
                self._promote(group)
        else:
            self.busy = count != "0"
        return b"OK"

    def _promote(self, group):
        before = group.master
        group.leader = (group.leader + 1) % NODES
        group.epoch += 1
        self._cached.clear()
        payload = f"{group.name} {before} {self.port} {group.master} {self.port}"
        for follower in self.followers:
            follower.write(encode(["pmessage", "*", "+switch-master", payload]))

    def _of_server(self, host, words, _):
        if words[0] == "INFO":
            return self.info + self._replication(host)
        if words[0] == "PING":
            return b"PONG"
        if words[:2] == ["CLIENT", "LIST"]:
            return "".join(f"id={number} addr={sentinel}:4{number}000 laddr={host}:{self.port} fd=8 "
                           f"name=sentinel-{sentinel_id(sentinel)[:8]}-pubsub age=100 idle=1 flags=P db=0 sub=1 psub=0 "
                           "ssub=0 multi=-1 qbuf=0 qbuf-free=20474 argv-mem=0 multi-mem=0 rbs=1024 rbp=0 obl=0 oll=0 "
                           "omem=0 tot-mem=22400 events=r cmd=subscribe user=default redir=-1 resp=2\n"
                           for number, sentinel in enumerate(SENTINELS, 1))
        return [] if words[0] == "CONFIG" else b"OK"

    def _replication(self, host):
        group = self.group_of[host]
        lines = [f"master_replid:{group.replication_id}", f"master_replid2:{'0' * 40}", "second_repl_offset:-1",
                 f"master_repl_offset:{group.offset}"]
        if host == group.master:
            lines += ["role:master", f"connected_slaves:{NODES - 1}"]
            lines += [f"slave{number}:ip={replica},port={self.port},state=online,offset={group.offset},lag=0"
                      for number, replica in enumerate(group.replicas)]
        else:
            lines += ["role:slave", f"master_host:{group.master}", f"master_port:{self.port}", "master_link_status:up",
                      "master_last_io_seconds_ago:0", "master_sync_in_progress:0", f"slave_repl_offset:{group.offset}",
                      "slave_priority:100", "slave_read_only:1", "connected_slaves:0"]
        return "# Replication\r\n" + "\r\n".join(lines) + "\r\n"

    def _of_sentinel(self, host, words, last):
        if words[0] == "SENTINEL":
            return self._about_groups(host, words[1], self.groups.get(last))
        if words[0] == "INFO":
            masters = [f"master{number}:name={group.name},status=ok,address={group.master}:{self.port},"
                       f"slaves={NODES - 1},sentinels={len(SENTINELS)}"
                       for number, group in enumerate(self.groups.values())]
            return "\r\n".join(["# Sentinel", f"sentinel_masters:{len(masters)}", "sentinel_tilt:0",
                                "sentinel_running_scripts:0", *masters, ""])
        if words[0] == "PSUBSCRIBE":
            return ["psubscribe", "*", 1]
        return b"PONG" if words[0] == "PING" else b"OK"

    def _about_groups(self, host, question, group):
        if question == "MYID":
            return sentinel_id(host)
        if question == "MASTERS":
            return [self._master_fields(each) for each in self.groups.values()]
        if question == "IS-MASTER-DOWN-BY-ADDR":
            return [0, "*", 0]
        if group is None:
            return b"OK"
        if question == "MASTER":
            return self._master_fields(group)
        if question == "GET-MASTER-ADDR-BY-NAME":
            return [group.master, str(self.port)]
        if question == "SENTINELS":
            return [self._fields(peer, "sentinel", sentinel_id(peer)) for peer in SENTINELS if peer != host]
        return [self._fields(replica, "slave", stable_id(replica), "master-link-down-time", "0", "master-link-status",
                             "ok", "master-host", group.master, "master-port", str(self.port), "slave-priority", "100",
                             "slave-repl-offset", str(group.offset), "replica-announced", "1")
                for replica in group.replicas]

    def _fields(self, host, flags, run_id, *more):
        return ["name", f"{host}:{self.port}", "ip", host, "port", str(self.port), "runid", run_id, "flags", flags,
                "link-pending-commands", "0", "link-refcount", "1", "last-ping-sent", "0", "last-ok-ping-reply", "300",
                "last-ping-reply", "300", "down-after-milliseconds", "1500", "info-refresh", "300", "role-reported",
                flags, "role-reported-time", "100000", *more]

    def _master_fields(self, group):
        return self._fields(group.master, "master", stable_id(group.master), "config-epoch", str(group.epoch),
                            "num-slaves", str(NODES - 1), "num-other-sentinels", str(len(SENTINELS) - 1), "quorum", "2",
                            "failover-timeout", "10000", "parallel-syncs", "1")


class Connection(asyncio.Protocol):
    def __init__(self, fleet):
        self._fleet = fleet
        self._buffer = b""

    def connection_made(self, transport):
        self._transport = transport
        self._host = transport.get_extra_info("sockname")[0]

    def data_received(self, data):
        commands, self._buffer = take_commands(self._buffer + data)
        answers = []
        for words in commands:
            answers.append(self._fleet.answer(self._host, words))
            if words[0].upper() == "PSUBSCRIBE":
                self._fleet.followers.add(self._transport)
        self._transport.write(b"".join(answers))

    def connection_lost(self, _):
        self._fleet.followers.discard(self._transport)


# --- their wrappers


def wrapper_of(fleet, host, zookeeper_port):
    group, node = fleet.group_of[host], stable_uuid(host)

    def reports():
        group.offset += 1
        # The offset of a quiet group grows, too, because its master pings the replicas.
        of_group = [(f"/redis/history/{group.name}", group.history)] if host == group.master else []
        return of_group + ([(f"/redis/datasets/{group.name}/{node}", fleet.report(host))] if fleet.busy else [])

    member = Registration(f"/redis/members/{group.name}/{node}", lambda: fleet.member(host))
    return Wrapper(zookeeper_port, [member], reports)


def sentinel_wrapper_of(fleet, host, zookeeper_port):
    name = stable_uuid(host)
    return Wrapper(zookeeper_port, [Registration(f"/redis/{path}", lambda: fleet.record(host))
                                    for path in (f"sentinels/{name}", f"identities/{name}/taken")], lambda: [])


async def main():
    port, count, zookeeper_port = map(int, sys.argv[1:4])
    fleet = Fleet(port, count, pathlib.Path(sys.argv[4]).read_text())
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Connection(fleet), "0.0.0.0", port, backlog=4096)
    wrappers = [wrapper_of(fleet, host, zookeeper_port) for host in fleet.group_of]
    wrappers += [sentinel_wrapper_of(fleet, host, zookeeper_port) for host in SENTINELS]
    living = [asyncio.create_task(wrapper.live()) for wrapper in wrappers]
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    for task in living:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
