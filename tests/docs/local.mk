# SPDX-License-Identifier: Apache-2.0
# The manuals and the other documents against the program.
docs_scripts = tests/docs/manual.sh tests/docs/quotes.sh
dist_check_SCRIPTS += $(docs_scripts)
TESTS += $(docs_scripts)
EXTRA_DIST += tests/docs/quotes.py
