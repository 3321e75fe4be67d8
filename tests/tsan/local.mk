# SPDX-License-Identifier: Apache-2.0
# ThreadSanitizer over the threads of the daemon and of the token's process, in a build with --enable-sanitizers=thread.
EXTRA_DIST += tests/tsan/threads.h
TSAN_TESTS = \
	tests/unit/api_test \
	tests/unit/audit_test \
	tests/unit/channel_test \
	tests/unit/client_pool_test \
	tests/unit/expiry_test \
	tests/unit/http_limits_test \
	tests/unit/http_test \
	tests/unit/http_times_test \
	tests/unit/keys_test \
	tests/unit/limits_test \
	tests/unit/pairs_test \
	tests/unit/rotate_test \
	tests/unit/snapshot_test \
	tests/unit/starter_test \
	tests/flow/10-keys.sh \
	tests/flow/11-sign.sh \
	tests/flow/40-crash.sh \
	tests/flow/46-reload.sh \
	tests/flow/53-audit.sh \
	tests/flow/74-limits.sh \
	tests/flow/76-second.sh
check-tsan: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(TSAN_TESTS)'
