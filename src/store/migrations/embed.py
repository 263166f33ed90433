#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Turns NAME-NNNN.sql files into one C file with a table (store/migrations.h). usage: embed.py OUT SQL..."""
import os
import re
import sys

out, files = sys.argv[1], sorted(sys.argv[2:], key=os.path.basename)
rows = []
for path in files:
    base = os.path.basename(path)
    match = re.fullmatch(r"([a-z]+)-([0-9]{4})\.sql", base)
    if not match:
        sys.exit(f"{base}: a migration is named NAME-NNNN.sql")
    with open(path, encoding="ascii") as handle:
        text = handle.read()
    lines = "\n".join(
        '\t "' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"' for line in text.splitlines()
    )
    rows.append(f'\t{{"{match[1]}", {int(match[2])},\n{lines}}},\n')
with open(out, "w", encoding="ascii") as handle:
    handle.write("/* Made by embed.py. */\n")
    handle.write('#include "store/migrations.h"\n\n')
    handle.write("const struct berth_migration berth_migrations[] = {\n" + "".join(rows) + "};\n")
    handle.write(f"const size_t berth_migration_count = {len(rows)};\n")
