#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The onboarding scripts with every process of berth-registrar, berth-masa and berth-device under valgrind: no error, and
# nothing lost for good in any of them. The programs in front of the scripts are stand-ins that start the real ones so;
# tests/support/parent.py is their parent, as valgrind cannot follow a program that starts itself.
set -euo pipefail

programs=${BERTH_PROGRAMS:?the folder of the programs}
here=$(cd "$(dirname "$0")" && pwd)
for tool in valgrind python3; do
	command -v "$tool" > /dev/null || { echo "missing: $tool"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/programs" "$work/found"

wrapper="valgrind --quiet --vgdb=no --suppressions=$here/../valgrind.supp --leak-check=full --show-leak-kinds=definite"
wrapper="$wrapper --errors-for-leak-kinds=definite --log-file=$work/found/%p"
stand_in() { # stand_in NAME COMMAND
	printf '#!/bin/sh\nexec %s "$@"\n' "$2" > "$work/programs/$1"
	chmod +x "$work/programs/$1"
}
stand_in berth "$programs/berth"
stand_in berth-device "$wrapper $programs/berth-device"
for daemon in berth-masa berth-registrar; do
	stand_in "$daemon" "python3 $here/../support/parent.py $programs/$daemon"
done

BERTH_WRAPPER="$wrapper" BERTH_PROGRAMS=$programs python3 "$here/taken_over.py"
failed=0
export BERTH_TENTHS=1200 # all is slow
for script in pledge_curl.sh device_loopback.sh; do
	echo "== $script"
	BERTH_WRAPPER=$wrapper BERTH_PROGRAMS=$work/programs bash "$here/$script" || failed=1
done
# Its warnings of system calls that it does not know (Landlock) begin otherwise.
! grep -rhE '^==[0-9]+==' "$work/found" || { echo 'FAILED: valgrind has found something'; exit 1; }
[ "$failed" -eq 0 ] || exit 1
echo "ok: $(find "$work/found" -type f | wc -l) processes, nothing found"
