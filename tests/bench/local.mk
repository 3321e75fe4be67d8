# SPDX-License-Identifier: Apache-2.0
# The agent beside its peers.
check_PROGRAMS += tests/bench/callers/callers
tests_bench_callers_callers_SOURCES = \
	tests/bench/callers/agent.c \
	tests/bench/callers/callers.h \
	tests/bench/callers/cpu.c \
	tests/bench/callers/cpu.h \
	tests/bench/callers/evp.c \
	tests/bench/callers/main.c \
	tests/bench/callers/module.c \
	tests/bench/callers/run.c \
	tests/bench/callers/run.h \
	tests/bench/callers/times.c \
	tests/bench/callers/times.h
tests_bench_callers_callers_LDADD = $(CRYPTO_LIBS) -lm
EXTRA_DIST += \
	tests/bench/bench.py \
	tests/bench/bench_test.py \
	tests/bench/benchlib.py \
	tests/bench/charts.py \
	tests/bench/figures.py \
	tests/bench/growth.py \
	tests/bench/machine.py \
	tests/bench/peers.py \
	tests/bench/pictures.py \
	tests/bench/report.py \
	tests/bench/rig.py \
	tests/bench/sign.py \
	tests/bench/tls.py
# The report is bench-report/. BENCH=sign,... chooses groups, BENCH_ROUNDS=1 BENCH_SECONDS=0.1 is for trying.
bench: all tests/bench/callers/callers$(EXEEXT) tests/bench/handshakes$(EXEEXT) tests/fault/fault_module.la
	python3 $(srcdir)/tests/bench/bench.py
