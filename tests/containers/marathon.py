"""A small Marathon: runs app definitions as real containers, on agents that are containers themselves.

    with Marathon(engine, env={"ZK_HOSTS": "10.1.2.3:2181"}) as marathon:
        marathon.deploy_group(group)     # the apps in the order of their dependencies
        marathon.deploy(changed_app)     # a rolling upgrade
        marathon.app("/redis-zk/redis").tasks

An agent is a container that sleeps, with an address and a host name of its own on a network of its own. A task shares
its agent's network, which is what host networking is on a real agent; eth0 is the agent's interface.

Imitated, each as the sources of Marathon 1.4 to 1.10 and of Mesos' Docker executor have it:

- offers: a host for each task (UNIQUE), a random port of 31000-32000 for port 0, the given one with requirePorts;
- the environment (EnvironmentHelper.scala, docker.cpp), the app's own winning; HOST is a name that nobody can resolve;
- `docker run` with the app's parameters, memory, CPU shares, volumes and the sandbox (docker.cpp);
- COMMAND checks as a line for the agent's shell that runs `docker exec`, MESOS_HTTP checks of 127.0.0.1 in the task's
  network (MESOS_HTTPS: of the agent's address); delay, interval, grace until the first success, consecutive failures (health_checker.cpp);
- `docker stop` with taskKillGracePeriodSeconds (executor.cpp; only the agent's own shutdown takes two seconds off it);
- a new task, elsewhere and on another port, for one that ended, after a growing delay (RateLimiter.scala);
- rolling upgrades (TaskReplaceActor.scala): how many are stopped at first, and one more for each new one that is
  healthy, in no particular order;
- an agent that is cut off: its tasks go on, are replaced at once, and are killed when it is back, as
  unreachableStrategy 0/0 says; without the 75 s or more that Mesos takes to notice;
- persistent volumes: the tasks return to where theirs are;
- scaling: what is too many is killed all at once, the youngest of them (ScalingProposition.scala, killSelection).

Not imitated: resources other than ports, roles, other constraints and networks, readiness checks, the other
killSelection, fetch, secrets, cmd. `hurry` divides the interval between checks, and nothing else.
"""

import contextlib
import datetime
import http.client
import json
import math
import pathlib
import random
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import typing
import uuid

from background import Background
from cluster import wait_for
from engine import BASE, Network
from tails import shown

# linux/sockios.h, linux/if.h
SIOCSIFFLAGS = 0x8914
IFF_UP, IFF_MULTICAST = 0x1, 0x1000
SANDBOX = "/mnt/mesos/sandbox"
DYNAMIC_PORTS = range(31000, 32001)
# How long a whole deployment may take.
PATIENCE = 180


class Agent:
    def __init__(self, network, name):
        self.network = network
        self.name = name
        self.address = network.address()
        self.container = f"{network.name}-{name}"
        self.reachable = True
        self._docker = network.engine.docker
        self._docker("run", "-d", "--name", self.container, "--hostname", name, "--network", network.name,
               "--ip", self.address, BASE, "sleep", "infinity")

    def _set_link(self, flags):
        # A cable that is pulled out and put in again: addresses and sockets stay. The engine could only take the
        # interface away, and would give it another name afterwards; perl is in every Debian, as `ip` is not.
        ask = f"$ask = pack('a16s', 'eth0', {flags}); ioctl(S, {SIOCSIFFLAGS}, $ask) or die $!"
        self._docker("run", "--rm", "--network", f"container:{self.container}", "--cap-add", "NET_ADMIN", BASE,
                     "perl", "-MSocket", "-e", f"socket(S, AF_INET, SOCK_DGRAM, 0); {ask}")

    def cut(self):
        self.reachable = False
        self._set_link(0)

    def mend(self):
        self._set_link(IFF_UP | IFF_MULTICAST)
        self.reachable = True

    def http_status(self, port, path, timeout):
        """Of an answer from the agent's own 127.0.0.1, where Mesos asks; an error when there is none."""
        ask = (f"exec 3<>/dev/tcp/127.0.0.1/{port} && printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3 && "
               "read -r _ status _ <&3 && echo $status")
        return int(self._docker("exec", self.container, "timeout", timeout, "bash", "-c", ask))

    def https_status(self, port, path, timeout):
        """The same with TLS, of whose certificate Mesos verifies nothing. Asked from here: the agent's image has no client
        that speaks it."""
        connection = http.client.HTTPSConnection(self.address, port, timeout=timeout,
                                                 context=ssl._create_unverified_context())
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status

    def remove(self):
        self._docker("rm", "-f", "-v", self.container)


class Event(typing.NamedTuple):
    when: float  # monotonic clock
    app: str
    task: str
    what: str  # started, healthy, unhealthy, killed, ended
    healthy: int  # how many tasks of the app are, after this


class Task:
    """One container, and a thread that checks it until it ends."""

    def __init__(self, marathon, app, agent, ports, volume):
        self.marathon = marathon
        self.engine = marathon.engine
        self.definition = app.definition
        self.version = app.version
        self.agent = agent
        self.ports = ports
        self.volume = volume
        self.id = f"{app.id.strip('/').replace('/', '_')}.{uuid.uuid1()}"
        self.container = f"mesos-{uuid.uuid4()}"
        self.healthy = False
        self.failed_checks = 0  # all of them
        self.killed = False
        self.ended = False
        self.exit_code = None
        self.failure = ""
        self._initializing = True  # it has never been healthy
        self._consecutive_failures = 0
        self._begun = time.monotonic()
        self._thread = threading.Thread(target=self._live, daemon=True)

    @property
    def port(self):
        return self.ports[0]

    @property
    def active(self):
        """Whether it counts as an instance of its app."""
        return not self.ended and not self.killed and self.agent.reachable

    def note(self, what):
        self.marathon.note(self, what)

    # --- start

    def environment(self):
        definition, image = self.definition, self.definition["container"]["docker"]["image"]
        labels = definition.get("labels", {})
        env = {"HOST": self.agent.name, "PORT": self.port, "PORTS": ",".join(map(str, self.ports)),
               "MESOS_TASK_ID": self.id, "MESOS_SANDBOX": SANDBOX, "MESOS_CONTAINER_NAME": self.container,
               "MARATHON_APP_ID": definition["id"], "MARATHON_APP_VERSION": self.version,
               "MARATHON_APP_DOCKER_IMAGE": image, "MARATHON_APP_LABELS": " ".join(map(str.upper, labels))}
        for resource in ("cpus", "mem", "disk", "gpus"):
            env[f"MARATHON_APP_RESOURCE_{resource.upper()}"] = definition.get(resource, 0)
        for label, value in labels.items():
            env[f"MARATHON_APP_LABEL_{label.upper().replace('-', '_')}"] = value
        for index, (port, asked) in enumerate(zip(self.ports, definition["portDefinitions"])):
            env[f"PORT{index}"] = port
            env[f"PORT_{asked['port'] or self.marathon.service_port(definition['id'], index)}"] = port
            env[f"PORT_{asked['name'].upper().replace('-', '_')}"] = port
        return {**env, **definition.get("env", {}), **self.marathon.env}

    def _volumes(self, sandbox):
        yield f"{sandbox}:{SANDBOX}"
        for volume in self.definition["container"].get("volumes", []):
            path = volume["containerPath"]
            if "persistent" in volume:
                yield f"{self.volume / path}:{SANDBOX}/{path}"
            else:
                # Relative: in the sandbox, where a persistent one is.
                host = pathlib.Path(volume["hostPath"])
                yield f"{host if host.is_absolute() else self.volume / host}:{path}:{volume['mode'].lower()}"

    def _run(self):
        settings = self.definition["container"]["docker"]
        words = ["run", "-d", "--name", self.container, "--network", f"container:{self.agent.container}",
                 "--cpu-shares", int(1024 * self.definition["cpus"]), "--memory", f"{self.definition['mem']}m"]
        for name, value in self.environment().items():
            words += ["-e", f"{name}={value}"]
        sandbox = self.marathon.directory("sandbox", self.container)
        # As Mesos has it since 1.6, where tasks are root's.
        sandbox.chmod(0o750)
        for volume in self._volumes(sandbox):
            words += ["-v", volume]
        words += [f"--{parameter['key']}={parameter['value']}" for parameter in settings.get("parameters", [])]
        self.engine.docker(*words, settings["image"])

    # --- life

    def start(self):
        self._thread.start()

    def join(self):
        self._thread.join()

    def _live(self):
        self.note("started")
        try:
            self._run()
            self._check_until_end()
        except RuntimeError as error:
            # No container, which is the same as one that ended at once; or removed while it started.
            self.failure = str(error)
        finally:
            self.ended = True
            self.note("ended")

    def _check_until_end(self):
        with subprocess.Popen([self.engine.binary, "wait", self.container], env=self.engine.env,
                              stdout=subprocess.PIPE, text=True) as waiting:
            (check,) = self.definition["healthChecks"]
            check_at = self._begun + check["delaySeconds"]
            while True:
                try:
                    waiting.wait(max(0.0, check_at - time.monotonic()))
                    break
                except subprocess.TimeoutExpired:
                    self._heed(check, self._passes(check))
                    check_at = time.monotonic() + check["intervalSeconds"] / self.marathon.hurry
            self.exit_code = int(waiting.stdout.read() or -1)

    def _passes(self, check):
        timeout = check["timeoutSeconds"]
        try:
            if check["protocol"] == "COMMAND":
                # Mesos leaves quotes and dollars in the command to the agent's shell.
                line = f"{self.engine.binary} exec {self.container} sh -c \" {check['command']['value']} \""
                return subprocess.run(line, shell=True, env=self.engine.env, capture_output=True, timeout=timeout,
                                      check=False).returncode == 0
            ask = self.agent.https_status if check["protocol"] == "MESOS_HTTPS" else self.agent.http_status
            return 200 <= ask(self.ports[check["portIndex"]], check["path"], timeout) < 400
        except (RuntimeError, OSError, http.client.HTTPException, subprocess.TimeoutExpired):
            return False

    def _heed(self, check, passed):
        if self.killed:
            return
        if passed:
            self._initializing = False
            self._consecutive_failures = 0
            if not self.healthy:
                self.healthy = True
                self.note("healthy")
            return
        self.failed_checks += 1
        if self._initializing and time.monotonic() - self._begun <= check["gracePeriodSeconds"]:
            return
        self._consecutive_failures += 1
        self.healthy = False
        self.note("unhealthy")
        if self._consecutive_failures >= check["maxConsecutiveFailures"]:
            self.kill()

    # --- end

    def kill(self):
        """Asks it to stop; it is killed after its grace period. Does not wait."""
        self.killed = True
        self.note("killed")
        grace = self.definition["taskKillGracePeriodSeconds"]
        threading.Thread(target=self.engine.docker, args=("stop", "-t", grace, self.container),
                         kwargs={"within": grace + 60}, daemon=True).start()

    def crash(self):
        """SIGKILL to everything in the container."""
        self.engine.docker("kill", self.container)


class App:
    def __init__(self, definition):
        self.id = definition["id"]
        self.definition = definition
        self.version = ""
        self.tasks = []  # all that there have ever been, in the order of their start
        self.wanted = 0  # of the present version
        self.volumes = {}  # agent -> directory
        self.launch_at = 0.0
        self._failures = 0

    def change(self, definition):
        self.definition = definition
        self.version = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        self._failures = 0
        self.launch_at = 0.0

    @property
    def active(self):
        return [task for task in self.tasks if task.active]

    @property
    def current(self):
        return [task for task in self.active if task.version == self.version]

    @property
    def healthy(self):
        return [task for task in self.active if task.healthy]

    @property
    def unique_hosts(self):
        return ["hostname", "UNIQUE"] in self.definition.get("constraints", [])

    @property
    def resident(self):
        return any("persistent" in volume for volume in self.definition["container"].get("volumes", []))

    def back_off(self):
        delay = self.definition["backoffSeconds"] * self.definition["backoffFactor"] ** self._failures
        self._failures += 1
        self.launch_at = time.monotonic() + min(delay, self.definition["maxLaunchDelaySeconds"])


class Offers(Background):
    """Starts what is to run, wherever there is a place."""

    def __init__(self, marathon):
        super().__init__()
        self._marathon = marathon

    def step(self):
        self._marathon.match_offers()


class Marathon:
    """`env` and `tag` replace what differs from place to place: the ZooKeeper, and the images' tags."""

    def __init__(self, engine, agents=4, env=None, tag=None, hurry=5):
        self.engine = engine
        self.env = env or {}
        self.hurry = hurry
        # Which of some old tasks an upgrade stops next.
        self.choose = random.choice
        self.apps = {}
        self.events = []
        self._tag = tag
        self._service_ports = {}
        self._lock = threading.RLock()
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="redis-zk."))
        self._agent_count = agents
        self.agents = []
        self.network = None
        self._offers = Offers(self)
        # What is to be undone at the end, each whatever became of the others.
        self._opened = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as opened:
            opened.callback(shutil.rmtree, self._directory, ignore_errors=True)
            self.network = Network(self.engine, self._directory.name)
            opened.callback(self.network.remove)
            for number in range(1, self._agent_count + 1):
                self.agents.append(Agent(self.network, f"agent{number}"))
                opened.callback(self.agents[-1].remove)
            opened.callback(self._remove_tasks)
            self._offers.start()
            opened.callback(self._offers.stop)
            opened.enter_context(shown(self.tails))
            self._opened = opened.pop_all()
        return self

    def __exit__(self, failure, *_):
        if failure:
            print(self.tails())
        self._opened.close()

    def _remove_tasks(self):
        tasks = [task for app in self.apps.values() for task in app.tasks]
        for task in tasks:
            self.engine.run("rm", "-f", "-v", task.container, check=False)
        for task in tasks:
            task.join()

    def tails(self, lines=40):
        """The ends of all logs."""
        tasks = [task for app in self.apps.values() for task in app.tasks]
        return "\n".join(f"--- {task.id} on {task.agent.name}:{task.port}, exit code {task.exit_code} {task.failure}\n"
                         + self.log(task, lines) for task in tasks)

    def log(self, task, lines=1000):
        return self.engine.logs(task.container, lines)

    def app(self, app_id):
        return self.apps[app_id]

    def directory(self, *names):
        path = self._directory.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def service_port(self, app_id, index):
        """The one that Marathon gives to a port 0, for load balancers."""
        with self._lock:
            return self._service_ports.setdefault((app_id, index), 10000 + len(self._service_ports))

    def note(self, task, what):
        with self._lock:
            app = self.apps[task.definition["id"]]
            self.events.append(Event(time.monotonic(), app.id, task.id, what, len(app.healthy)))
            if what == "ended" and not task.killed and task.exit_code != 0:
                app.back_off()

    # --- offers

    def match_offers(self):
        with self._lock:
            for app in self.apps.values():
                if len(app.current) < app.wanted and time.monotonic() >= app.launch_at:
                    self._launch(app)

    def _launch(self, app):
        offers = [agent for agent in self.agents if agent.reachable and self._fits(app, agent)]
        if not offers:
            return
        agent = random.choice(offers)
        taken = self._taken_ports(agent)
        ports = []
        for asked in app.definition["portDefinitions"]:
            fixed = app.definition["requirePorts"] and asked["port"]
            ports.append(fixed or random.choice([port for port in DYNAMIC_PORTS if port not in taken + ports]))
        if app.resident:
            app.volumes.setdefault(agent.name, self.directory("volumes", app.id.strip("/"), agent.name))
            for volume in app.definition["container"]["volumes"]:
                if "persistent" in volume:
                    (app.volumes[agent.name] / volume["containerPath"]).mkdir(exist_ok=True)
        task = Task(self, app, agent, ports, app.volumes.get(agent.name))
        app.tasks.append(task)
        task.start()

    def _fits(self, app, agent):
        if app.unique_hosts and any(task.agent is agent and not task.ended for task in app.tasks):
            return False
        if app.resident and len(app.volumes) >= app.definition["instances"] and agent.name not in app.volumes:
            return False
        fixed = {asked["port"] for asked in app.definition["portDefinitions"] if app.definition["requirePorts"]}
        return fixed.isdisjoint(self._taken_ports(agent))

    def _taken_ports(self, agent):
        return [port for app in self.apps.values() for task in app.tasks if task.agent is agent and not task.ended
                for port in task.ports]

    # --- deployments

    def deploy_group(self, group, within=PATIENCE):
        waiting = {app["id"]: app for app in group["apps"]}
        while waiting:
            ready = [app for app in waiting.values() if waiting.keys().isdisjoint(app.get("dependencies", []))]
            for app in ready:
                self.deploy(app, within)
                del waiting[app["id"]]

    def deploy(self, definition, within=PATIENCE):
        """Starts or upgrades an app, and waits until all of it is healthy."""
        upgrade = self.begin(definition)
        wait_for(upgrade, within, f"the deployment of {definition['id']}", every=0.05)

    def begin(self, definition):
        """Starts or upgrades an app. What is returned is to be called until it is true: then it is done."""
        definition = json.loads(json.dumps(definition))
        if self._tag:
            settings = definition["container"]["docker"]
            settings["image"] = f"{settings['image'].rpartition(':')[0]}:{self._tag}"
        with self._lock:
            app = self.apps.setdefault(definition["id"], App(definition))
            old = app.active
            app.change(definition)
            return self._replace(app, old)

    def _replace(self, app, old):
        instances, strategy = app.definition["instances"], app.definition["upgradeStrategy"]
        least = math.ceil(instances * strategy["minimumHealthCapacity"])
        capacity = int(instances * (1 + strategy["maximumOverCapacity"]))
        at_first = max(0, len(old) - least)
        if least == capacity <= len(old):
            if app.resident:
                at_first = len(old) - least + 1
            else:
                capacity += 1
        to_kill = list(old)
        answered = set()

        def step():
            with self._lock:
                for task in app.current:
                    if task.healthy and task.id not in answered:
                        answered.add(task.id)
                        self._kill_one(to_kill)
                old_left = sum(not task.ended for task in old)
                app.wanted = max(0, min(instances, capacity - old_left))
                return not old_left and len([task for task in app.current if task.healthy]) >= instances

        for _ in range(at_first):
            self._kill_one(to_kill)
        return step

    def _kill_one(self, tasks):
        if tasks:
            task = self.choose(tasks)
            tasks.remove(task)
            task.kill()

    def scale(self, app_id, instances):
        with self._lock:
            app = self.apps[app_id]
            app.definition["instances"] = app.wanted = instances
            for task in app.active[instances:]:
                task.kill()

    def stop(self, app_id):
        with self._lock:
            app = self.apps[app_id]
            app.wanted = 0
            for task in app.active:
                task.kill()

    # --- an agent that cannot be reached

    def lose(self, agent):
        with self._lock:
            agent.cut()

    def find(self, agent):
        """It is back: what was replaced meanwhile is killed."""
        with self._lock:
            left_behind = [task for app in self.apps.values() for task in app.tasks
                           if task.agent is agent and not task.ended]
            agent.mend()
            for task in left_behind:
                if task.definition["unreachableStrategy"] != "disabled":
                    task.kill()

