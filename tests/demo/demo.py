"""A failover to watch: brings everything up on loopback, kills the master and shows what happens. See ./run demo."""

import logging
import pathlib
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from authority import Authority, client_options
from cluster import Cluster, wait_for
from writer import Writer

TTY = sys.stdout.isatty()
START = time.monotonic()


def say(text=""):
    print(text, flush=True)


def chapter(text):
    say(f"\n[{time.monotonic() - START:5.1f} s] {text}")


def event(when, since, text):
    say(f"   {when - since:+7.3f} s  {text}")


def show_waiting(since, text):
    """A line that counts; only where somebody sees it."""
    if TTY:
        print(f"\r   {time.monotonic() - since:+7.1f} s  {text}", end="", flush=True)


def clear_line():
    if TTY:
        print("\r\033[K", end="", flush=True)


def show_who_is_who(cluster, nodes, sentinels, watcher):
    names = {server.address: server.name for server in nodes + sentinels}
    rows = [("who", "address", "pid", "what it is"), ("zookeeper", cluster.zookeeper.address, cluster.zookeeper.pid, "")]
    for node in nodes:
        info = node.info()
        if not info:
            rows.append((node.name, node.address, "-", "dead"))
        elif info["role"] == "master":
            rows.append((node.name, node.address, node.pid, f"MASTER of {info['connected_slaves']} replicas"))
        else:
            master = names.get(f"{info['master_host']}:{info['master_port']}")
            rows.append((node.name, node.address, node.pid, f"replica of {master}"))
    for sentinel in sentinels:
        view = sentinel.view()
        master = names.get(f"{view['ip']}:{view['port']}")
        rows.append((sentinel.name, sentinel.address, sentinel.pid, f"guards {master}, quorum {view['quorum']}"))
    rows.append((watcher.name, watcher.address, watcher.pid, f"follows {names[watcher.followed()]}"))
    widths = [max(len(str(row[column])) for row in rows) for column in range(4)]
    say()
    for row in rows:
        say("   " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths)).rstrip())
    say()


def show_answer(watcher, path):
    say(f"   curl http://{watcher.address}{path}".ljust(48) + watcher.get(path))


def kill_master(cluster, master, watcher, writer):
    """Kills it and tells what follows, in the order in which it happens."""
    killed = time.monotonic()
    master.kill_all()
    event(killed, killed, f"kill -9 {master.name} and its redis-server")
    awaited = {
        "the record /redis/master in ZooKeeper says {}": lambda: changed(cluster.record()),
        "the watcher answers /master with {}": lambda: changed(watcher.get("/master")),
        # The answer to a write that the old master made may arrive a moment after its end.
        "the application writes again": lambda: writer.first_after(killed + 0.1),
    }
    happened = []

    def changed(answer):
        return answer if answer != master.record else ""

    def everything_happened():
        show_waiting(killed, "without a master")
        for text, ask in list(awaited.items()):
            if answer := ask():
                happened.append((answer if isinstance(answer, float) else time.monotonic(), text.format(answer)))
                del awaited[text]
        return not awaited

    wait_for(everything_happened, what="the failover", every=0.002)
    clear_line()
    for when, text in sorted(happened):
        event(when, killed, text)


def use_tls(cluster):
    chapter("An authority, and one certificate for all servers and daemons")
    authority = Authority(cluster.directory / "tls")
    authority.certify("node")
    cluster.add_env(**authority.options("node"))
    say(f"   REDIS_TLS=on, {authority.directory}/*")


def tell(cluster):
    chapter("ZooKeeper")
    cluster.start_zookeeper()
    chapter("Three redis-wrappers, three sentinel-wrappers and a watcher, all at once. Each is told where ZooKeeper is\n"
            "          and nothing else; who is the master is for them to find out.")
    nodes, sentinels, (watcher,) = cluster.bring_up()
    chapter("They agree:")
    show_who_is_who(cluster, nodes, sentinels, watcher)
    for path in ("/sentinels", "/master"):
        show_answer(watcher, path)

    chapter("An application asks /sentinels, then redis-py asks those for the master. It writes every 10 ms.")
    writer = Writer(watcher.sentinels, tls=client_options(watcher.env))
    writer.start()
    writer.await_more(100)
    say(f"   {len(writer.acknowledged)} writes acknowledged")

    master = cluster.master(nodes)
    chapter("The machine of the master dies:")
    kill_master(cluster, master, watcher, writer)
    writer.await_more(100)
    writer.stop()
    paused, resumed = writer.longest_pause()
    acknowledged = len(writer.acknowledged)
    there = acknowledged - len(writer.missing(cluster.sentinel_client(watcher)))
    say(f"\n   {resumed - paused:.2f} s without a write; of {acknowledged} acknowledged writes {there} are there")
    show_answer(watcher, "/master")

    chapter(f"The scheduler starts {master.name} again:")
    master.start()
    master.await_serving()
    cluster.await_agreement(nodes, sentinels, [watcher])
    show_who_is_who(cluster, nodes, sentinels, watcher)
    return nodes, watcher


def invite(cluster, nodes, watcher):
    sentinel_host, sentinel_port = watcher.sentinels()[0]
    master = cluster.master(nodes)
    ca = watcher.env.get("REDIS_TLS_CA_CERT_FILE")
    cli = f"redis-cli --tls --cacert {ca}" if ca else "redis-cli"
    chapter("It stays up until Ctrl-C. To try:")
    say(f"   curl http://{watcher.address}/sentinels\n"
        f"   {cli} -h {sentinel_host} -p {sentinel_port} sentinel master master1\n"
        f"   {cli} -h {master.host} -p {master.port} info replication\n"
        f"   kill -9 {master.pid} {master.child}   # the master\n"
        f"   logs: {cluster.directory}/*/log")
    signal.pause()


def main():
    # Nothing is left running, however it is asked to end.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # Its farewell to a ZooKeeper that was stopped first is no news.
    logging.getLogger("kazoo").addHandler(logging.NullHandler())
    keep = "--keep" in sys.argv[1:]
    tls = "--tls" in sys.argv[1:]
    stopped = False
    say("redis-zk: Redis made highly available through ZooKeeper. Everything below is real and runs on this machine.")
    with Cluster() as cluster:
        try:
            if tls:
                use_tls(cluster)
            nodes, watcher = tell(cluster)
            if keep:
                invite(cluster, nodes, watcher)
        except KeyboardInterrupt:
            say()
            stopped = not keep
    chapter("Everything is stopped and cleaned up.")
    return 130 if stopped else 0


if __name__ == "__main__":
    sys.exit(main())
