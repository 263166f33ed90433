-- SPDX-License-Identifier: BSD-2-Clause
-- Who may become owner, and through whose hands a unit went.

-- Of the code in the box, or of the one that the last owner left: never the code itself.
CREATE TABLE claim_code (
	unit INTEGER PRIMARY KEY REFERENCES unit (row),
	salt BLOB NOT NULL CHECK (length(salt) = 16),
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32),
	made_at INTEGER NOT NULL,
	used_at INTEGER,
	used_by BLOB NOT NULL DEFAULT x''
) STRICT;

-- Wrong codes. Serial numbers and addresses share buckets, so that strangers cannot fill the store.
CREATE TABLE claim_attempt (
	bucket INTEGER PRIMARY KEY,
	since INTEGER NOT NULL,
	wrong INTEGER NOT NULL
) STRICT;

-- One row for each hand a unit went to, by signed manifests; at one depth only one hand.
CREATE TABLE custody_link (
	row INTEGER PRIMARY KEY,
	unit INTEGER NOT NULL REFERENCES unit (row),
	depth INTEGER NOT NULL,
	holder_key_sha256 BLOB NOT NULL CHECK (length(holder_key_sha256) = 32),
	name TEXT NOT NULL,
	manifest_sha256 BLOB NOT NULL CHECK (length(manifest_sha256) = 32),
	loaded_at INTEGER NOT NULL,
	ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX custody_link_has_one_hand ON custody_link (unit, depth) WHERE ended_at IS NULL;
