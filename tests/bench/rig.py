# SPDX-License-Identifier: Apache-2.0
"""Tokens, agents and load programs for the groups of `make bench`; all that they are made of is in one directory."""
import glob
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "flow"))
import agentlib  # noqa: E402
from figures import Result, Unable  # noqa: E402

SOFTHSM2 = (os.environ.get("HSM_AGENT_SOFTHSM2_MODULE", ""), "/usr/lib/softhsm/libsofthsm2.so",
            "/usr/lib/*/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so")
LABEL = "main"


def find(path_or_program):
    """The path of a program, or the first file that fits one of the patterns separated by blanks; None."""
    for pattern in path_or_program.split():
        if "/" not in pattern:
            for directory in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]:
                path = os.path.join(directory, pattern)
                if os.access(path, os.X_OK) and os.path.isfile(path):
                    return path
        for path in sorted(glob.glob(pattern)):
            if os.path.isfile(path):
                return path
    return None


def cpu_ns(pid):
    """What all threads of a process, the ended ones too, have used of the processors."""
    return time.clock_gettime_ns((~pid << 3) | 2)  # see clock_getcpuclockid(3)


def children(pid):
    """The processes that a process and its children have started, those that live."""
    parents = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.split("/")[2]))
    found, ask = [], [pid]
    while ask:
        mine = parents.get(ask.pop(), [])
        found += mine
        ask += mine
    return found


class Cpu:
    """Measures sides: {"server": [pid, ...]}. used(n) gives microseconds for each of n operations since it was made."""

    def __init__(self, sides):
        self.sides = sides
        self.before = self.read()

    def read(self):
        return {side: sum(cpu_ns(pid) for pid in pids) for side, pids in self.sides.items()}

    def used(self, n):
        after = self.read()
        return {side: (after[side] - self.before[side]) / 1000 / max(n, 1) for side in self.sides}


class Token:
    """A SoftHSM2 token that nobody uses: `directory`/softhsm2.conf and tokens/; `pin` and the file `pin_file`; `state`,
    an agent's state directory that knows the keys; `keys`, {NAME: what GET /v1/keys/NAME says}; `filled`, what nobody knows:
    [(CKA_ID, and CKA_EC_POINT in hexadecimal), ...]."""

    def __init__(self, directory, module):
        self.directory = directory
        self.module = module
        self.label = LABEL
        self.pin_file = os.path.join(directory, "pin")
        self.so_pin_file = os.path.join(directory, "so-pin")
        self.state = os.path.join(directory, "state")
        self.keys = {}
        self.filled = []

    @property
    def pin(self):
        with open(self.pin_file, encoding="ascii") as file:
            return file.read()

    @property
    def environment(self):
        return {"SOFTHSM2_CONF": os.path.join(self.directory, "softhsm2.conf")}

    def configure(self):
        with open(os.path.join(self.directory, "softhsm2.conf"), "w", encoding="ascii") as file:
            file.write(f"directories.tokendir = {self.directory}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")

    def copy(self, directory):
        """The same keys for somebody else, so that nobody waits for another's locks."""
        shutil.copytree(self.directory, directory)
        token = Token(directory, self.module)
        token.keys = self.keys
        token.configure()
        return token


class Agent:
    """A running agent: `socket`, `pids` {"daemon": [PID], "token": [PID]}, `token` (its own copy), `start_s`."""

    def __init__(self, rig, directory, token, listen="", agent="", options="", clients="", delay_ms=0, run=()):
        self.rig = rig
        self.directory = directory
        self.token = token
        self.socket = os.path.join(directory, "agent.sock")
        self.log = os.path.join(directory, "log")
        self.rules = os.path.join(directory, "faults")
        self.api = agentlib.Agent(self.socket)
        self.write_configuration(listen, agent, options, clients, delay_ms)
        begin = time.monotonic()
        self.process = self.launch(run)
        self.start_s = self.await_ready() - begin
        self.pids = {"daemon": [self.process.pid], "token": [self.token_pid()]}

    def write_configuration(self, listen, agent, options, clients, delay_ms):
        token = self.token
        module = [f"module = {token.module}"]
        if delay_ms:
            self.delay(delay_ms)
            module = [f"module = {self.rig.fault_module}", f"environment = HSM_AGENT_FAULT_MODULE={token.module}",
                      f"environment = HSM_AGENT_FAULT_RULES={self.rules}"]
        lines = ["[agent]", f"state-dir = {token.state}", *agent.splitlines(),
                 "[listen agent]", f"socket = {self.socket}", "mode = 0600", "admin = yes", *listen.splitlines(),
                 "[token main]", f"uri = pkcs11:token={LABEL}", "deadline-ms = 60000",
                 *module,
                 *(f"environment = {name}={value}" for name, value in token.environment.items()),
                 f"pin = file:{token.pin_file}", "sandbox = strict", f"write = {self.directory}",
                 f"write = {token.directory}", *options.splitlines(),
                 "[client me]", f"user = {os.getuid()}", "allow = *:*", *clients.splitlines()]
        with open(os.path.join(self.directory, "agent.conf"), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def delay(self, ms):
        """How much longer each C_Sign takes from now on; only of an agent that was started with a delay."""
        self.rig.put_rules(self.rules, ms)

    def launch(self, run):
        with open(self.log, "ab") as log:
            return subprocess.Popen([*run, os.path.join(self.rig.build, "hsm-agentd"), "-c",
                                     os.path.join(self.directory, "agent.conf")], stdin=subprocess.DEVNULL, stderr=log)

    def await_ready(self, patience_s=600):
        """The time at which all tokens and keys were ready."""
        give_up = time.monotonic() + patience_s
        while time.monotonic() < give_up and self.process.poll() is None:
            try:
                if self.api.call("GET", "/v1/health/ready")[0] == 200:
                    return time.monotonic()
            except (OSError, ValueError):
                pass
            self.api.close()
            time.sleep(0.005)
        self.stop()
        with open(self.log, encoding="utf-8", errors="replace") as file:
            raise RuntimeError("the agent doesn't become ready:\n" + "".join(file.readlines()[-8:]))

    def token_pid(self):
        for pid in children(self.process.pid):
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read().split(b"\0")[0].endswith(b"hsm-agent-token"):
                    return pid
        raise RuntimeError("the agent has no token's process")

    def create(self, name, kind, purposes):
        status, answer = self.api.call("PUT", f"/v1/keys/{name}", {"type": kind, "purposes": list(purposes)})
        if status != 201:
            raise RuntimeError(f"the key {name} isn't made: {answer}")
        return answer

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))

    def stop(self):
        self.api.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()


class Rig:
    def __init__(self, build, directory):
        self.build = build
        self.directory = directory
        self.fault_module = os.path.join(build, "tests/fault/.libs/fault_module.so")
        self.running = []
        self.made = 0

    def place(self, kind):
        self.made += 1
        path = os.path.join(self.directory, f"{kind}{self.made}")
        os.mkdir(path)
        return path

    def softhsm2(self):
        return find(" ".join(SOFTHSM2))

    def token(self, keys=(), fill=0):
        token = Token(self.place("t"), self.softhsm2())
        os.mkdir(os.path.join(token.directory, "tokens"))
        token.configure()
        for path in (token.pin_file, token.so_pin_file):
            with open(path, "w", encoding="ascii", opener=private) as file:
                file.write(secrets.token_hex(16))
        command = [os.path.join(self.build, "hsm-agent-token"), "--init", "--module", token.module, "--label", LABEL,
                   "--so-pin", f"file:{token.so_pin_file}", "--pin", f"file:{token.pin_file}"]
        subprocess.run(command, env=token.environment, check=True, stdout=subprocess.DEVNULL)
        if fill:
            made = self.run_callers(["fill", *self.module_words(token), str(fill)], token.environment)
            token.filled = [tuple(line.split()) for line in made.splitlines()]
        maker = self.agent(token, own=True)
        for name, kind, purposes in keys:
            maker.create(name, kind, purposes)
            token.keys[name] = maker.api.call("GET", f"/v1/keys/{name}")[1]
        maker.stop()
        return token

    def agent(self, token, own=False, **options):
        """options are texts of further lines: `agent`, `listen`, `options` (of the token), `clients` (lines of the
        section [client me], and further sections); `delay_ms` for each C_Sign; `run`, a command in front of the daemon.
        With own, it uses the token itself and not a copy."""
        directory = self.place("a")
        if not own:
            token = token.copy(os.path.join(directory, "token"))
        agent = Agent(self, directory, token, **options)
        self.running.append(agent)
        return agent

    def put_rules(self, path, delay_ms):
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(f"C_Sign delay {delay_ms}\n")
        os.rename(path + ".new", path)

    def slow(self, token, delay_ms):
        """(module, environment) of the token with a C_Sign that takes longer, for others than the agent."""
        rules = os.path.join(token.directory, "faults")
        self.put_rules(rules, delay_ms)
        return self.fault_module, dict(token.environment, HSM_AGENT_FAULT_MODULE=token.module,
                                       HSM_AGENT_FAULT_RULES=rules)

    def daemon(self, command, environment, log):
        """Another program that runs until the end, or until stop() of what is returned."""
        program = Program(command, environment, log)
        self.running.append(program)
        return program

    # --- The load program

    def run_callers(self, words, environment=None):
        """What callers/main.c prints."""
        command = [os.path.join(self.build, "tests/bench/callers/callers"), *words]
        done = subprocess.run(command, env=dict(os.environ, **(environment or {})), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode == 3:
            raise Unable(done.stderr.strip().splitlines()[-1][:120])
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def callers(self, algorithm, public_key, way, seconds, callers=1, batch=1, processes=False, rate=None, sides=None,
                environment=None):
        """Measures a way, a list of words of callers/main.c, by callers (processes or threads), in closed loop or
        with so many requests a second. `sides`: {NAME: [PID, ...]}, "PID+" with its children; "client" is added."""
        words = ["-a", algorithm, "-P", public_key, "-n", str(callers), "-b", str(batch), "-t", str(seconds),
                 "-w", str(min(0.2, seconds / 2))]
        words += ["-f"] if processes else []
        words += ["-r", str(rate)] if rate else []
        for side, pids in (sides or {}).items():
            for pid in pids:
                words += ["-p", f"{side}={pid}"]
        found = json.loads(self.run_callers([*words, *way], environment))
        return Result(found["ops_per_s"], found["p50"], found["p99"], found["p999"], found["cpu"])

    def public_key(self, token, name):
        """The file of a key's public key."""
        path = os.path.join(token.directory, f"{name}.pem")
        if not os.path.exists(path):
            with open(path, "w", encoding="ascii") as file:
                file.write(token.keys[name]["public_key"]["pem"])
        return path

    @staticmethod
    def module_words(token, module=None):
        return [module or token.module, LABEL, token.pin_file]

    def stop(self):
        while self.running:
            self.running.pop().stop()


class Program:
    """In a process group, so that stop() reaches its children; not in a session, which the scheduler would favour."""

    def __init__(self, command, environment, log):
        with open(log, "ab") as file:
            self.process = subprocess.Popen(command, env=dict(os.environ, **environment), stdin=subprocess.DEVNULL,
                                            stdout=file, stderr=file, preexec_fn=os.setpgrp)

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def private(path, flags):
    return os.open(path, flags, 0o600)
