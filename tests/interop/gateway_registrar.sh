#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A gateway that nobody told of a registrar finds the real one by DNS-SD, each in a network of its own:
#
#   devices (dev0) ── to-dev  gateway  to-lan ── (lan0) registrar
#
# What a device then meets through the proxy is that registrar's certificate, judged by openssl.

# shellcheck source-path=SCRIPTDIR source=worlds_lib.sh
. "$(dirname "$0")/worlds_lib.sh"

world devices
world lan
# shellcheck disable=SC2154 # world sets them
{
	ip link add to-dev type veth peer name dev0 netns "$devices"
	ip link add to-lan type veth peer name lan0 netns "$lan"
}
for link in lo to-dev to-lan; do ip link set $link up; done
for link in lo dev0; do in_world "$devices" ip link set $link up; done
for link in lo lan0; do in_world "$lan" ip link set $link up; done
ip address add 198.51.100.2/24 dev to-lan
in_world "$lan" ip address add 198.51.100.1/24 dev lan0
ip address add 203.0.113.1/24 dev to-dev
in_world "$devices" ip address add 203.0.113.2/24 dev dev0
await_link_local to-lan
await_link_local lan0 "$lan"

berth registrar init --dir home --name 'Example Home' --host registrar.home.example --listen '[::]:0' >init.log
sed -i 's/^listen.*/&\nnet-processes = 2/; s/^port-file.*//; s/^\[daemon\]/&\nport-file = port/' home/registrar.conf
start_registrar() {
	rm -f home/port
	nsenter --net --target "$lan" berth-registrar --config home/registrar.conf 2>>registrar.log &
	registrar_pid=$!
	until_true 20 test -s home/port || failed "the registrar does not serve"
}
stop_registrar() {
	kill -TERM "$registrar_pid"
	wait "$registrar_pid" || failed "the registrar ended with $?"
}

cat >gateway.conf <<CONF
[gateway]
identity = none
device-interfaces = to-dev
registrar-interfaces = to-lan
port-file = gateway.port
CONF
berth-gateway --config gateway.conf 2>gateway.log &
gateway_pid=$!
until_true 20 test -s gateway.port || failed "the gateway does not listen"
read -r _ port <gateway.port

# 1. What it is not to announce with is refused by name.
cp home/registrar.conf home/bad.conf
sed -i "s/^\[registrar\]/&\nannounce = lan0\nannounce-name = $(printf 'x%.0s' {1..64})/" home/bad.conf
if berth-registrar --config home/bad.conf --check-config >check.log 2>&1; then failed "a name of 64 bytes passed"; fi
grep -q 'announce-name: at most 63 bytes' check.log || failed "the name is not what was refused"
echo "refused: a name that DNS-SD cannot carry"
# req: rfc8995-4.3-negligible
cp home/registrar.conf home/bad.conf
sed -i 's/^\[registrar\]/&\nannounce = lan0\nannounce-period = 59s/' home/bad.conf
if berth-registrar --config home/bad.conf --check-config >check.log 2>&1; then failed "floods each 59 s passed"; fi
grep -q 'announce-period' check.log || failed "the period is not what was refused"
echo "refused: to flood more often than each minute"

# 2. Without a word in its configuration the registrar tells nobody: what is on its link is a listener's proof of it.
nsenter --net --target "$lan" "${BERTH_DNS_SD_PEER:?}" announce registrar lan0 1 other >marker.log 2>&1 &
marker_pid=$!
start_registrar
until_true 30 grep -q 'event=registrar.found .*port=1 ' gateway.log || failed "the gateway hears nobody at all"
! grep 'event=registrar.announced' registrar.log || failed "announced unasked"
! grep "event=registrar.found .*port=$(cat home/port) " gateway.log || failed "found unasked"
stop_registrar
kill -TERM $marker_pid
until_true 30 grep -q 'event=proxy.withdrawn' gateway.log || failed "the other registrar does not go"
echo "a registrar that is not told to announces nothing"

# req: rfc8995-4.3-announce rfc8995-4.3-accepts
# 3. Told to, it is found; its certificate is what a device meets.
sed -i 's/^\[registrar\]/&\nannounce = lan0, later0\nannounce-name = the registrar of this home/' home/registrar.conf
start_registrar
grep -q "event=registrar.announced .*interface=lan0 port=$(cat home/port)" registrar.log || failed "no log line of it"
grep -q 'event=registrar.not-announced .*interface=later0' registrar.log || failed "no word on the missing interface"
[ "$(grep -c 'event=registrar.announced' registrar.log)" = 1 ] || failed "both net processes announce"
is_found() { grep -q "event=registrar.found name=\"the registrar of this home\" address=$1 port=$(cat home/port) " gateway.log; }
until_true 30 is_found 198.51.100.1 || failed "not found on IPv4"
until_true 30 is_found 'fe80::.*%to-lan' || failed "not found on IPv6"
until_true 30 bash -c '[ "$(grep -c "event=proxy.announced" gateway.log)" = 2 ]' || failed "the proxy is not announced"
shown() {
	in_world "$devices" openssl s_client -connect "203.0.113.1:$port" </dev/null 2>/dev/null |
		openssl x509 -outform DER 2>/dev/null | cmp -s - <(openssl x509 -in home/registrar.pem -outform DER)
}
shown || failed "the proxy does not lead to the registrar"
# An interface that comes later counts as well, and its coming needs nothing that the sandbox has closed.
ip link add later1 type veth peer name later0 netns "$lan"
ip link set later1 up
in_world "$lan" ip link set later0 up
"$BERTH_DNS_SD_PEER" browse registrar later1 >later.log 2>&1 &
until_true 30 grep -q "^appeared the registrar of this home fe80::.*%later1 $(cat home/port)" later.log ||
	failed "not announced on an interface that came later"
echo "a registrar of berth registrar init is found, on both families, on a late interface too, and relayed to"

# 4. Its announcing process ends: the next one announces, and the way is open again.
announcer=$(in_world "$lan" ss -Hulnp 'sport = 5353' | sed -n 's/.*pid=\([0-9]*\),.*/\1/p' | sort -u)
[[ $announcer =~ ^[0-9]+$ ]] || failed "not one process announces, but: $announcer"
kill -KILL "$announcer"
until_true 30 bash -c '[ "$(grep -c "event=registrar.announced .*interface=lan0" registrar.log)" = 2 ]' || failed "not announced again"
until_true 30 shown || failed "not to be reached after a restart"
# A listener that comes now knows nothing from before: what it hears is the new process.
"$BERTH_DNS_SD_PEER" browse registrar to-lan >listener.log 2>&1 &
is_heard() { grep -q "^appeared the registrar of this home $1 $(cat home/port)" listener.log; }
until_true 30 is_heard 198.51.100.1 || failed "not heard again on IPv4"
until_true 30 is_heard 'fe80::.*%to-lan' || failed "not heard again on IPv6"
echo "announced again when the process that announced had ended"

# 5. Stopped, it takes the announcement back: devices are told of no proxy that leads nowhere.
lost=$(grep -c 'event=registrar.lost' gateway.log) || true
stop_registrar
until_true 10 bash -c "[ \$(grep -c 'event=registrar.lost' gateway.log) -ge $((lost + 2)) ]" || failed "not withdrawn"
until_true 10 bash -c '[ "$(grep -c "event=proxy.withdrawn" gateway.log)" = 2 ]' || failed "the proxy is still announced"
echo "withdrawn when the registrar stopped"

kill -TERM $gateway_pid
wait $gateway_pid || failed "the gateway ended with $?"
echo ok
