#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# usage: services.sh SYSUSERS SERVICE...
# The unit files are sound, hardened (exposure 1.5 at most, the gateway 3.0, a device on the air 2.5) and name users that sysusers.d makes.
set -euo pipefail
sysusers=$1
shift
command -v systemd-analyze > /dev/null || { echo "missing: systemd-analyze"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

exposure() { # exposure LIMIT-IN-TENTHS FILE
	systemd-analyze security --no-pager --offline=true --threshold="$1" "$2" > "$work/said" 2>&1
}

for file in "$@"; do
	name=$(basename "$file")
	limit=15
	[ "$name" != berth-gateway.service ] || limit=30
	[ "$name" != berth-device-wi-fi.service ] || limit=25 # the radio and the links are its work
	exposure $limit "$file" || { grep -E '✗|exposure' "$work/said"; fail "$name is exposed more than $limit tenths"; }
	grep -qE "exposure level for $name" "$work/said" || { cat "$work/said"; fail "$name was not judged"; }
	user=$(sed -n 's/^User=//p' "$file")
	grep -q "^u $user " "$sysusers" || fail "$name runs as $user, whom sysusers.d does not make"
	# The same unit without one line must be found out.
	sed '/^NoNewPrivileges=/d; /^SystemCallFilter=/d; /^ProtectSystem=/d' "$file" > "$work/$name"
	if exposure 15 "$work/$name"; then fail "$name without its walls passes as well"; fi
	echo "ok: $name"
done
