#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The join proxy between two networks, each in a namespace of its own:
#
#   devices (dev0) ── to-dev  gateway  to-lan ── (lan0) registrar
#
# It announces itself to devices only while a registrar is known on the other side, never relays to a registrar that a
# device claims to be, and its announcement is understood by a reader of mDNS that shares no code with us.

peer=${BERTH_DNS_SD_PEER:?}
gateway=${BERTH_PROGRAMS:?}/berth-gateway

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
for link in to-dev to-lan; do await_link_local $link; done
await_link_local dev0 "$devices"
await_link_local lan0 "$lan"

# The registrar of this test answers each line in capitals, so that it can be told from anything else.
cat >"$run/registrar.py" <<'PYTHON'
import socketserver, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(sys.argv[2].encode() + b": " + line.upper())
class Server(socketserver.ThreadingTCPServer):
    address_family = socketserver.socket.AF_INET6
    daemon_threads = True
server = Server(("::", 0), Handler)
open(sys.argv[1], "w").write(str(server.server_address[1]))
server.serve_forever()
PYTHON
in_world "$lan" python3 "$run/registrar.py" "$run/registrar.port" registrar 2>"$run/registrar.log" &
in_world "$devices" python3 "$run/registrar.py" "$run/rogue.port" rogue 2>"$run/rogue.log" &
until_true 20 test -s "$run/registrar.port" -a -s "$run/rogue.port" || failed "the registrars did not start"

cat >"$run/gateway.conf" <<CONF
[gateway]
identity = none
device-interfaces = to-dev
registrar-interfaces = to-lan
name = hall 2
port-file = $run/gateway.port
CONF
"$gateway" --config "$run/gateway.conf" 2>"$run/gateway.log" &
gateway_pid=$!
until_true 20 test -s "$run/gateway.port" || failed "the gateway does not listen"
read -r interface port <"$run/gateway.port"
[ "$interface" = to-dev ] || failed "listens on $interface"
in_world "$devices" "$peer" browse proxy dev0 >"$run/device.log" 2>&1 &

cat >"$run/device.py" <<'PYTHON'
import socket, sys
host, port = sys.argv[1:3]
try:
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.sendall(b"hello\n")
    print(connection.makefile().readline().strip() or "closed")
except ConnectionError:
    print("closed")
PYTHON
ask() { in_world "$devices" python3 "$run/device.py" "$@"; }

# req: rfc8995-4.1-j1, rfc8995-4.3-j1, rfc8995-4.3-j2
# 1. A device that claims to be a registrar is not one.
nsenter --net --target "$devices" "$peer" announce registrar dev0 "$(cat "$run/rogue.port")" 2>"$run/rogue-announce.log" &
rogue_pid=$!
in_world "$devices" "$peer" browse registrar dev0 >"$run/claims.log" 2>&1 &
# the gateway would have heard it by when another listener on its link has
"$peer" browse registrar to-dev >"$run/gateway-side.log" 2>&1 &
until_true 30 grep -q '^appeared peer' "$run/gateway-side.log" || failed "the rogue's announcement was not heard at all"
answer=$(ask 203.0.113.1 "$port")
[ "$answer" = closed ] || failed "relayed without a registrar: $answer"
! grep -q '^appeared' "$run/device.log" || failed "announced without a registrar"
grep -q 'event=relay.refused.*rule=relay-no-target' "$run/gateway.log" || failed "the refusal is not in the log"
echo "refused while no registrar is known on the other side, a rogue's claim notwithstanding"

# req: rfc8995-4.1-j4
# 2. The registrar appears: the proxy announces itself with the registrar's methods and relays.
nsenter --net --target "$lan" "$peer" announce registrar lan0 "$(cat "$run/registrar.port")" est-tls prm-jose 2>"$run/announce.log" &
registrar_pid=$!
until_true 30 grep -q '^appeared hall 2 fe80::.*%dev0 .*est-tls prm-jose' "$run/device.log" || failed "no announcement on IPv6"
until_true 30 grep -q '^appeared hall 2 203.0.113.1 ' "$run/device.log" || failed "no announcement on IPv4"
read -r _ _ _ address announced _ < <(grep -m1 '^appeared hall 2 fe80' "$run/device.log")
[ "$announced" = "$port" ] || failed "announces port $announced, listens on $port"
for host in "$address" 203.0.113.1; do
	answer=$(ask "$host" "$port")
	[ "$answer" = "registrar: HELLO" ] || failed "from $host: $answer"
done
echo "announced on both families, relayed to the registrar"

# 3. Nothing listens on the registrar's side, and the announcement does not go there.
answer=$(in_world "$lan" python3 "$run/device.py" 198.51.100.2 "$port" 2>&1 | tail -n 1)
[ "$answer" = closed ] || failed "the registrar's side reaches the proxy: $answer"

# 4. A reader of mDNS that is not ours understands the announcement (RFC 6762 5.1, 6.7: a legacy one-shot query).
cat >"$run/reader.py" <<'PYTHON'
import socket, struct, sys
name = b"".join(bytes([len(l)]) + l.encode() for l in "_brski-proxy._tcp.local".split(".")) + b"\0"
query = struct.pack(">6H", 7, 0, 1, 0, 0, 0) + name + struct.pack(">2H", 12, 1)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("203.0.113.2"))
s.settimeout(2)
def read_name(data, at):
    labels, end = [], None
    for _ in range(64):
        n = data[at]
        if n == 0:
            return ".".join(labels), end or at + 1
        if n >= 0xC0:
            end = end or at + 2
            at = struct.unpack(">H", data[at:at + 2])[0] & 0x3FFF
            continue
        labels.append(data[at + 1:at + 1 + n].decode())
        at += 1 + n
    raise SystemExit("a name without end")
for _ in range(10):
    s.sendto(query, ("224.0.0.251", 5353))
    try:
        data, sender = s.recvfrom(9000)
    except socket.timeout:
        continue
    _, flags, questions, answers, authority, additional = struct.unpack(">6H", data[:12])
    at = 12
    for _ in range(questions):
        at = read_name(data, at)[1] + 4
    for _ in range(answers + authority + additional):
        owner, at = read_name(data, at)
        kind, _, ttl, n = struct.unpack(">2HIH", data[at:at + 10])
        at += 10
        if kind == 12:
            print("PTR", owner, read_name(data, at)[0])
        at += n
    sys.exit(0)
sys.exit("no answer")
PYTHON
in_world "$devices" python3 "$run/reader.py" >"$run/reader.log" 2>&1 || failed "another reader got no answer"
grep -q '^PTR _brski-proxy._tcp.local hall 2._brski-proxy._tcp.local' "$run/reader.log" || failed "another reader does not see it"
echo "understood by another reader"

# 5. The registrar goes: so does the announcement, and connections are refused.
kill -TERM $registrar_pid
until_true 30 grep -q '^vanished hall 2' "$run/device.log" || failed "still announced without a registrar"
until_true 30 grep -q 'event=proxy.withdrawn' "$run/gateway.log" || failed "the withdrawal is not in the log"
answer=$(ask 203.0.113.1 "$port")
[ "$answer" = closed ] || failed "relayed without a registrar: $answer"
echo "withdrawn when the registrar had gone"

# 6. An orderly end.
kill -TERM $gateway_pid
wait $gateway_pid || failed "the gateway ended with $?"
kill -TERM $rogue_pid
echo ok
