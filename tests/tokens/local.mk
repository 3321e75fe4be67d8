# SPDX-License-Identifier: Apache-2.0
# The basic flow on other tokens than SoftHSM2. They take packages that nothing else does: a test whose programs are not
# there is skipped.
dist_check_SCRIPTS += tests/tokens/tpm2.sh
check-tokens: all
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=tests/tokens/tpm2.sh
