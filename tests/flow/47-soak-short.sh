#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The short form of the soak.
exec "${srcdir:-.}/tests/flow/soak.sh" short
