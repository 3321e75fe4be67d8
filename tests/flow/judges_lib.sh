# SPDX-License-Identifier: Apache-2.0
# For tests with the npm packages of tests/interop, which are where HSM_AGENT_INTEROP says: `./quickstart test` installs them.
# Sourced after lib.sh.

[ -n "${HSM_AGENT_INTEROP:-}" ] || skip_all 'HSM_AGENT_INTEROP is not set: no npm packages to ask'

# The scripts, beside the packages that they import.
judges=$T/judges
mkdir "$judges"
cp "${srcdir:-.}"/tests/interop/*.mjs "${srcdir:-.}"/tests/interop/*.cjs "$judges"
ln -s "$HSM_AGENT_INTEROP/node_modules" "$judges/node_modules"
