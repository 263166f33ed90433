# SPDX-License-Identifier: BSD-2-Clause
# Shared by the scenario scripts. They run in a world of their own (network, mount and process namespaces) that
# "berth playbook" made, as its root; all processes end with that world.
#
#   BERTH_PROGRAMS   folder of the programs under test
#   BERTH_RUN        folder of this run: what one scenario makes, the next one finds
#   descriptor 3     results (src/role/playbook/result.h)
#
# The network:
#
#   acme 192.0.2.10 ─┐                               ┌─ gw (198.51.100.2) ── dev ──┬─ d1, d2 ... (link-local only)
#   globex 192.0.2.20┼─ inet ── owner 192.0.2.30 ── lan                            │
#   rogue 192.0.2.40 ┘          (198.51.100.1)                                     └─ rogue (a second network on the same link)
set -euo pipefail
export PATH="$BERTH_PROGRAMS:/usr/sbin:/sbin:$PATH"
scenario=$(basename "$0" .sh)
logs=$BERTH_RUN/log
mkdir -p "$logs"

# ---- results -------------------------------------------------------------------------------------------------------
say() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$(tr '\t\n' '  ' <<<"$4" | cut -c1-900 | sed 's/ *$//')" >&3; }
evidence() { echo "+ $row: $1"; say evidence "$row" B "$1"; }
refusal() { echo "- $row: $1"; say refusal "$row" B "$1"; }
failed() { echo "FAILED $row: $1"; say failed "$row" B "$1"; }
shown() { printf 'shown\t%s\tB\n' "$row" >&3; }

# run_row ID FUNCTION: the function's failure fails this row and leaves the others alone.
run_row() {
	row=$1
	echo "=== $row at $SECONDS s"
	set +e
	( set -eE; trap 'echo "line $LINENO: $BASH_COMMAND" > "$BERTH_RUN/where"' ERR; "$2" )
	local rc=$?
	set -e
	if [ $rc -eq 0 ]; then shown; else failed "ended with $rc at $(cat "$BERTH_RUN/where" 2>/dev/null || echo '?')"; rows_failed=1; fi
}
rows_failed=0
finish() { exit "$rows_failed"; }

# must_fail WANTED_STATUS PATTERN COMMAND...: the command is refused with this exit status and says PATTERN.
must_fail() {
	local want=$1 pattern=$2 out rc=0
	shift 2
	out=$("$@" 2>&1) || rc=$?
	if [ "$rc" -ne "$want" ]; then echo "expected status $want, got $rc from: $*"; echo "$out"; return 1; fi
	if ! grep -Eq -- "$pattern" <<<"$out"; then echo "expected '$pattern' from: $*"; echo "$out"; return 1; fi
	said=$(grep -E -m1 -- "$pattern" <<<"$out")
}

# until_true SECONDS COMMAND...: polls; the bound is the only time in it.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then echo "gave up waiting for: $*"; return 1; fi
		read -rt 0.1 <> <(:) || true
	done
}

# ---- the network ---------------------------------------------------------------------------------------------------
link() { # link BRIDGE NAMESPACE DEVICE [ADDRESS]
	local port=$1-$2
	ip link add "$port" type veth peer name "$3" netns "$2"
	ip link set "$port" master "br-$1" up
	ip netns exec "$2" sh -c "echo 0 > /proc/sys/net/ipv6/conf/$3/accept_dad" || true
	if [ -n "${4:-}" ]; then ip -n "$2" addr add "$4" dev "$3"; fi
	ip -n "$2" link set dev "$3" up
}
host() { ip netns add "$1"; ip -n "$1" link set lo up; }
bridge() { ip link add "br-$1" type bridge mcast_snooping 0; ip link set "br-$1" up; }
network_up() {
	ip link set lo up
	bridge inet
	bridge lan
	bridge dev
	for h in acme globex owner rogue gw; do host $h; done
	link inet acme up 192.0.2.10/24
	link inet globex up 192.0.2.20/24
	link inet owner up 192.0.2.30/24
	link inet rogue up 192.0.2.40/24
	link lan owner lan 198.51.100.1/24
	link lan gw lan 198.51.100.2/24
	link dev gw dev
	link dev rogue dev
	cat > "$BERTH_RUN/hosts" <<-EOF
		127.0.0.1 localhost
		::1 localhost
		192.0.2.10 masa.acme.example
		192.0.2.20 masa.globex.example
		198.51.100.1 registrar.home.example
		192.0.2.30 crl.home.example
	EOF
	mount --bind "$BERTH_RUN/hosts" /etc/hosts
}
device_host() { host "$1"; link dev "$1" eth0; } # a device has nothing but its link-local address

# spawn NAMESPACE NAME COMMAND...: in the background, its output in $logs/NAME.log, its pid in $logs/NAME.pid
spawn() {
	local ns=$1 name=$2
	shift 2
	ip netns exec "$ns" "$@" >> "$logs/$name.log" 2>&1 3>&- < /dev/null &
	echo $! > "$logs/$name.pid"
}
stop() { # stop NAME: ends it and waits until it is gone
	local pid
	pid=$(cat "$logs/$1.pid")
	kill -TERM "$pid" 2>/dev/null || true
	until_true 10 sh -c "! kill -0 $pid 2>/dev/null || grep -q '^State:.Z' /proc/$pid/status"
	rm -f "$logs/$1.pid"
}
in_ns() { ip netns exec "$@"; }
here=$(cd "$(dirname "$0")" && pwd)
flip_last_bit() { # flip_last_bit FILE: the smallest change there is
	printf "\\x$(printf %02x $((0x$(tail -c 1 "$1" | xxd -p) ^ 1)))" |
		dd of="$1" bs=1 seek=$(($(stat -c %s "$1") - 1)) conv=notrunc status=none
}
