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
# The policy's examples are comments; with their marks taken away a registrar must start on them.
"$programs/berth" registrar init --dir "$work/home" --name X --host localhost --listen '[::1]:0' > /dev/null
sed 's/^#\([^ ]\)/\1/' "$data/policy.conf" > "$work/home/policy.conf"
grep -q '^\[rule' "$work/home/policy.conf"
serves() { # serves: the registrar takes the policy
	rm -f "$work/home/port"
	"$programs/berth-registrar" --config "$work/home/registrar.conf" 2> "$work/said" &
	local pid=$! rc=0
	until [ -s "$work/home/port" ] || ! kill -0 $pid 2> /dev/null; do sleep 0.1; done
	[ -s "$work/home/port" ] || rc=1
	kill $pid 2> /dev/null || true
	wait $pid || true
	return $rc
}
serves || { cat "$work/said"; exit 1; }
sed -i '0,/^match/s//matches/' "$work/home/policy.conf"
if serves; then echo "FAILED: the policy takes any key"; exit 1; fi
unsound() { # unsound WORDS: the check ends with 2 and says WORDS
	local rc=0
	"$programs/berth-registrar" --config "$work/home/registrar.conf" --check-config > "$work/said" 2>&1 || rc=$?
	[ $rc = 2 ] && grep -q "$1" "$work/said" || { echo "FAILED: $rc, without \"$1\": $(cat "$work/said")"; exit 1; }
}
unsound 'policy.conf:[0-9]'
rm "$work/home/policy.conf"
unsound 'policy.conf'
cp "$data/policy.conf" "$work/home/policy.conf"
check registrar "$work/home/registrar.conf" > /dev/null
for file in keys/registrar.key keys/issuing.key issuing.pem registrar.pem; do
	mv "$work/home/$file" "$work/kept"
	unsound "$file"
	mv "$work/kept" "$work/home/$file"
done
printf '[manufacturer "Acme"]\nanchors = acme.pem\n' >> "$work/home/registrar.conf"
unsound 'anchors = .*acme.pem'
echo rubbish > "$work/home/acme.pem"
unsound 'anchors = .*acme.pem'
cp "$work/home/issuing.pem" "$work/home/acme.pem"
check registrar "$work/home/registrar.conf" > /dev/null
echo "ok: policy.conf and the other files that a registrar loads"

# What the examples name is made here, under the names that they use.
here() { # here FILE: with the folders of this test and as this user
	sed "s,/etc/berth-registrar,$work/home,; s,/etc/berth-masa,$work/home,; s/^user = .*//" "$1"
}
for name in manufacturer tls voucher; do
	cp "$work/home/registrar.pem" "$work/home/$name.pem"
	cp "$work/home/keys/registrar.key" "$work/home/$name.key"
done

# berth-mean's names folders, and takes keys of tests alone.
mkdir "$work/mean"
(cd "$work/mean" && "$programs/berth" registrar init --dir home --name 'Home TEST' --host localhost > /dev/null &&
	"$programs/berth" factory init --dir acme --name 'Acme TEST' --masa-url masa.invalid > /dev/null)
cp "$data/mean.conf" "$work/mean/"
"$programs/berth-mean" --config "$work/mean/mean.conf" --check-config
echo "ok: mean.conf"

for name in device gateway masa registrar; do
	here "$data/$name.conf" > "$work/$name.conf"
	check $name "$work/$name.conf" > /dev/null
	sed -i '0,/^[a-z].* = /s/^[a-z][a-z-]*/&x/' "$work/$name.conf"
	if check $name "$work/$name.conf" 2> "$work/said"; then echo "FAILED: $name takes any key"; exit 1; fi
	grep -q 'no such key' "$work/said" || { cat "$work/said"; exit 1; }
	echo "ok: $name.conf"
done
