"""redis.conf and sentinel.conf as people have them, and what the real servers say of them.

What each line means to the daemons is in unit/conf_file_test.cpp, unit/redis_conf_test.cpp and
unit/sentinel_server_conf_test.cpp.
"""

import os
import pathlib
import re
import subprocess

import pytest
import redis

from cluster import GROUP, LOOPBACK, free_port

SECRET = "s3cret-4711"
DEBIAN = pathlib.Path("/etc/redis")
# What the files of the project say without a comment; the paths are the test's.
SIZES = """
list-max-ziplist-size -2
list-compress-depth 0
set-max-intset-entries 512
hll-sparse-max-bytes 3000
stream-node-max-bytes 4096
stream-node-max-entries 100
activerehashing yes
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 32mb 8mb 60
hz 10
dynamic-hz yes
aof-rewrite-incremental-fsync yes
rdb-save-incremental-fsync yes
slowlog-log-slower-than 10000
slowlog-max-len 128
latency-monitor-threshold 0
notify-keyspace-events ""
"""
COMMON = SIZES + """
protected-mode yes
tcp-backlog 511
timeout 0
tcp-keepalive 300
pidfile {dir}/redis.pid
loglevel notice
logfile ""
databases 16
stop-writes-on-bgsave-error yes
rdbcompression yes
rdbchecksum yes
dbfilename dump.rdb
dir ./
replica-serve-stale-data yes
replica-read-only yes
repl-diskless-sync-delay 5
repl-disable-tcp-nodelay no
replica-priority 100
lazyfree-lazy-eviction no
appendonly no
appendfilename "appendonly.aof"
appendfsync everysec
no-appendfsync-on-rewrite no
aof-load-truncated yes
aof-use-rdb-preamble yes
"""
FILES = {
    "5.0": COMMON + "bind 127.0.0.1\nport 6379\ndaemonize no\nsupervised no\nalways-show-logo yes\nsave 900 1\nsave 300 10\n"
           "save 60 10000\nslave-lazy-flush no\nlua-time-limit 5000\nhash-max-ziplist-entries 512\n"
           "hash-max-ziplist-value 64\nzset-max-ziplist-entries 128\nzset-max-ziplist-value 64\n",
    "6.2": COMMON + "bind 127.0.0.1 -::1\nport 6379\ndaemonize no\nacllog-max-len 128\noom-score-adj no\n"
           "oom-score-adj-values 0 200 800\ndisable-thp yes\nreplica-lazy-flush no\njemalloc-bg-thread yes\n",
    "7.0": COMMON + "bind 127.0.0.1 -::1\nport 6379\ndaemonize no\nappenddirname \"appendonlydir\"\n"
           "aof-timestamp-enabled no\nrepl-diskless-sync yes\nhash-max-listpack-entries 512\n"
           "proc-title-template \"{{title}} {{listen-addr}} {{server-mode}}\"\n",
    "Bitnami": COMMON + "bind 0.0.0.0 ::\nport 6379\ndaemonize yes\nsave \"\"\nappendonly yes\nprotected-mode no\n"
               "rename-command FLUSHDB \"\"\nrename-command FLUSHALL \"\"\n",
}


def conf_of(cluster, text, name="user.conf", newline="\n"):
    path = cluster.directory / name
    path.write_bytes(text.replace("\n", newline).encode("utf-8", "surrogateescape"))
    return path


def lines_about(daemon, event):
    return daemon.log_lines(f"event={event}")


def skipped(daemon):
    """{directive: where}, of the lines that are not used."""
    found = {}
    for line in lines_about(daemon, "conf-line-skipped"):
        place, name = re.search(r" (\S+:\d+): (.+?) is not used: ", line).groups()
        assert name not in found, "once"
        found[name] = place
    return found


def number_of(path, directive):
    """The number of the directive's last line."""
    return max(number for number, line in enumerate(path.read_text().splitlines(), 1) if line.startswith(directive))


@pytest.mark.parametrize("name", FILES)
def test_files_of_other_versions_and_vendors(cluster, name):
    conf = conf_of(cluster, FILES[name].format(dir=cluster.directory))
    node = cluster.redis(REDIS_CONF=conf)
    node.await_serving()
    # 5.0 binds the address that the node has here.
    differ = ["port"] if name == "5.0" else ["bind", "port"]
    assert skipped(node) == {directive: f"{conf}:{number_of(conf, directive + ' ')}" for directive in differ}
    assert lines_about(node, "conf-line-hinders") == []
    assert node.ask("SET", "key", "value")
    assert node.ask("CONFIG GET", "bind") == {"bind": LOOPBACK}


@pytest.mark.skipif(not os.access(DEBIAN / "redis.conf", os.R_OK), reason="Debian's file is readable for root only")
def test_debians_own_redis_conf(cluster):
    # Its data and its log are another server's.
    conf = conf_of(cluster, f"include {DEBIAN}/redis.conf\ndir ./\nlogfile \"\"\n")
    node = cluster.redis(REDIS_CONF=conf)
    node.await_serving()
    stock = DEBIAN / "redis.conf"
    assert skipped(node) == {name: f"{stock}:{number_of(stock, name + ' ')}" for name in ("bind", "port")}


@pytest.mark.skipif(not os.access(DEBIAN / "sentinel.conf", os.R_OK), reason="Debian's file is readable for root only")
def test_debians_own_sentinel_conf_guards_no_group_of_its_own(cluster):
    node = cluster.redis()
    node.await_serving()
    conf = conf_of(cluster, f"include {DEBIAN}/sentinel.conf\ndir ./\nlogfile \"\"\n")
    sentinel = cluster.sentinel(SENTINEL_CONF=conf)
    sentinel.await_serving()
    stock = DEBIAN / "sentinel.conf"
    assert skipped(sentinel) == {"port": f"{stock}:{number_of(stock, 'port ')}",
                                 "sentinel monitor": f"{stock}:{number_of(stock, 'sentinel monitor ')}"}
    assert [fields[1] for fields in sentinel.ask("SENTINEL", "MASTERS")] == [GROUP]


def test_syntax_is_that_of_redis(cluster):
    (cluster.directory / "sub").mkdir()
    conf_of(cluster, "maxclients 100\nslowlog-max-len 5\n", "sub/one.conf")
    conf_of(cluster, "slowlog-max-len 6\n", "sub/two.conf", newline="\r\n")
    password = "\"'\\ #$%äü{}"
    quoted = "\"" + "".join(f"\\x{byte:02x}" for byte in password.encode()) + "\""
    socket = cluster.directory / "redis.sock"
    conf = conf_of(cluster, "# it's a comment\n \t# \"another\n\n"
                   "  MaxMemory-Policy   'allkeys-lru'\n"
                   "\"hz\" \"2\\x30\"\n"
                   "slowlog-max-len 4\n"
                   f"include {cluster.directory}/sub/*.conf\n"
                   f"include {cluster.directory}/none-*.conf\n"
                   f"requirepass {quoted}\n"
                   f"unixsocket {socket}\nio-threads 2\n"
                   "replica-announce-ip 10.9.9.9\n"
                   "user bob on >pw ~* &* +@all\n"
                   "dir ./", newline="\r\n")
    node = cluster.redis(REDIS_CONF=conf, REDIS_PASSWORD=password)
    node.await_serving()
    for setting, value in [("maxmemory-policy", "allkeys-lru"), ("hz", "20"), ("maxclients", "100"),
                           ("slowlog-max-len", "6"), ("io-threads", "2"), ("replica-announce-ip", LOOPBACK),
                           ("unixsocket", str(socket))]:
        assert node.ask("CONFIG GET", setting) == {setting: value}
    assert skipped(node) == {"replica-announce-ip": f"{conf}:12"}
    with redis.Redis(unix_socket_path=str(socket), username="bob", password="pw") as client:
        assert client.ping()


UNREADABLE = {
    "an open quote": (f"port 1\nrequirepass \"{SECRET}\n", 2, "the quotes do not match"),
    "a byte order mark": ("\ufeffport 1\n", 1, "byte order mark"),
    "a NUL byte": (f"masterauth {SECRET}\0\n", 1, "NUL byte"),
    "a missing file": ("\ninclude /no/such/file.conf\n", 2, "cannot read /no/such/file.conf"),
    "a file that includes itself": ("include user.conf\n", 1, "does a file include itself?"),
    "a device": ("include /dev/zero\n", 1, "larger than"),
    "TLS at the port": ("tls-replication yes\n", 1, "tls-replication cannot work"),
    "no INFO": (f"rename-command INFO {SECRET}\n", 1, "rename-command INFO cannot work"),
    "users in two places": (f"user bob on >{SECRET}\naclfile /etc/users.acl\n", 2, "aclfile cannot work"),
}


def ends(cluster, daemon, within=30, **env):
    """The code with which a daemon ends that was started so, and its errors."""
    # In its own directory: what is relative begins there.
    ended = subprocess.run([cluster.binaries / daemon], cwd=cluster.directory, capture_output=True, text=True,
                           timeout=within, env=cluster.env(PORT0=free_port(), **env), errors="replace")
    assert SECRET not in ended.stdout + ended.stderr
    return ended.returncode, [line for line in ended.stderr.splitlines() if " error " in line]


@pytest.mark.parametrize("daemon, option", [("redis-wrapper", "REDIS_CONF"), ("sentinel-wrapper", "SENTINEL_CONF")])
@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_work_ends_with_78_and_the_line(cluster, daemon, option, name):
    text, number, why = UNREADABLE[name]
    conf = conf_of(cluster, text)
    if daemon == "sentinel-wrapper":
        cluster.redis().await_serving()
    code, (error,) = ends(cluster, daemon, **{option: conf})
    assert code == 78
    assert f"exiting: {conf}:{number}: " in error and why in error and error.endswith("event=conf-refused")


@pytest.mark.parametrize("text, number, why", [
    ("maxclient 5\n", 1, "maxclient: Bad directive or wrong number of arguments"),
    (f"\nrequirpass {SECRET}\n", 2, "requirpass: Bad directive or wrong number of arguments"),
    (f"requirepass {SECRET} # mine\n", 1, "requirepass: wrong number of arguments"),
    ("include more.conf\n", None, "more.conf:2: hz: argument couldn't be parsed into an integer"),
    (f"user bob on >{SECRET} nonsense\n", 1, "user: Error in user declaration '...': Syntax error"),
    ("dir /no/such/directory\n", 1, "dir: No such file or directory"),
    ("logfile /no/such/directory/x.log\n", 1, "Can't open the log file"),
    ("rename-command NO-SUCH \"\"\n", 1, "rename-command: No such command"),
    ("cluster-enabled yes\n", 1, "cluster-enabled cannot work"),
])
def test_what_redis_refuses_ends_with_78_and_the_line(cluster, text, number, why):
    conf_of(cluster, "\nhz many\n", "more.conf")
    conf = conf_of(cluster, text)
    code, (error,) = ends(cluster, "redis-wrapper", REDIS_CONF=conf)
    assert code == 78
    assert why in error and (number is None or f"{conf}:{number}: " in error)


@pytest.mark.parametrize("text, number, why", [
    (f"sentinel auth-pas {GROUP} {SECRET}\n", 1, "sentinel auth-pas: Unrecognized sentinel configuration statement"),
    (f"port 1\nsentinel auth-pass {GROUP} {SECRET} x\n", 2, "sentinel auth-pass: Unrecognized"),
    ("maxclient 5\n", 1, "maxclient: Bad directive"),
    ("sentinel monitor other 192.0.2.1 6379 0\n", 1, "sentinel monitor: Quorum must be 1 or greater"),
])
def test_what_sentinel_refuses_ends_with_78_and_the_line(cluster, text, number, why):
    cluster.redis().await_serving()
    conf = conf_of(cluster, text)
    code, (error,) = ends(cluster, "sentinel-wrapper", SENTINEL_CONF=conf)
    assert code == 78
    assert f"{conf}:{number}: " in error and why in error


def test_sentinels_syntax_is_that_of_redis(cluster):
    node = cluster.redis()
    node.await_serving()
    conf_of(cluster, f"sentinel failover-timeout {GROUP} 7000\nsentinel monitor mymaster 127.0.0.1 6379 2\n", "more.conf")
    conf = conf_of(cluster, f"\"sentinel\" \"monitor\" \"{GROUP}\" 127.0.0.1 6379 2\n"
                   f"SENTINEL 'parallel-syncs' \"{GROUP}\" \"\\x33\"\n"
                   "include more.conf\nsentinel announce-ip 10.9.9.9\ndir ./\n", newline="\r\n")
    sentinel = cluster.sentinel(SENTINEL_CONF=conf, start=False)
    # Relative to where it works.
    conf_of(cluster, (cluster.directory / "more.conf").read_text(), f"{sentinel.name}/more.conf")
    sentinel.start()
    sentinel.await_serving()
    view = sentinel.view()
    assert (view["port"], view["parallel-syncs"], view["failover-timeout"]) == (node.port, 3, 7000)
    assert [fields[1] for fields in sentinel.ask("SENTINEL", "MASTERS")] == [GROUP]
    sentences = "\n".join(lines_about(sentinel, "conf-line-skipped"))
    assert f"{conf}:1: sentinel monitor is not used: the master of {GROUP} comes from ZooKeeper" in sentences
    assert "more.conf:2: sentinel monitor is not used: mymaster is at 127.0.0.1" in sentences
    assert f"{conf}:4: sentinel announce-ip is not used: others are told {LOOPBACK} (ANNOUNCE_IP)" in sentences


@pytest.mark.parametrize("text, places", [
    (f"requirepass {SECRET}\n", "{conf}:1: requirepass"),
    (f"user default on >{SECRET} ~* &* +@all\n", "{conf}:1: user"),
])
def test_a_password_of_the_users_own_is_asked_for(cluster, text, places):
    conf = conf_of(cluster, text)
    code, (error,) = ends(cluster, "redis-wrapper", REDIS_CONF=conf)
    assert code == 78
    assert "redis-server refuses REDIS_USERNAME and REDIS_PASSWORD; make them match REDIS_CONF; see " in error
    assert places.format(conf=conf) in error


@pytest.mark.parametrize("conf, place", [("protected-mode yes\n", ":1"), ("", "")])
@pytest.mark.parametrize("bound", ["to the address", "to all"])
def test_protected_mode_would_refuse_the_group(cluster, conf, place, bound):
    shown = subprocess.run(["ip", "-4", "-o", "address", "show", "scope", "global"], capture_output=True, text=True).stdout
    if not shown:
        pytest.skip("no address but loopback")
    address = shown.split()[3].partition("/")[0]
    path = conf_of(cluster, conf)
    env = {"BIND_IP": address} if bound == "to the address" else {"BIND_IP": "0.0.0.0", "ANNOUNCE_IP": address}
    code, (error,) = ends(cluster, "redis-wrapper", REDIS_CONF=path, **env)
    assert code == 78
    assert f"refuses every other host; set REDIS_PASSWORD, or protected-mode no in {path}{place} " in error
    assert "REDIS_USERNAME" not in error


def test_renamed_commands_are_named_at_the_start(cluster):
    text = "".join(f"rename-command {command} \"\"\n" for command in ("CONFIG", "CLIENT", "REPLICAOF", "SLAVEOF", "MULTI"))
    conf = conf_of(cluster, text)
    node = cluster.redis(REDIS_CONF=conf, FENCE="off")
    node.await_serving()
    lines = lines_about(node, "conf-line-hinders")
    assert [re.search(r":(\d+): rename-command (\S+): ", line).groups() for line in lines] == [
        ("1", "CONFIG"), ("2", "CLIENT"), ("3", "REPLICAOF"), ("4", "SLAVEOF"), ("5", "MULTI")]
    assert node.ask("SET", "key", "value")


def test_commands_that_an_acl_file_takes_away_are_named_at_the_start(cluster):
    users = cluster.directory / "users.acl"
    users.write_text("user default on nopass ~* &* +@all -config -client|pause\n")
    conf = cluster.directory / "acl.conf"
    conf.write_text(f"aclfile {users}\n")
    node = cluster.redis(REDIS_CONF=conf)
    node.await_serving()
    lines = node.log_lines("event=command-missing")
    assert [re.search(r"does not let REDIS_USERNAME run (.*?): ", line)[1] for line in lines] == [
        "CONFIG SET min-replicas-to-write 0", "CLIENT PAUSE 1 WRITE"]
    assert all(" warn " in line for line in lines)


def test_a_path_that_redis_would_take_for_a_pattern(cluster):
    conf = conf_of(cluster, "port 1\n", "user[1].conf")
    ended = subprocess.run([cluster.binaries / "redis-wrapper"], cwd=cluster.directory, capture_output=True, text=True,
                           timeout=30, env=cluster.env(PORT0=free_port(), REDIS_CONF=conf))
    assert ended.returncode == 78
    assert f'REDIS_CONF: found "{conf}", expected a path without *, ? and [' in ended.stderr
