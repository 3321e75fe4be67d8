# SPDX-License-Identifier: Apache-2.0
# One fragment for each kind of test.
if ENABLE_TESTS
include tests/unit/base.mk
include tests/unit/audit.mk
include tests/unit/crypto.mk
include tests/unit/jwe.mk
include tests/unit/jose.mk
include tests/unit/http_signature.mk
include tests/unit/profile.mk
include tests/unit/channel.mk
include tests/unit/confine.mk
include tests/unit/certificates.mk
include tests/unit/expiry.mk
include tests/unit/versions.mk
include tests/unit/token.mk
include tests/unit/service.mk
include tests/unit/cli.mk
include tests/unit/enrol.mk
include tests/unit/provider.mk
include tests/fault/local.mk
include tests/uniform/local.mk
include tests/flow/local.mk
include tests/bench/local.mk
include tests/tsan/local.mk
include tests/fuzz/local.mk
include tests/tokens/local.mk
include tests/docs/local.mk
endif
