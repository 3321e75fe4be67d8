# SPDX-License-Identifier: Apache-2.0
# Messages as other people's libraries see them: `make check-peers`. They come from npm's registry, in the versions of
# package-lock.json, into the build directory, so this isn't part of `make check`.
dist_check_SCRIPTS += tests/peers/jose.sh
EXTRA_DIST += tests/peers/package.json tests/peers/package-lock.json tests/peers/jose.mjs
peers_modules = tests/peers/node_modules/.package-lock.json
$(peers_modules): tests/peers/package.json tests/peers/package-lock.json
	$(MKDIR_P) tests/peers
	test $(srcdir) = . || cp $(srcdir)/tests/peers/package.json $(srcdir)/tests/peers/package-lock.json tests/peers/
	cd tests/peers && npm ci --ignore-scripts --no-audit --no-fund
.PHONY: check-peers
check-peers: all $(peers_modules)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=tests/peers/jose.sh
