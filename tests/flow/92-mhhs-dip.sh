#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/ecosystems/mhhs-dip.sh: from an empty token to certificates that are served and renewed.
. "${srcdir:-.}/tests/flow/lib.sh" || exit 99
. "$flow/lifecycle_lib.sh"

lifecycle mhhs-dip
