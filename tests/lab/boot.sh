#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The virtual machine of the Wi-Fi lab itself: what comes out of it is what happened inside.
set -euo pipefail
vm=$(dirname "$0")/vm
shared=$(mktemp -d)
trap 'rm -rf "$shared"' EXIT
failed=0

# ends STATUS WORDS SENTENCE OPTION...: this ends so, and says WORDS
ends() {
	local status=$1 words=$2 sentence=$3 got=0 out
	shift 3
	out=$("$vm" "$@" 2>&1) || got=$?
	if [ $got -eq 77 ]; then
		echo "$out"
		exit 77
	fi
	if [ $got -eq "$status" ] && grep -qF -- "$words" <<<"$out"; then
		echo "ok at $SECONDS s: $sentence"
	else
		echo "not ok: $sentence: ended with $got, not $status, and said: $out"
		failed=1
	fi
}

marker=/etc/berth-lab-$$
BERTH_WORD='two  words'
export BERTH_WORD
# shellcheck disable=SC2016 # for the guest's shell
ends 7 'radios: 2' 'a status passes through; the guest writes where it may, and has radios' -t 90 -s "$shared" -- \
	bash -c 'touch "$1" && echo "$BERTH_WORD" >"$2/out" && modprobe mac80211_hwsim radios=2 &&
		echo "radios: $(iw dev | grep -c Interface)" && exit 7' - "$marker" "$shared"
if [ -e "$marker" ]; then
	echo "not ok: the guest changed the host"
	rm -f "$marker"
	failed=1
fi
if [ "$(cat "$shared/out")" != "$BERTH_WORD" ]; then
	echo "not ok: the shared folder holds: $(cat "$shared/out")"
	failed=1
fi
ends 124 'no end within 8 s' 'a command that does not end is ended' -t 8 -- sleep 1000
ends 125 'sysrq' 'a guest that dies is told from a command that fails' -t 60 -- sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
exit $failed
