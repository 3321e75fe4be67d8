# SPDX-License-Identifier: Apache-2.0
"""The group `sign` of `make bench`: the same key operations by the agent and by its peers, on SoftHSM2; on a token that
takes 1 ms or 20 ms; and ten times a day's volume that the agent was made for."""
import collections

from figures import ratio_text
from peers import CLIENT_MODULE, ENGINE, Peers

# cost_s is what one takes a processor, roughly.
Operation = collections.namedtuple("Operation", "title algorithm key type purpose cost_s")

OPERATIONS = (
    Operation("RSA-2048 sign", "RS256", "rsa2048", "rsa:2048", "sign", 0.0006),
    Operation("RSA-4096 sign", "RS256", "rsa4096", "rsa:4096", "sign", 0.005),
    Operation("P-256 sign", "ES256", "p256", "ec:p256", "sign", 0.00006),
    Operation("RSA-2048 OAEP decrypt", "RSA-OAEP", "oaep2048", "rsa:2048", "decrypt", 0.0006),
    Operation("Ed25519 sign", "Ed25519", "ed25519", "ed25519", "sign", 0.0002),
)
CALLERS = (1, 8, 64)
DELAYS_MS = (1, 20)
SLOW_CALLERS = (8, 64)
DAY_RATE = 370  # signatures a second, 32 million a day
DAY_TIMES = 10

BASE = "SoftHSM2 in-process"
SOFTWARE, LIBP11, THREADS, PROCESSES = "software key", "libp11 ENGINE", "p11-kit, threads", "p11-kit, processes"
AGENT, SMALL, LARGE, PROVIDER = "agent", "agent, batch of 16", "agent, batch of 256", "agent, provider"
VERIFIED = "agent, verify = rsa"
BATCHES = {SMALL: 16, LARGE: 256}
AT_ONCE_S = 1.0  # no more work than that is under way: it would take longer than it is measured

NEEDS = ((ENGINE, "libengine-pkcs11-openssl"), (CLIENT_MODULE, "p11-kit-modules"), ("p11-kit", "p11-kit"),
         ("openssl", "openssl"))


def contenders_of(operation, callers):
    names = [SOFTWARE, BASE, LIBP11, THREADS]
    if callers > 1:
        names.append(PROCESSES)
    names.append(AGENT)
    if operation.purpose == "sign":
        names += [name for name, n in BATCHES.items() if n * callers * operation.cost_s <= AT_ONCE_S]
    names.append(PROVIDER)
    if operation.key == "rsa2048":
        names.append(VERIFIED)
    return names


def plan(ctx):
    steps = sum(len(contenders_of(operation, callers)) for operation in OPERATIONS for callers in CALLERS)
    return steps + 3 * len(DELAYS_MS) * len(SLOW_CALLERS) + 2, 15


def run(ctx):
    # libp11 finds no key at all in a token that has one of Ed25519, so that has a token of its own.
    beside = [operation for operation in OPERATIONS if operation.type != "ed25519"]
    alone = [operation for operation in OPERATIONS if operation.type == "ed25519"]
    token, found = in_token(ctx, beside)
    in_token(ctx, alone)
    say_promises(ctx, found)
    for delay_ms in DELAYS_MS:
        slow(ctx, token, delay_ms)
    day(ctx, token)


def in_token(ctx, operations):
    """The operations of keys that are in one token; (that token, {(key, callers): Comparison})."""
    token = ctx.softhsm([(each.key, each.type, [each.purpose]) for each in operations])
    peers = Peers(ctx, token)
    agent = ctx.agent(token, options="verify = off")
    verified = ctx.agent(token, options="verify = rsa")
    found = {}
    for operation in operations:
        for callers in CALLERS:
            ways = ways_of(ctx, peers, agent, verified, operation, callers)
            found[operation.key, callers] = ctx.compare(
                f"{operation.title}, {callers} caller{'s' if callers > 1 else ''}",
                [(name, ways[name]) for name in contenders_of(operation, callers)], base=BASE, family=operation.title)
    for each in (verified, agent, peers):
        each.stop()
    return token, found


def ways_of(ctx, peers, agent, verified, operation, callers):
    key, algorithm = operation.key, operation.algorithm

    def by_agent(whose, **options):
        return lambda: ctx.ask(whose, key, algorithm, callers=callers, **options)

    return {
        SOFTWARE: lambda: peers.software(key, operation.type, algorithm, callers=callers),
        BASE: lambda: ctx.in_process(peers.token, key, algorithm, callers=callers),
        LIBP11: lambda: peers.engine(key, algorithm, callers=callers),
        THREADS: lambda: peers.remote(key, algorithm, callers=callers),
        PROCESSES: lambda: peers.remote(key, algorithm, callers=callers, processes=True),
        AGENT: by_agent(agent),
        **{name: by_agent(agent, batch=n) for name, n in BATCHES.items()},
        PROVIDER: lambda: peers.provider(agent, key, algorithm, callers=callers),
        VERIFIED: by_agent(verified),
    }


def say_promises(ctx, found):
    rsa, p256, alone = found["rsa2048", 8], found["p256", 8], found["p256", 1]
    checked, cost = rsa.ratio(VERIFIED), rsa.ratio(VERIFIED, AGENT)
    ctx.promise("RSA-2048 sign, 8 callers, against in-process, verify off", rsa.ratio(AGENT), at_least=0.88,
                also=f"; with verify = rsa {ratio_text(checked)}" if checked else "")
    ctx.promise("P-256 sign, 8 callers, single requests, against in-process", p256.ratio(AGENT), at_least=0.50)
    ctx.promise("P-256 sign, batch of 16, 8 callers, against in-process", p256.ratio(SMALL), at_least=0.90)
    for title, comparison, threads, processes in (("RSA-2048", rsa, 1.8, 1.05), ("P-256", p256, 1.2, 1.5)):
        ctx.promise(f"{title} sign, 8 callers, against p11-kit remoting, threads", comparison.ratio(AGENT, THREADS),
                    at_least=threads)
        ctx.promise(f"{title} sign, 8 callers, against p11-kit remoting, processes",
                    comparison.ratio(AGENT, PROCESSES), at_least=processes)
    ctx.promise("P-256 sign, 1 caller, against p11-kit remoting", alone.ratio(AGENT, THREADS), at_least=1.1)
    if cost:
        rsa.notes.append(f"The default, verify = rsa, costs {1 - cost.median:.1%} of the signatures a second that there "
                         f"are with verify = off (rounds: {1 - cost.most:.1%} to {1 - cost.least:.1%}).")


def day(ctx, token):
    """With the defaults of the agent. The times count from the moments at which requests were due."""
    peers, agent = Peers(ctx, token), ctx.agent(token)
    rate = DAY_RATE * DAY_TIMES
    options = {"callers": 64, "rate": rate, "seconds": 3 * ctx.seconds}
    comparison = ctx.compare(
        f"P-256 sign, {rate} requests a second at random moments",
        [(BASE, lambda: ctx.in_process(peers.token, "p256", "ES256", **options)),
         (AGENT, lambda: ctx.ask(agent, "p256", "ES256", **options))], base=BASE)
    comparison.notes.append(f"{DAY_TIMES} times the rate of 32 million signatures a day, on up to 64 connections. Requests "
                            "begin when they are due, whether or not earlier ones are answered, and wait for a free "
                            "connection if there is none: that is in their times.")
    p99 = comparison[AGENT].spread("p99")
    ctx.promise(f"{DAY_TIMES} x {DAY_RATE} P-256 signatures a second on one agent, p99", p99 and milliseconds(p99),
                under=5, unit=" ms")
    agent.stop()


def milliseconds(spread):
    return type(spread)(*(value / 1000 for value in spread))


def slow(ctx, token, delay_ms):
    """A network HSM: it works on many operations at a time, and each takes long."""
    sessions = max(SLOW_CALLERS)
    agent = ctx.agent(token, options=f"verify = off\nsessions = {sessions}", delay_ms=delay_ms)
    peers = Peers(ctx, token, delay_ms)
    for callers in SLOW_CALLERS:
        comparison = ctx.compare(
            f"P-256 sign, a token that takes {delay_ms} ms, {callers} callers",
            [(BASE, lambda: ctx.in_process(peers.token, "p256", "ES256", slow_ms=delay_ms, callers=callers)),
             (THREADS, lambda: peers.remote("p256", "ES256", callers=callers)),
             (AGENT, lambda: ctx.ask(agent, "p256", "ES256", callers=callers))], base=BASE,
            family=f"P-256 sign, a token that takes {delay_ms} ms")
        if delay_ms == 1:
            ctx.promise(f"1 ms module, {callers} callers, against in-process with as many sessions",
                        comparison.ratio(AGENT), at_least=0.95)
    agent.stop()
    peers.stop()
