# SPDX-License-Identifier: Apache-2.0
"""The group `tls` of `make bench`: full TLS 1.3 handshakes a second of nginx and haproxy, whose key is a file, in the
token by libp11 or by libp11 over p11-kit's remoting, or the agent's; and haproxy with a token that takes its time."""
import os
import socket
import subprocess
import time

import rig
from figures import Result, Unable, ratio_text
from peers import CLIENT_MODULE, ENGINE, Peers

TYPES = {"rsa": ("RSA-2048", "rsa:2048"), "ec": ("P-256", "ec:p256")}
FILE, LIBP11, REMOTE, AGENT = "file key", "libp11", "libp11 over p11-kit-client", "agent"
VERIFIED = "agent, verify = rsa"
NGINX, BOUND = "nginx, 1 worker", "nginx, 1 worker bound to a processor"
CLIENTS = 8
DELAYS_MS = (1, 20)
WARM_S = 0.2
SLOW_CLIENTS = 32
BLOCKING, ASYNC = "agent, blocking", "agent, ssl-mode-async"

NEEDS = (("nginx", "nginx"), ("haproxy", "haproxy"), ("openssl", "openssl"), (ENGINE, "libengine-pkcs11-openssl"),
         (CLIENT_MODULE, "p11-kit-modules"), ("p11-kit", "p11-kit"))


def plan(ctx):
    return 3 * (4 * len(TYPES) + 1) + 2 * len(DELAYS_MS), 22


def run(ctx):
    token = ctx.softhsm([(key, kind, ["tls-server"]) for key, (_, kind) in TYPES.items()])
    site, checked = Site(ctx, token), Site(ctx, token, options="verify = rsa")
    for key, (title, _) in TYPES.items():
        found = {}
        for name, start, other in ((NGINX, site.nginx, checked.nginx), (BOUND, site.nginx_bound, checked.nginx_bound),
                                   ("haproxy, 1 thread", site.haproxy, checked.haproxy)):
            ways = (FILE, LIBP11, REMOTE, AGENT)
            contenders = [(way, handshakes(ctx, start, key, way, CLIENTS)) for way in ways]
            if key == "rsa":
                contenders.append((VERIFIED, handshakes(ctx, other, key, AGENT, CLIENTS)))
            found[name] = ctx.compare(f"{name}: {title} handshakes, {CLIENTS} connections", contenders, base=LIBP11)
        if key == "rsa":
            say_promises(ctx, found[NGINX], found[BOUND])
    checked.stop()
    site.stop()
    for delay_ms in DELAYS_MS:
        slow(ctx, token, delay_ms)


def say_promises(ctx, comparison, bound):
    for way, least in ((LIBP11, 0.95), (REMOTE, 1.25)):
        others = (("with verify = rsa", comparison.ratio(VERIFIED, way)),
                  ("with the worker bound to a processor, as theirs", bound.ratio(AGENT, way)))
        ctx.promise(f"nginx RSA-2048 handshakes, {CLIENTS} connections, against {way}", comparison.ratio(AGENT, way),
                    at_least=least, reason=comparison[way].reason or "",
                    also="".join(f"; {name} {ratio_text(ratio)}" for name, ratio in others if ratio))


def slow(ctx, token, delay_ms):
    site = Site(ctx, token, options=f"sessions = {SLOW_CLIENTS}\nverify = off", delay_ms=delay_ms)
    comparison = ctx.compare(
        f"haproxy, 1 thread: P-256 handshakes, {SLOW_CLIENTS} connections, a token that takes {delay_ms} ms",
        [(BLOCKING, handshakes(ctx, site.haproxy, "ec", AGENT, SLOW_CLIENTS)),
         (ASYNC, handshakes(ctx, site.haproxy_async, "ec", AGENT, SLOW_CLIENTS))], base=BLOCKING)
    if delay_ms == max(DELAYS_MS):
        ctx.promise(f"haproxy ssl-mode-async, 1 thread, {SLOW_CLIENTS} connections, {delay_ms} ms module with "
                    f"{SLOW_CLIENTS} sessions, against blocking", comparison.ratio(ASYNC), at_least=15)
    site.stop()


def handshakes(ctx, start, key, way, clients):
    """Each contender's server is started with its first measurement and goes on, idle, to the last."""
    def measure():
        server = start(key, way)

        def rate(seconds):
            done = subprocess.run([os.path.join(ctx.build, "tests/bench/handshakes"), "127.0.0.1", str(server.port),
                                   str(clients), str(seconds)], stdout=subprocess.PIPE, check=True, text=True)
            found = dict(line.split() for line in done.stdout.splitlines())
            if found["failed"] != "0":
                raise RuntimeError(f"{found['failed']} handshakes failed; see {server.log}")
            return {name: float(value) for name, value in found.items()}

        rate(WARM_S)  # by then all of its processes and connections are there
        cpu = rig.Cpu(server.sides())
        found = rate(ctx.seconds)
        used = cpu.used(found["rate"] * ctx.seconds)
        return Result(found["rate"], found["p50"], found["p99"], found["p999"], {"client": found["cpu"], **used})
    return measure


class Server:
    def __init__(self, program, port, log, others):
        self.program = program
        self.port = port
        self.log = log
        self.others = others

    def sides(self):
        sides = {"server": [self.program.process.pid], **self.others}
        named = {pid for pids in sides.values() for pid in pids}
        return {side: [each for pid in pids for each in (pid, *(set(rig.children(pid)) - named))]
                for side, pids in sides.items()}


class Site:
    """Servers with the two keys of a token, certificates, an agent, and the peers."""

    def __init__(self, ctx, token, options="verify = off", delay_ms=0):
        self.ctx = ctx
        self.peers = Peers(ctx, token)
        self.agent = ctx.agent(token, options=options, delay_ms=delay_ms)
        self.directory = ctx.rig.place("w")
        self.servers = {}
        self.cli = os.path.join(ctx.build, "hsm-agent")
        module = os.path.join(ctx.build, ".libs/hsmagent.so")
        self.configuration = self.path("agent.cnf")
        subprocess.run([self.cli, "openssl-conf", "--module", module, "-o", self.configuration], check=True)
        for key in TYPES:
            self.certify(key)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8", opener=rig.private) as file:
            file.write(text)
        return self.path(name)

    def stop(self):
        for server in self.servers.values():
            server.program.stop()
        self.agent.stop()
        self.peers.stop()

    # --- Keys and certificates

    def openssl(self, *words):
        subprocess.run([self.ctx.need("openssl", "openssl"), *words], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def certify(self, key):
        """KEY.file.{key,crt}: a key in software with a certificate of its own; KEY.crt, KEY.reference: the token's."""
        words = ["-newkey", "rsa:2048"] if key == "rsa" else ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        ca = self.path(f"{key}.file.key"), self.path(f"{key}.file.crt")
        self.openssl("req", "-x509", *words, "-nodes", "-subj", "/CN=localhost", "-days", "2", "-keyout", ca[0], "-out",
                     ca[1])
        asked = [self.cli, "--socket", self.agent.socket]
        subprocess.run([*asked, "csr", key, "--subject", "CN=localhost", "-o", self.path(f"{key}.csr")], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([*asked, "pem", key, "-o", self.path(f"{key}.reference")], check=True, stdout=subprocess.DEVNULL)
        self.openssl("x509", "-req", "-in", self.path(f"{key}.csr"), "-CA", ca[1], "-CAkey", ca[0], "-days", "2",
                     "-set_serial", "7", "-out", self.path(f"{key}.crt"))

    def uri(self, token, key):
        id_ = token.keys[key]["id"]
        id_ = "".join("%" + id_[i:i + 2] for i in range(0, len(id_), 2))
        return f"pkcs11:token={token.label};id={id_};type=private"

    def engine(self, name, module):
        """nginx asks an ENGINE for keys only if OpenSSL's configuration has initialised it."""
        engine = self.ctx.need(ENGINE, "libengine-pkcs11-openssl")
        return self.write(name, f"""openssl_conf = all
[all]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
dynamic_path = {engine}
MODULE_PATH = {module}
PIN = {self.peers.token.pin}
init = 1
""")

    def way(self, key, way):
        """(key as nginx names it, certificate, environment, sides besides the server)"""
        certificate = self.path(f"{key}.crt")
        if way == FILE:
            return self.path(f"{key}.file.key"), self.path(f"{key}.file.crt"), {}, {}
        if way == AGENT:
            return (self.path(f"{key}.reference"), certificate,
                    {"OPENSSL_CONF": self.configuration, "HSM_AGENT_SOCKET": self.agent.socket}, self.agent.pids)
        if way == LIBP11:
            token = self.peers.token
            return (f"engine:pkcs11:{self.uri(token, key)}", certificate,
                    dict(token.environment, OPENSSL_CONF=self.engine("libp11.cnf", token.module)), {})
        module = self.ctx.need(CLIENT_MODULE, "p11-kit-modules")
        if not self.peers.server:
            self.ctx.need("p11-kit", "p11-kit")
            self.peers.server = self.peers.start_server()
        environment = {"OPENSSL_CONF": self.engine("remote.cnf", module),
                       "P11_KIT_SERVER_ADDRESS": f"unix:path={self.peers.path('p11-kit')}"}
        return (f"engine:pkcs11:{self.uri(self.peers.server.token, key)}", certificate, environment,
                {"p11-kit": [self.peers.server.process.pid]})

    # --- Servers

    def start(self, name, program, words, environment, others):
        port, log = words["port"], self.path(f"{name}.log")
        program = self.ctx.rig.daemon(program, environment, log)
        server = Server(program, port, log, others)
        give_up = time.monotonic() + 20
        while socket.socket().connect_ex(("127.0.0.1", port)) != 0:
            if program.process.poll() is not None or time.monotonic() > give_up:
                with open(log, encoding="utf-8", errors="replace") as file:
                    raise Unable("it doesn't start: " + (file.readlines() or ["?"])[-1].strip()[:150])
            time.sleep(0.02)
        self.servers[name] = server
        return server

    def nginx(self, key, way):
        return self.start_nginx(key, way, "")

    def nginx_bound(self, key, way):
        return self.start_nginx(key, way, "worker_cpu_affinity auto;\n")

    def start_nginx(self, key, way, affinity):
        name = f"nginx{'-bound' if affinity else ''} {key} {way}".replace(" ", "-")
        if name in self.servers:
            return self.servers[name]
        program = self.ctx.need("nginx", "nginx")
        private, certificate, environment, others = self.way(key, way)
        port = free_port()
        user = "user root;\n" if os.getuid() == 0 else ""
        kept = "".join(f"env {variable};\n" for variable in environment)
        temporary = "".join(f"{kind}_temp_path {self.path(kind)};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = self.write(f"{name}.conf", f"""daemon off;
{user}{kept}worker_processes 1;
{affinity}pid {self.path(name + ".pid")};
error_log {self.path(name + ".log")};
events {{ worker_connections 512; }}
http {{
access_log off;
{temporary}ssl_session_cache off;
ssl_session_tickets off;
ssl_protocols TLSv1.3;
server {{
listen 127.0.0.1:{port} ssl;
ssl_certificate {certificate};
ssl_certificate_key "{private}";
}}
}}
""")
        return self.start(name, [program, "-c", path], {"port": port}, environment, others)

    def haproxy(self, key, way):
        return self.start_haproxy(key, way, "")

    def haproxy_async(self, key, way):
        return self.start_haproxy(key, way, "ssl-mode-async\n")

    def start_haproxy(self, key, way, mode):
        name = f"haproxy {key} {way} {mode}".strip().replace(" ", "-")
        if name in self.servers:
            return self.servers[name]
        program = self.ctx.need("haproxy", "haproxy")
        if way in (LIBP11, REMOTE):
            raise Unable("Debian 12 builds haproxy without OpenSSL's ENGINEs, and has no PKCS#11 provider")
        private, certificate, environment, others = self.way(key, way)
        port = free_port()
        for source, target in ((certificate, f"{name}.crt"), (private, f"{name}.crt.key")):
            with open(source, encoding="ascii") as file:
                self.write(target, file.read())
        path = self.write(f"{name}.cfg", f"""global
nbthread 1
tune.ssl.cachesize 0
{mode}ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets
defaults
mode http
timeout connect 5s
timeout client 30s
timeout server 30s
frontend edge
bind 127.0.0.1:{port} ssl crt {self.path(name + ".crt")}
http-request return status 200
""")
        return self.start(name, [program, "-db", "-f", path], {"port": port}, environment, others)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
