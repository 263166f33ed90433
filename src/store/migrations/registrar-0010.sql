-- SPDX-License-Identifier: BSD-2-Clause
-- Through whose hands a unit came to us, by signed manifests; at one depth only one hand.

CREATE TABLE custody_link (
	manufacturer_key BLOB NOT NULL,
	serial_number TEXT NOT NULL,
	depth INTEGER NOT NULL,
	holder_key_sha256 BLOB NOT NULL CHECK (length(holder_key_sha256) = 32),
	name TEXT NOT NULL,
	manifest_sha256 BLOB NOT NULL CHECK (length(manifest_sha256) = 32),
	loaded_at INTEGER NOT NULL,
	PRIMARY KEY (serial_number, manufacturer_key, depth)
) STRICT;
