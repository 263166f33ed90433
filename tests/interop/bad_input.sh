#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Bad input against the real berth-registrar and berth-masa: each kind gets its status, one log line that names event, rule
# and reason, and bounded work; then a good pledge of curl and openssl onboards through the same processes.
daemon_settings='header-timeout = 1s\nidle-timeout = 3s\npending-timeout = 5s\nnet-processes = 1\nconnections-per-source-max = 64'
# shellcheck source-path=SCRIPTDIR source=pledge_lib.sh
. "$(dirname "$0")/pledge_lib.sh"
command -v python3 > /dev/null || { echo "missing: python3"; exit 77; }
here=$(cd "$OLDPWD" && cd "$(dirname "$0")" && pwd)

start_world "A-0001 A-0002"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout stranger.key -out stranger.pem \
	-subj '/serialNumber=X-0001' -days 2 2> /dev/null
MASA_PID=$masa_pid REGISTRAR_PID=$registrar_pid python3 "$here/bad_input.py" -v
for pid in "$masa_pid" "$registrar_pid"; do
	kill -0 "$pid" || fail 'a daemon has ended'
done
! grep -E 'Sanitizer|runtime error|process.ended|batch.failed|store.failed' registrar.log masa.log ||
	fail 'a process has suffered'
onboard A-0001
berth audit verify
said 'all'
