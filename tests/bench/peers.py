# SPDX-License-Identifier: Apache-2.0
"""What the agent is compared with, as Debian packages it: keys in software, libp11's ENGINE, p11-kit's remoting."""
import os
import subprocess
import time

from figures import Unable

ENGINE = os.environ.get("BENCH_ENGINE", "/usr/lib/*/engines-3/pkcs11.so /usr/lib64/engines-3/pkcs11.so")
CLIENT_MODULE = "/usr/lib/*/pkcs11/p11-kit-client.so /usr/lib64/pkcs11/p11-kit-client.so"
SOFTWARE_OPTIONS = {"rsa:2048": ["RSA", "rsa_keygen_bits:2048"], "rsa:4096": ["RSA", "rsa_keygen_bits:4096"],
                    "ec:p256": ["EC", "ec_paramgen_curve:P-256"], "ed25519": ["ED25519"]}


class Peers:
    """All of one token, which takes delay_ms longer for a signature; each way in a copy of it for itself."""

    def __init__(self, ctx, token, delay_ms=0):
        self.ctx = ctx
        self.directory = ctx.rig.place("p")
        self.token = token.copy(os.path.join(self.directory, "token"))
        self.delay_ms = delay_ms
        self.server = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def stop(self):
        if self.server:
            self.server.stop()

    # --- Software

    def software(self, key, kind, algorithm, **options):
        private, public = self.path(f"{key}.key"), self.path(f"{key}.pub")
        if not os.path.exists(private):
            program = self.ctx.need("openssl", "openssl")
            name, *parameters = SOFTWARE_OPTIONS[kind]
            words = [word for each in parameters for word in ("-pkeyopt", each)]
            subprocess.run([program, "genpkey", "-quiet", "-algorithm", name, *words, "-out", private], check=True,
                           stderr=subprocess.DEVNULL)
            subprocess.run([program, "pkey", "-in", private, "-pubout", "-out", public], check=True)
        return self.ctx.callers(algorithm, public, ["file", private], **options)

    # --- libp11

    def engine(self, key, algorithm, **options):
        token = self.token
        uri = "pkcs11:token={};id={}".format(token.label, "".join(
            f"%{token.keys[key]['id'][i:i + 2]}" for i in range(0, len(token.keys[key]["id"]), 2)))
        way = ["engine", self.ctx.need(ENGINE, "libengine-pkcs11-openssl"), token.module, token.pin_file, uri]
        return self.ctx.callers(algorithm, self.ctx.rig.public_key(token, key), way, environment=token.environment,
                                **options)

    # --- p11-kit

    def remote(self, key, algorithm, **options):
        """p11-kit's server in front of the module; its client module in this program, a connection for each process."""
        client = self.ctx.need(CLIENT_MODULE, "p11-kit-modules")
        if not self.server:
            self.server = self.start_server()
        way = ["module", *self.ctx.rig.module_words(self.server.token, client), self.token.keys[key]["id"]]
        return self.ctx.callers(algorithm, self.ctx.rig.public_key(self.token, key), way,
                                environment={"P11_KIT_SERVER_ADDRESS": f"unix:path={self.path('p11-kit')}"},
                                sides={"server": [f"{self.server.process.pid}+"]}, **options)

    def start_server(self):
        program = self.ctx.need("p11-kit", "p11-kit")
        token = self.token.copy(self.path("served"))
        module, environment = self.ctx.rig.slow(token, self.delay_ms) if self.delay_ms else (
            token.module, token.environment)
        server = self.ctx.rig.daemon([program, "server", "--foreground", "--provider", module, "--name",
                                      self.path("p11-kit"), f"pkcs11:token={token.label}"], environment,
                                     self.path("server.log"))
        server.token = token
        give_up = time.monotonic() + 20
        while not os.path.exists(self.path("p11-kit")):
            if time.monotonic() > give_up or server.process.poll() is not None:
                raise Unable("p11-kit server doesn't start")
            time.sleep(0.01)
        return server

    # --- The agent, for programs that use OpenSSL

    def provider(self, agent, key, algorithm, **options):
        """Our provider in this program, with a key reference."""
        reference, configuration = self.path(f"{key}.reference"), self.path("openssl.cnf")
        program = os.path.join(self.ctx.build, "hsm-agent")
        if not os.path.exists(configuration):
            module = os.path.join(self.ctx.build, ".libs/hsmagent.so")
            subprocess.run([program, "openssl-conf", "--module", module, "-o", configuration], check=True)
        if not os.path.exists(reference):
            subprocess.run([program, "--socket", agent.socket, "pem", key, "-o", reference], check=True)
        return self.ctx.callers(algorithm, self.ctx.rig.public_key(agent.token, key), ["file", reference],
                                environment={"OPENSSL_CONF": configuration, "HSM_AGENT_SOCKET": agent.socket},
                                sides=agent.pids, **options)
