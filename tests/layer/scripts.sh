#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# usage: scripts.sh FOLDER...
# No script reads what it judges by "command | grep -q": grep goes at the first match, the command dies of SIGPIPE when
# it writes more, and pipefail makes that a failure at random, or after "!" a success. "grep ... > /dev/null" reads all.
set -euo pipefail

quick='(^|[^|])\|[[:space:]]*grep[[:space:]]+(-[A-Za-z]+[[:space:]]+)*-[A-Za-z]*q'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

judge() { # judge FOLDER...: what is wrong, on standard output
	grep -rnE --include='*.sh' "$quick" "$@" || [ $? = 1 ]
}

# Proof that a fault would be found, and nothing else.
printf '%s\n' 'a || grep -q b c' 'grep -q b c' 'a | grep b > /dev/null' > "$work/good.sh"
[ -z "$(judge "$work")" ] || { echo "FAILED: what is good is found: $(judge "$work")"; exit 1; }
printf '%s\n' 'a | grep -q b' '! a | grep -qi b' 'a |grep -i -xq b' 'a 2>&1 | grep -Fq b' > "$work/bad.sh"
[ "$(judge "$work" | grep -c 'bad.sh:')" = 4 ] || { echo "FAILED: found only: $(judge "$work")"; exit 1; }

judge "$@" > "$work/found"
if [ -s "$work/found" ]; then
	echo "FAILED: these may fail at random; write grep ... > /dev/null:"
	cat "$work/found"
	exit 1
fi
echo 'ok: no command is piped to grep -q'
