# SPDX-License-Identifier: Apache-2.0
# Running commands in control groups that are named like systemd's units. Source it after lib.sh.

# systemd's own hierarchy, or the only one.
units=$(awk '$3 == "cgroup" && $4 ~ /name=systemd/ { print $2; exit }' /proc/mounts)
[ -n "$units" ] || units=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
slice=$units/hsmagenttest$$.slice
in_unit() { # UNIT COMMAND...: runs it as a part of that unit
    local group=$slice/$1
    shift
    mkdir -p "$group" 2>/dev/null && (echo $BASHPID >"$group/cgroup.procs" && exec "$@")
}
remove_units() {
    [ ! -d "$slice" ] || find "$slice" -depth -type d -exec rmdir {} \; 2>/dev/null
}
trap 'remove_units; clean_up' EXIT
