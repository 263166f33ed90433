#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The playbook as a test: every row that is built is shown, none fails. Skipped (77) only where the kernel refuses the
# namespaces that the scenarios live in.
set -euo pipefail
run=$(mktemp -d)
trap 'rm -rf "$run"' EXIT
mkdir "$run/world"
rc=0
"$BERTH_PROGRAMS/berth" playbook --run "$run/world" 2> "$run/stderr" || rc=$?
cat "$run/stderr"
if [ "$rc" -ne 0 ] && grep -q namespace-refused "$run/stderr"; then
	echo "skipped: this kernel gives no namespaces to us"
	exit 77
fi
[ "$rc" -eq 0 ] || tail -n 40 "$run"/world/S*.log
exit "$rc"
