#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the pages quote of the scripts of tests/ecosystems is what those have.
src=${srcdir:-$(dirname "$0")/../..}
exec "${PYTHON:-python3}" "$src/tests/docs/quotes.py" "$src"
