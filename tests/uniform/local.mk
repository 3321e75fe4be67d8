# SPDX-License-Identifier: Apache-2.0
# Whether ciphertexts that don't decrypt can be told apart: `make check-uniform`, UNIFORM_SAMPLES of each class.
check_LTLIBRARIES += tests/uniform/constant_module.la
tests_uniform_constant_module_la_SOURCES = tests/uniform/constant_module.c
tests_uniform_constant_module_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

check-uniform: all tests/uniform/constant_module.la
	srcdir=$(srcdir) $(srcdir)/tests/uniform/uniform.sh
EXTRA_DIST += tests/uniform/uniform.py tests/uniform/uniform.sh
