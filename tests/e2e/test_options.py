"""Options: where they come from, and what is said when they are wrong."""

import os
import re
import shutil
import subprocess
import tempfile
import time

import pytest

from cluster import LOOPBACK, ROOT, Cluster, free_port, processes_in

DAEMONS = ["redis-wrapper", "sentinel-wrapper", "watcher"]
WRAPPERS = DAEMONS[:2]
LONG = "x" * 5000


@pytest.fixture(scope="module")
def nothing():
    """A cluster in which nothing runs."""
    with Cluster() as cluster:
        yield cluster


def run(cluster, daemon, *args, **env):
    """(exit code, lines on stdout, lines on stderr) of a run that is to end within two seconds."""
    directory = cluster.directory / daemon
    directory.mkdir(exist_ok=True)
    started = time.monotonic()
    ended = subprocess.run([cluster.binaries / daemon, *args], cwd=directory, capture_output=True, errors="replace",
                           timeout=10, env=cluster.env(**{"ZK_HOSTS": "127.0.0.1:1", "PORT0": free_port(), **env}))
    assert time.monotonic() - started < 2
    assert processes_in(directory) == []
    return ended.returncode, ended.stdout.splitlines(), ended.stderr.splitlines()


# --- right


@pytest.mark.parametrize("daemon", DAEMONS)
def test_help_lists_every_option_with_its_four_names(nothing, daemon):
    code, lines, errors = run(nothing, daemon, "--help")
    assert (code, errors) == (0, [])
    options = [(number, line.split()) for number, line in enumerate(lines) if re.match("  --[a-z0-9-]+   [A-Z]", line)]
    assert len(options) >= 12
    for number, (flag, env, *key) in options:
        assert flag == "--" + env.lower().replace("_", "-")
        assert key == [env.lower()] or env == "CONFIG_FILE"
        assert any(line.startswith("      default: ") for line in lines[number:number + 6]), env


@pytest.mark.parametrize("daemon", DAEMONS)
def test_version(nothing, daemon):
    assert run(nothing, daemon, "--version") == (0, [f"{daemon} 0.2.0"], [])


def test_flag_over_environment_over_file_over_default(cluster):
    file = cluster.directory / "watcher.toml"
    ports = [free_port() for _ in range(3)]
    file.write_text(f"port0 = {ports[0]}\n")

    def served(*args, **env):
        watcher = cluster.watcher(start=False, **env)
        watcher.argv += [str(arg) for arg in args]
        watcher.start()
        address = re.search(r" node=(\S+)", watcher.wait_log("event=http-listening"))[1]
        watcher.stop()
        return address

    given = {"CONFIG_FILE": file, "BIND_IP": LOOPBACK}
    assert served(PORT0=None, **given) == f"{LOOPBACK}:{ports[0]}"
    assert served(PORT0="", **given) == f"{LOOPBACK}:{ports[0]}", "an empty variable is none"
    assert served(PORT0=ports[1], **given) == f"{LOOPBACK}:{ports[1]}"
    assert served("--port0", ports[2], PORT0=ports[1], **given) == f"{LOOPBACK}:{ports[2]}"
    assert served(PORT0=ports[1], BIND_IP=None) == f"0.0.0.0:{ports[1]}"


def test_example_of_the_config_file_is_accepted(nothing):
    code, _, errors = run(nothing, "watcher", "--config-file", ROOT / "conf/watcher.toml", ZK_CONNECT_TIMEOUT="100ms")
    assert code == 69 and not any("watcher.toml" in line for line in errors)


# --- wrong

NUMBER = "a whole number from {} to {}"
PORT = NUMBER.format(1, 65535)
DURATION = "a duration"
PATH = 'a ZooKeeper path like "/redis"'
IP = "an IPv4 or IPv6 address"
HOST = "an IP address or a host name"
TEXT = "text without control characters"
NAME = "a name of letters, digits, '.', '_' and '-'"
LEVEL = "trace, debug, info, warn, error or off"
FORMAT = "text or json"

# Option, who has it, values that are refused, what is expected instead.
WRONG = [
    ("ZK_HOSTS", DAEMONS, ["a:b", ",", "a,,b", "a:0", "a:65536", "a b:1", "[::1", "::1:2181:", "-a:1", "10.0.0.999:2181",
                           LONG, "a:1;b:2"], '"host:port,host:port..." with an optional "/chroot"'),
    ("ZK_HOSTS", DAEMONS, ["a:1/", "a:1//b", "a:1/b/", "http://a:1"], 'after the hosts a chroot like "/path"'),
    ("ZK_ROOT", DAEMONS, ["redis", "/", "/redis/", "//redis", "/a/../b", "/a b", "/a\tb", "."], PATH),
    ("ZK_SESSION_TIMEOUT", DAEMONS, ["abc", "0", "-1", "999ms", "11m", "1.5s", "10 s", "10S", "1e1", "s",
                                     "99999999999999999999"], DURATION),
    ("ZK_CONNECT_TIMEOUT", DAEMONS, ["abc", "0", "99ms", "2h", "-5s", "5sec"], DURATION),
    ("ZK_USERNAME", DAEMONS, ["a:b", ":", "a\nb"], "a name without colons and control characters"),
    ("ZK_PASSWORD_FILE", DAEMONS, ["/no/such/file", "/", "/dev/null"], "a "),
    ("ZK_ACL", DAEMONS, ["public", "PRIVATE", "private ", "off"], "open, readable or private"),
    ("MASTER_NAME", DAEMONS, ["a b", "a/b", "..", ".", "a\tb", "naïve", "a;b"], NAME),
    ("LOG_LEVEL", DAEMONS, ["loud", "INFO", "info ", "3"], LEVEL),
    ("LOG_FORMAT", DAEMONS, ["xml", "JSON", "json ", "1"], FORMAT),
    ("REDIS_USERNAME", DAEMONS, ["a\nrequirepass b", "\t"], TEXT),
    ("SENTINEL_USERNAME", DAEMONS, ["a\nrequirepass b", "\t"], TEXT),
    ("REDIS_PASSWORD_FILE", DAEMONS, ["/no/such/file", "/", "/dev/null"], "a "),
    ("SENTINEL_PASSWORD_FILE", DAEMONS, ["/no/such/file", "/", "/dev/null"], "a "),
    ("TRUSTED_NETWORKS", DAEMONS, ["10.0.0.0/33", "10.0.0.0/a"], "10.0.0.0/0 to 10.0.0.0/32"),
    ("TRUSTED_NETWORKS", DAEMONS, ["redis.internal", "10.0.0.0/8,", ",", "10.0/8", "any"],
     "addresses or networks such as"),
    ("TRUSTED_NETWORKS", DAEMONS, ["10.1.2.3/8"], "10.0.0.0/8 for that network, or 10.1.2.3 for that address alone"),
    ("STRICT_SECRETS", DAEMONS, ["yes", "ON", "1", "warn"], "on or off"),
    ("REDIS_TLS", DAEMONS, ["yes", "ON", "required"], "on or off"),
    ("REDIS_TLS_CA_CERT_FILE", DAEMONS, ["a\nb"], TEXT),
    ("REDIS_TLS_CERT_FILE", DAEMONS, ["a\nb"], TEXT),
    ("REDIS_TLS_KEY_FILE", DAEMONS, ["a\nb"], TEXT),
    ("PORT0", DAEMONS, ["abc", "0", "65536", "-1", "1.5", "80 ", " 80", "0x50", "+80", "80,81",
                        "99999999999999999999"], PORT),
    ("BIND_IP", DAEMONS, ["localhost", "1.2.3", "1.2.3.256", "::g", "[::1]", "127.0.0.1:80", "127.0.0.1 "], IP),
    ("NET_IFACE", WRAPPERS, ["a\nb"], TEXT),
    ("ANNOUNCE_IP", WRAPPERS, ["a b", "-a", "a..b", "10.0.0.999", "a:1", LONG], HOST),
    ("ANNOUNCE_PORT", WRAPPERS, ["abc", "0", "65536"], PORT),
    ("MASTER_WAIT_TIMEOUT", WRAPPERS, ["soon", "-1", "1d"], DURATION),
    ("START_TIMEOUT", WRAPPERS, ["0", "abc", "25h"], DURATION),
    ("STOP_TIMEOUT", WRAPPERS, ["0", "abc", "25h"], DURATION),
    ("WORK_DIR", WRAPPERS, ["a\nb"], TEXT),
    ("RUN_DIR", WRAPPERS, ["a\nb"], TEXT),
    ("REDIS_CONF", ["redis-wrapper"], ["a\nb"], TEXT),
    ("REDIS_SERVER_BIN", ["redis-wrapper"], ["a\nb"], TEXT),
    ("HANDOVER_TIMEOUT", ["redis-wrapper"], ["abc", "-1", "61m", "2h"], DURATION),
    ("COLD_START_WAIT", ["redis-wrapper"], ["abc", "-1", "25h"], DURATION),
    ("FORCE_MASTER", ["redis-wrapper"], ["host", "host:0", "1a2b3c4", "1" * 41, "g" * 40, ":6379"],
     "host:port, or 8 to 40 digits of a replication id"),
    ("FENCE", ["redis-wrapper"], ["yes", "ON", "observe"], "on or off"),
    ("RECOVERY_PATIENCE", ["redis-wrapper"], ["-1s", "25h", "abc"], DURATION),
    ("FENCE_PATIENCE", ["redis-wrapper"], ["0", "99ms", "2h", "abc"], DURATION),
    ("SENTINEL_CONF", ["sentinel-wrapper"], ["a\nb"], TEXT),
    ("SENTINEL_SERVER_BIN", ["sentinel-wrapper"], ["a\nb"], TEXT),
    ("SENTINEL_QUORUM", ["sentinel-wrapper"], ["0", "-1", "two", "1001", "1.5"], NUMBER.format(1, 1000)),
    ("SENTINEL_DOWN_AFTER_MS", ["sentinel-wrapper"], ["0", "99", "1s", "3600001"], NUMBER.format(100, 3600000)),
    ("SENTINEL_INFO_PERIOD", ["sentinel-wrapper"], ["0", "99ms", "61s", "abc"], DURATION),
    ("UPDATE_MASTER", ["watcher"], ["off", "ON", "yes", "observe "], "observe or on"),
    ("SENTINEL_TIMEOUT", ["watcher"], ["0", "299ms", "2m", "abc"], DURATION),
    ("CLEANUP", ["watcher"], ["yes", "ON", "no"], "off, observe or on"),
    ("CLEANUP_PATIENCE", ["watcher"], ["0", "999ms", "25h", "abc"], DURATION),
    ("OBSERVE_INTERVAL", ["watcher"], ["-1", "2h", "abc"], DURATION),
    ("ADMIN_TOKEN_FILE", ["watcher"], ["/no/such/file", "/", "/dev/null", "/etc/hostname"],
     "a readable file with a token of 16"),
    ("ADMIN_INSECURE", ["watcher"], ["yes", "ON", "1"], "on or off"),
    ("HTTP_ALLOWED_HOSTS", ["watcher"], ["watcher:8080", "a,,b", "a b", "http://watcher"],
     "host names or addresses without a port, separated by commas"),
    ("HTTP_TLS_CERT_FILE", ["watcher"], ["a\nb"], TEXT),
    ("HTTP_TLS_KEY_FILE", ["watcher"], ["a\nb"], TEXT),
    ("HTTP_TLS_CA_CERT_FILE", ["watcher"], ["a\nb"], TEXT),
    ("HTTP_TLS_VERIFY_CLIENT", ["watcher"], ["on", "off", "REQUIRED", "require"], "none, optional or required"),
    ("WATCHER_CA_CERT_FILE", ["watcher"], ["a\nb"], TEXT),
    ("WATCHER_URL", ["watcher"], ["host:1", "ftp://host:1", "http://", "https://", "http://host:0", "https://a b:1"],
     "http://HOST:PORT or https://HOST:PORT"),
]


@pytest.mark.parametrize("daemon", DAEMONS)
def test_no_option_is_left_out_below(nothing, daemon):
    told = {line.split()[1] for line in run(nothing, daemon, "--help")[1] if re.match("  --[a-z0-9-]+   [A-Z]", line)}
    assert told - {"CONFIG_FILE"} == {option for option, daemons, *_ in WRONG if daemon in daemons}


@pytest.mark.parametrize("option, daemon, values, expected",
                         [pytest.param(option, daemon, values, expected, id=f"{daemon}-{option}")
                          for option, daemons, values, expected in WRONG for daemon in daemons])
def test_wrong_value(nothing, option, daemon, values, expected):
    flag, key = "--" + option.lower().replace("_", "-"), option.lower()
    file = nothing.directory / "wrong.toml"
    for value in values:
        ways = [(64, "flag", [f"{flag}={value}"], {}), (78, "environment", [], {option: value})]
        if value.isprintable():
            file.write_text(f'{key} = "{value}"\n')
            ways.append((78, f"{file}:1", [], {option: None, "CONFIG_FILE": file}))
        for code, source, args, env in ways:
            said = run(nothing, daemon, *args, **env)
            assert (said[0], said[1], len(said[2])) == (code, [], 1), (value, source, said)
            (line,) = said[2]
            assert line.startswith(f"{daemon}: {option}") and expected in line, line
            if value.isprintable():
                assert f"({source}): found \"{value[:120]}" in line, line


@pytest.mark.parametrize("daemon", DAEMONS)
def test_all_errors_at_once(nothing, daemon):
    code, _, errors = run(nothing, daemon, ZK_HOSTS=",", ZK_ROOT="x", PORT0="abc", LOG_LEVEL="loud")
    assert code == 78
    assert [line.split()[1] for line in errors] == ["ZK_HOSTS", "ZK_ROOT", "LOG_LEVEL", "PORT0"]


@pytest.mark.parametrize("daemon", [*DAEMONS, "watcher secure-zookeeper", "watcher doctor"])
@pytest.mark.parametrize("env, line", [
    ({"ZK_USERNAME": "u"}, "ZK_PASSWORD: found none, "),
    ({"ZK_USERNAME": "u", "ZK_PASSWORD": ""}, "ZK_PASSWORD: found none, "),
    ({"ZK_PASSWORD": "secret"}, "ZK_USERNAME: found none, "),
    ({"ZK_PASSWORD_FILE": "/etc/hostname"}, "ZK_USERNAME: found none, "),
    ({"ZK_ACL": "private"}, "ZK_ACL: found readable or private, "),
    ({"ZK_ACL": "readable"}, "ZK_ACL: found readable or private, "),
])
def test_zookeeper_credentials_that_do_not_fit(nothing, daemon, env, line):
    name, *command = daemon.split()
    code, output, errors = run(nothing, name, *command, **env)
    assert (code, output, len(errors)) == (78, [], 1), errors
    assert errors[0].startswith(f"{name}: {line}") and "secret" not in errors[0]


@pytest.mark.parametrize("args", [
    ["--no-such-flag"], ["--port0"], ["--port0", "1", "--port0", "2"], ["argument"], ["--", "x"], ["-x"],
    ["--port", "80"], [""], ["--help=maybe"], ["\n"], ["--port0", "7000", "--zk-hosts"], ["--config-file"],
    ["--config-file", "/dev/null", "--log-level"],
])
@pytest.mark.parametrize("daemon", DAEMONS)
def test_wrong_command_line(nothing, daemon, args):
    code, output, errors = run(nothing, daemon, *args)
    assert (code, output) == (64, [])
    assert errors and all(line.startswith(f"{daemon}: ") for line in errors)


@pytest.mark.parametrize("daemon", DAEMONS)
@pytest.mark.parametrize("path", ["/no/such/file", "/etc", "a\nb"])
def test_config_file_that_is_not_there(nothing, daemon, path):
    for args, env in [(["--config-file", path], {}), ([], {"CONFIG_FILE": path})]:
        code, output, errors = run(nothing, daemon, *args, **env)
        assert (code, output, len(errors)) == (78, [], 1), errors
        assert errors[0].startswith(f"{daemon}: CONFIG_FILE: found ") and "expected a readable file" in errors[0]


@pytest.mark.parametrize("daemon", DAEMONS)
@pytest.mark.parametrize("option", ["CONFIG_FILE", "SENTINEL_PASSWORD_FILE", "REDIS_PASSWORD_FILE"])
@pytest.mark.parametrize("kind, why", [
    ("pipe", "a pipe without a writer"),
    ("/dev/zero", "it is larger than 16777216 bytes"),
    ("/etc", "Is a directory"),
])
def test_file_that_has_no_end_or_no_beginning(nothing, daemon, option, kind, why):
    path = nothing.directory / "pipe"
    if kind == "pipe" and not path.exists():
        os.mkfifo(path)
    code, _, errors = run(nothing, daemon, **{option: path if kind == "pipe" else kind})
    assert (code, len(errors)) == (78, 1), errors
    assert option in errors[0] and "expected a readable file" in errors[0] and why in errors[0]


@pytest.mark.parametrize("daemon", DAEMONS)
@pytest.mark.parametrize("text, found", [("", "no line"), ("\na-secret\n", "an empty first line"),
                                         ("a-secret\nold\nolder\n", "3 lines")])
def test_password_file_with_anything_but_one_line_or_two(nothing, daemon, text, found):
    secret = nothing.directory / "lines.secret"
    secret.write_text(text)
    secret.chmod(0o600)
    for option in ("REDIS_PASSWORD_FILE", "SENTINEL_PASSWORD_FILE"):
        code, output, errors = run(nothing, daemon, **{option: secret})
        assert (code, output, len(errors)) == (78, [], 1), errors
        assert f"{option} (environment): found \"{secret}\", expected a file whose first line " in errors[0]
        assert errors[0].endswith(f"it has {found}") and "a-secret" not in errors[0]


@pytest.mark.parametrize("text, found", [
    ("", "it has no line"), ("a-secret\n", "line 1 has a token of 8 characters"),
    ("alice:a-secret-of-the-tests\nalice:a-secret-of-others\n", "line 2 has the name of line 1"),
    ("alice:a-secret-of-the-tests\nbob:a-secret-of-the-tests\n", "line 2 has the token of line 1"),
    ("alice:a-secret-of-the-tests\na-secret-of-others\n", "line 2 of 2 has no name")])
def test_admin_token_file(nothing, text, found):
    secret = nothing.directory / "lines.secret"
    secret.write_text(text)
    secret.chmod(0o600)
    code, output, errors = run(nothing, "watcher", ADMIN_TOKEN_FILE=secret)
    assert (code, output, len(errors)) == (78, [], 1), errors
    assert f"ADMIN_TOKEN_FILE (environment): found \"{secret}\", expected a readable file with a token" in errors[0]
    assert errors[0].endswith(f"; {found}") and "a-secret" not in errors[0] and "alice" not in errors[0]


SECRET_FILES = [(option, daemon) for option in ("REDIS_PASSWORD_FILE", "SENTINEL_PASSWORD_FILE", "ZK_PASSWORD_FILE")
                for daemon in DAEMONS] + [("ADMIN_TOKEN_FILE", "watcher")]


@pytest.mark.parametrize("option, daemon", SECRET_FILES)
def test_secret_that_others_can_read(nothing, option, daemon):
    secret = nothing.directory / "a.secret"
    secret.write_text("a-secret-of-the-tests\n")
    env = {option: secret, "ZK_CONNECT_TIMEOUT": "100ms", **({"ZK_USERNAME": "u"} if option.startswith("ZK") else {})}
    for mode, found in [(0o600, False), (0o400, False), (0o644, True), (0o640, True)]:
        secret.chmod(mode)
        code, _, lines = run(nothing, daemon, **env)
        assert code == 69
        told = [line for line in lines if "event=secret-file-open" in line]
        assert len(told) == found, lines
        strict = run(nothing, daemon, STRICT_SECRETS="on", **env)
        assert strict[0] == (78 if found else 69)
        for line in told + (strict[2] if found else []):
            assert f"{option} (environment): {secret} is open to other users" in line
            assert f"found mode {mode:04o} and owner {os.geteuid()}, expected mode 0600 or stricter" in line
        assert len(strict[2]) == 1 or not found
        assert "a-secret-of-the-tests" not in str(lines + strict[2])


def test_command_whose_flag_lacks_its_value(nothing):
    code, output, errors = run(nothing, "watcher", "status", "--watcher-url", "http://127.0.0.1:1", "--zk-root")
    assert (code, output) == (64, []) and all(line.startswith("watcher: ") for line in errors)


def test_default_config_file_that_we_may_not_read(nothing):
    """Debian's /etc/redis is closed to ordinary users."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        for daemon in DAEMONS:
            shutil.copy(nothing.binaries / daemon, directory)
            ended = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", f"{directory}/{daemon}"],
                                   cwd="/tmp", capture_output=True, text=True, timeout=10, env=nothing.env(
                                       ZK_HOSTS="127.0.0.1:1", ZK_CONNECT_TIMEOUT="100ms", PORT0=free_port(),
                                       REDIS_CONF="/dev/null", SENTINEL_CONF="/dev/null"))
            assert "CONFIG_FILE" not in ended.stderr, ended.stderr


@pytest.mark.parametrize("daemon", DAEMONS)
def test_flag_given_twice(nothing, daemon):
    assert run(nothing, daemon, "--port0", "1", "--port0=2") == (64, [], [f"{daemon}: --port0: found 2 times, expected once"])


@pytest.mark.parametrize("text, line", [
    ("no_such_key = 1", 'wrong.toml:1: found the key "no_such_key"'),
    ("PORT0 = 80", 'found the key "PORT0"'),
    ("[section]\nport0 = 80", 'wrong.toml:2: found the key "section.port0"'),
    ("port0 = [1, 2]", "PORT0 ({file}:1): found a list, expected a text, a whole number or a boolean"),
    ("port0 = 81\nport0 = 82", "wrong.toml:2: found port0, which is set already"),
    ("port0 =", "wrong.toml:1: found what is no TOML, from column 8 on, expected key"),
    ("= 80", "wrong.toml:1: found what is no TOML, from column 1 on, expected key"),
    ("port0", "wrong.toml:1: found what is no TOML"),
    ("\x00\x01\x02\xff", "wrong.toml:1: found what is no TOML"),
    ('port0 = "80', "wrong.toml:1: found what is no TOML"),
])
def test_wrong_config_file(nothing, text, line):
    file = nothing.directory / "wrong.toml"
    file.write_text(text + "\n", encoding="latin-1")
    code, output, errors = run(nothing, "watcher", PORT0=None, CONFIG_FILE=file)
    assert (code, output, len(errors)) == (78, [], 1), errors
    assert errors[0].startswith("watcher: ") and line.format(file=file) in errors[0]


@pytest.mark.parametrize("daemon", WRAPPERS)
@pytest.mark.parametrize("env, line", [
    ({"NET_IFACE": "no-such-interface", "BIND_IP": None}, "an interface with an address; there are: lo 127.0.0.1"),
    ({"BIND_IP": "192.0.2.1"}, "192.0.2.1 is not an address of this machine; there are: lo 127.0.0.1"),
    ({"BIND_IP": "0.0.0.0"}, 'ANNOUNCE_IP: found "0.0.0.0", expected an address that others can reach'),
    ({"ANNOUNCE_IP": "::"}, 'ANNOUNCE_IP: found "::", expected an address that others can reach'),
    ({"WORK_DIR": "/no/such/directory"}, 'WORK_DIR: found "/no/such/directory", expected a writable directory'),
    ({"RUN_DIR": "/no/such/directory"}, 'RUN_DIR: found "/no/such/directory", expected a writable directory'),
    ({"WORK_DIR": "/etc/passwd"}, 'WORK_DIR: found "/etc/passwd", expected a writable directory'),
    ({"REDIS_CONF": "/no/such/file", "SENTINEL_CONF": "/no/such/file"}, 'found "/no/such/file", expected a readable file'),
    ({"REDIS_CONF": "/etc", "SENTINEL_CONF": "/etc"}, 'found "/etc", expected a readable file'),
])
def test_value_that_does_not_fit_this_machine(nothing, daemon, env, line):
    code, output, errors = run(nothing, daemon, **env)
    assert (code, output, len(errors)) == (78, [], 1), errors
    assert line in errors[0]


@pytest.mark.parametrize("daemon", DAEMONS)
def test_port_that_is_taken(cluster, daemon):
    code, _, errors = run(cluster, daemon, PORT0=cluster.zookeeper.port)
    assert (code, len(errors)) == (75, 1)
    assert f"cannot listen on {cluster.zookeeper.address}: Address already in use" in errors[0]
