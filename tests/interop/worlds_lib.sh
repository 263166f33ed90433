#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# For tests with networks of their own. A script sources it first: it starts the script again in namespaces that end with
# it (77 where the kernel gives none), and makes a folder, $run, that is removed at the end.
#
#	world NAME			a network namespace, held by a process, whose pid is in $NAME
#	in_world "$NAME" COMMAND...	there
set -euo pipefail
export PATH="${BERTH_PROGRAMS:?the folder of the programs}:/usr/sbin:/sbin:$PATH"

if [ "${1:-}" != inside ]; then
	as=(--user --map-root-user)
	[ "$(id -u)" != 0 ] || as=()
	if ! unshare "${as[@]}" --net --mount true; then
		echo "namespaces are refused here: run as root, or allow user namespaces"
		exit 77
	fi
	# all processes of the world end with it
	exec unshare "${as[@]}" --net --mount --pid --fork --kill-child --mount-proc "$0" inside
fi

run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
cd "$run"

said() { echo "ok: $*"; }
failed() {
	echo "FAILED: $1"
	tail -n 40 ./*.log
	exit 1
}

# until_true SECONDS COMMAND...: polls; the bound is the only time in it.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then return 1; fi
		read -rt 0.1 <> <(:) || true
	done
}

world() {
	unshare --net sleep infinity &
	local pid=$!
	# it has its namespace a moment after it was started
	until_true 10 bash -c "[ \"\$(readlink /proc/$pid/ns/net)\" != \"\$(readlink /proc/$$/ns/net)\" ]"
	eval "$1=$pid"
}
in_world() {
	local pid=$1
	shift
	nsenter --net --target "$pid" "$@"
}

# An address is usable once nobody else has claimed it.
has_link_local() { [ -n "$(ip -6 address show dev "$1" scope link -tentative)" ]; }
export -f has_link_local
await_link_local() { # await_link_local DEVICE [WORLD]
	local there=()
	[ -z "${2:-}" ] || there=(in_world "$2")
	until_true 20 "${there[@]}" bash -c "has_link_local $1" || failed "no link-local address on $1"
}
