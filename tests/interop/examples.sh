#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The example configurations are good in the eyes of the programs they are for, and a slip in one is not.
set -euo pipefail
programs=${BERTH_PROGRAMS:?the folder of the programs}
data=$(cd "$(dirname "$0")/../../data" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
check() { # check NAME FILE
	case $1 in
	device) "$programs/berth-device" --config "$2" check-config ;;
	*) "$programs/berth-$1" --config "$2" --check-config ;;
	esac
}
for name in device gateway masa registrar; do
	check $name "$data/$name.conf" > /dev/null
	sed '0,/^[a-z].* = /s/^[a-z][a-z-]*/&x/' "$data/$name.conf" > "$work/$name.conf"
	if check $name "$work/$name.conf" 2> "$work/said"; then echo "FAILED: $name takes any key"; exit 1; fi
	grep -q 'no such key' "$work/said" || { cat "$work/said"; exit 1; }
	echo "ok: $name.conf"
done
