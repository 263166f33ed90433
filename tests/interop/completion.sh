#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# bash itself completes: what it offers is what the program has.
set -euo pipefail
export PATH="$BERTH_PROGRAMS:$PATH"
. "$(dirname "$0")/../../data/completions/berth"
fail() { echo "FAILED: $*"; exit 1; }
# offers WORDS...: what is offered for the last word, sorted, on one line
offers() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	_berth
	printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
}
[ "$(offers berth fact)" = 'factory ' ] || fail "noun: $(offers berth fact)"
[ "$(offers berth factory '')" = 'init make request sell ' ] || fail "verbs: $(offers berth factory '')"
[ "$(offers berth factory ma)" = 'make ' ] || fail "verb: $(offers berth factory ma)"
[ "$(offers berth help factory se)" = 'sell ' ] || fail "help: $(offers berth help factory se)"
[ "$(offers berth factory make --o)" = '--out --owner --owner-name ' ] || fail "options: $(offers berth factory make --o)"
while read -r noun verb; do
	grep -q -- '--help' <<< "$(offers berth "$noun" ${verb:+"$verb"} --)" || fail "no options for $noun $verb"
done < <(berth --list-verbs)
echo "all holds"
