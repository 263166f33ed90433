#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A newcomer follows README.md, docs/first-device.md and docs/later-years.md to the letter: every ```sh block, in one
# shell, each line as it stands. The ports in the text are fixed, so it runs in a network namespace of its own.
set -euo pipefail

programs=${BERTH_PROGRAMS:?the folder of the programs}
here=$(cd "$(dirname "$0")/../.." && pwd)
for tool in unshare ip jq openssl; do
	command -v "$tool" > /dev/null || { echo "missing: $tool"; exit 77; }
done
unshare -rn true 2> /dev/null || { echo "no network namespace can be made here"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp"
ln -s "$programs" "$work/build"

blocks() { awk '/^```sh$/ {inside = 1; next} /^```$/ {inside = 0} inside' "$@"; }
{
	echo 'set -eu -o pipefail'
	echo "trap 'jobs -p | xargs -r kill 2> /dev/null || true' EXIT"
	blocks "$here/README.md" "$here/docs/first-device.md" "$here/docs/later-years.md"
	echo 'echo the end'
} > "$work/walk.sh"
[ "$(grep -c . "$work/walk.sh")" -gt 130 ] || { echo "the blocks of the text were not found"; exit 1; }

# Job numbers as at a prompt; the text's own `cd "$(mktemp -d)"` stays below our folder.
cd "$work"
rc=0
TMPDIR=$work/tmp timeout 150 unshare -rn bash -c 'ip link set lo up && exec bash walk.sh' > said 2> errors < /dev/null || rc=$?
fail() {
	echo "FAILED: $*"
	cat said errors
	tail -n 20 tmp/*/*.log 2> /dev/null
	exit 1
}
[ $rc -eq 0 ] || fail "the walk ends with $rc"
[ "$(tail -n 1 said)" = 'the end' ] || fail 'the walk did not reach its end'

must_say() { # must_say COUNT PATTERN
	local n
	n=$(grep -cE -- "$2" said) || true
	[ "$n" -ge "$1" ] || fail "'$2' stands $n times, not $1"
}
must_say 1 'policy-approval-due'
must_say 2 '^state +enrolled'
must_say 3 'the audit log holds'
must_say 3 'refused, exit status 3'
must_say 1 'FAIL device-state'
must_say 1 'FAIL policy-'
must_say 1 'certificate: allow'
must_say 1 'status: allow'
# later-years.md: the claim, the campaign, revocation by openssl, the file that was carried, backup and roll-over.
must_say 1 'owner\.set +owner:Example Home'
must_say 1 'done +1 of 2'
must_say 1 'lost.pem: good'
must_say 1 'lost.pem: revoked'
must_say 1 'owner\.ended +owner:Example Home'
must_say 1 '^A-0001 +Acme +[0-9TZ:-]+ '
must_say 1 'rehearsal: restored'
must_say 1 'Issuing CA 2 is in force'
must_say 2 'ldevid.pem: OK'
if grep -q ' certificate: deny' said; then fail 'a certificate was issued on the word deny'; fi
echo "ok: $(grep -c . walk.sh) lines of README.md and the two pages do what they say"
