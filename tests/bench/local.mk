# SPDX-License-Identifier: Apache-2.0
# What the agent costs beside its peers: `make bench`. The report is in bench-report/.
EXTRA_PROGRAMS += tests/bench/callers/callers
tests_bench_callers_callers_SOURCES = \
	tests/bench/callers/agent.c \
	tests/bench/callers/callers.h \
	tests/bench/callers/cpu.c \
	tests/bench/callers/cpu.h \
	tests/bench/callers/evp.c \
	tests/bench/callers/main.c \
	tests/bench/callers/module.c \
	tests/bench/callers/times.c \
	tests/bench/callers/times.h
tests_bench_callers_callers_LDADD = $(CRYPTO_LIBS) -lm
CLEANFILES += tests/bench/callers/callers$(EXEEXT)
EXTRA_DIST += \
	tests/bench/benchlib.py \
	tests/bench/figures.py \
	tests/bench/rig.py
