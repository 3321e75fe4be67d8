# SPDX-License-Identifier: Apache-2.0
# Whole agents on SoftHSM2 tokens, from the outside.
flow_scripts = \
	tests/flow/10-keys.sh \
	tests/flow/11-sign.sh \
	tests/flow/12-decrypt.sh \
	tests/flow/13-csr.sh \
	tests/flow/14-tls-content.sh \
	tests/flow/16-provider.sh \
	tests/flow/17-nginx.sh \
	tests/flow/18-mtls.sh \
	tests/flow/19-apache.sh \
	tests/flow/19-haproxy.sh \
	tests/flow/19-node.sh \
	tests/flow/19-postgresql.sh \
	tests/flow/19-servers.sh \
	tests/flow/19-stunnel.sh \
	tests/flow/20-curl.sh \
	tests/flow/21-client-library.sh \
	tests/flow/22-tls-check.sh \
	tests/flow/23-openssl-check.sh \
	tests/flow/24-jws.sh \
	tests/flow/25-jwe.sh \
	tests/flow/26-http-signature.sh \
	tests/flow/27-judges.sh \
	tests/flow/28-fapi.sh \
	tests/flow/29-mac.sh \
	tests/flow/30-bad-input.sh \
	tests/flow/32-csr-profiles.sh \
	tests/flow/31-rotate.sh \
	tests/flow/33-certificates.sh \
	tests/flow/34-token.sh \
	tests/flow/35-import-killed.sh \
	tests/flow/35-import.sh \
	tests/flow/36-backup.sh \
	tests/flow/37-inventory.sh \
	tests/flow/38-ceremony.sh \
	tests/flow/39-expiry.sh \
	tests/flow/40-crash.sh \
	tests/flow/41-wrong-pin.sh \
	tests/flow/42-fault-module.sh \
	tests/flow/43-ladder.sh \
	tests/flow/43-pin-guard.sh \
	tests/flow/43-verify.sh \
	tests/flow/44-batch-faults.sh \
	tests/flow/44-fairness.sh \
	tests/flow/45-replicas.sh \
	tests/flow/45-wrapped.sh \
	tests/flow/46-reload.sh \
	tests/flow/47-soak-short.sh \
	tests/flow/48-templates.sh \
	tests/flow/49-always-authenticate.sh \
	tests/flow/50-secrets.sh \
	tests/flow/51-est.sh \
	tests/flow/52-dogtag.sh \
	tests/flow/53-audit.sh \
	tests/flow/54-hardening.sh \
	tests/flow/55-units.sh \
	tests/flow/56-audit-peers.sh \
	tests/flow/60-scale.sh \
	tests/flow/61-bench.sh \
	tests/flow/61-instructions.sh \
	tests/flow/62-affinity.sh \
	tests/flow/70-policy.sh \
	tests/flow/71-config.sh \
	tests/flow/72-profiles.sh \
	tests/flow/73-identity.sh \
	tests/flow/74-limits.sh \
	tests/flow/75-policy-commands.sh \
	tests/flow/76-second.sh \
	tests/flow/77-policy-suggest.sh \
	tests/flow/80-dev.sh \
	tests/flow/90-readme.sh \
	tests/flow/91-ecosystems.sh \
	tests/flow/92-mhhs-dip.sh \
	tests/flow/92-mhhs-provider.sh \
	tests/flow/92-mojaloop.sh \
	tests/flow/92-thredd-ehi.sh \
	tests/flow/92-uae-open-finance.sh
dist_check_SCRIPTS += $(flow_scripts)
TESTS += $(flow_scripts)
EXTRA_DIST += \
	tests/ecosystems/mhhs-dip.sh \
	tests/ecosystems/mhhs-provider.sh \
	tests/ecosystems/mojaloop.sh \
	tests/ecosystems/steps.sh \
	tests/ecosystems/thredd-ehi.sh \
	tests/ecosystems/uae-open-finance.sh \
	tests/interop/agent.mjs \
	tests/interop/authorization_server.mjs \
	tests/interop/inventory.mjs \
	tests/interop/csr.mjs \
	tests/interop/ca.mjs \
	tests/interop/ca_dogtag.mjs \
	tests/interop/ca_est.mjs \
	tests/interop/ca_faults.mjs \
	tests/interop/ca_kra.mjs \
	tests/interop/ca_store.mjs \
	tests/interop/jose.mjs \
	tests/interop/mojaloop.cjs \
	tests/interop/oidc.mjs \
	tests/interop/package-lock.json \
	tests/interop/package.json \
	tests/flow/agentlib.py \
	tests/flow/at_terminal.py \
	tests/flow/bad_input.py \
	tests/flow/bad_requests.py \
	tests/flow/batch.py \
	tests/flow/ca_lib.sh tests/flow/unit_lib.sh \
	tests/flow/crash.py \
	tests/flow/crowd.py \
	tests/flow/drain.py \
	tests/flow/examples.py \
	tests/flow/expiry_lib.sh \
	tests/flow/ladder.py \
	tests/flow/find_bytes.py \
	tests/flow/jwe_broken.py \
	tests/flow/keep_connection.py \
	tests/flow/judges_lib.sh \
	tests/flow/http_signature.py \
	tests/flow/identity.py \
	tests/flow/jwk.py \
	tests/flow/jws.py \
	tests/flow/lib.sh \
	tests/flow/lifecycle_lib.sh \
	tests/flow/listen.py \
	tests/flow/notify.py \
	tests/flow/reload.py \
	tests/flow/replicas.py \
	tests/flow/rotate.py \
	tests/flow/say_request.py \
	tests/flow/scale.py \
	tests/flow/soak.py \
	tests/flow/servers_lib.sh \
	tests/flow/tls_content.py \
	tests/flow/tls_lib.sh \
	tests/flow/tls_load.py \
	tests/flow/tls_server.py \
	tests/flow/web_server.js \
	tests/flow/web_server.py

# What takes time, and depends on the machine's mood.
EXTRA_DIST += tests/bench/instructions.py tests/bench/keys-500.sh tests/bench/rate.py
bench-keys: all
	srcdir=$(srcdir) $(srcdir)/tests/bench/keys-500.sh

EXTRA_PROGRAMS = tests/bench/handshakes
tests_bench_handshakes_SOURCES = tests/bench/handshakes.c tests/bench/callers/times.c tests/bench/callers/times.h
tests_bench_handshakes_LDADD = $(OPENSSL_SSL_LIBS) $(CRYPTO_LIBS)
CLEANFILES += tests/bench/handshakes$(EXEEXT)
EXTRA_DIST += tests/bench/async.sh
bench-async: all tests/bench/handshakes$(EXEEXT) tests/fault/fault_module.la
	srcdir=$(srcdir) $(srcdir)/tests/bench/async.sh

# A key in two tokens, one of which fails, under load for a minute.
check-replicas: all tests/fault/fault_module.la tests/fault/faultctl
	REPLICA_SECONDS=60 $(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=tests/flow/45-replicas.sh

# 50 signatures a second for a minute through a rotation, each verified with the keys that are published then.
check-rotation: all tests/fault/fault_module.la tests/fault/faultctl
	ROTATION_SECONDS=60 $(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=tests/flow/31-rotate.sh

# Signing and decrypting that cost nothing.
check_LTLIBRARIES += tests/bench/null_module.la
tests_bench_null_module_la_SOURCES = tests/bench/null_module.c
tests_bench_null_module_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

check_PROGRAMS += tests/bench/load
tests_bench_load_SOURCES = tests/bench/load.c
EXTRA_DIST += tests/bench/fairness.sh
bench-fairness: all tests/bench/load$(EXEEXT) tests/fault/fault_module.la tests/fault/faultctl$(EXEEXT)
	srcdir=$(srcdir) $(srcdir)/tests/bench/fairness.sh

# The daemon under valgrind, which takes too long for every `make check`.
dist_check_SCRIPTS += tests/flow/valgrind.sh
EXTRA_DIST += tests/flow/readme.py
check-valgrind: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=tests/flow/valgrind.sh

# The threads of the daemon and the token's process under helgrind.
dist_check_SCRIPTS += tests/flow/helgrind.sh
EXTRA_DIST += tests/flow/helgrind.supp
check-helgrind: all tests/unit/limits_test$(EXEEXT) tests/unit/pairs_test$(EXEEXT) tests/unit/starter_test$(EXEEXT)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=tests/flow/helgrind.sh

# Half an hour, or SOAK_MINUTES, of load, SIGHUP and faults.
dist_check_SCRIPTS += tests/flow/soak.sh
soak: all tests/fault/fault_module.la tests/fault/faultctl
	srcdir=$(srcdir) $(srcdir)/tests/flow/soak.sh

# Twelve codes at eight functions, hangs and crashes at each call, processes killed at random: each takes minutes, and
# prints what it has measured.
EXTRA_DIST += \
	tests/bench/audit.sh \
	tests/bench/audit_cost.sh \
	tests/bench/audit_kills.py \
	tests/bench/faults.py \
	tests/bench/faults.sh \
	tests/bench/hangs.py \
	tests/bench/hangs.sh \
	tests/bench/kills.py \
	tests/bench/kills.sh \
	tests/bench/loadlib.py \
	tests/bench/slow_clients.py \
	tests/bench/slow_clients.sh
CLEANFILES += fault-matrix.md
fault_load = all tests/bench/load$(EXEEXT) tests/fault/fault_module.la tests/fault/faultctl$(EXEEXT)
check-faults: $(fault_load)
	srcdir=$(srcdir) $(srcdir)/tests/bench/faults.sh
check-hangs: $(fault_load)
	srcdir=$(srcdir) $(srcdir)/tests/bench/hangs.sh
check-audit: all tests/unit/audit_test$(EXEEXT)
	srcdir=$(srcdir) $(srcdir)/tests/bench/audit.sh
bench-audit: all tests/bench/load$(EXEEXT) tests/bench/audit_make$(EXEEXT)
	srcdir=$(srcdir) $(srcdir)/tests/bench/audit_cost.sh
check-slow-clients: all
	srcdir=$(srcdir) $(srcdir)/tests/bench/slow_clients.sh
check-kills: all
	srcdir=$(srcdir) $(srcdir)/tests/bench/kills.sh
