-- SPDX-License-Identifier: BSD-2-Clause
-- Numbers of state columns are those of the enums in masa_store.h and never change.

CREATE TABLE unit (
	row INTEGER PRIMARY KEY,
	manufacturer_key BLOB NOT NULL,
	serial_number TEXT NOT NULL,
	model TEXT NOT NULL,
	idevid_key_sha256 BLOB NOT NULL,
	status INTEGER NOT NULL DEFAULT 0,
	loaded_at INTEGER NOT NULL,
	UNIQUE (serial_number, manufacturer_key)
) STRICT;

CREATE TABLE owner (
	row INTEGER PRIMARY KEY,
	unit INTEGER NOT NULL REFERENCES unit (row),
	domain_id BLOB NOT NULL,
	domain_key_sha256 BLOB NOT NULL,
	name TEXT NOT NULL,
	reference TEXT NOT NULL,
	since INTEGER NOT NULL,
	until INTEGER
) STRICT;
CREATE UNIQUE INDEX owner_has_one_current ON owner (unit) WHERE until IS NULL;
CREATE INDEX owner_by_domain ON owner (unit, domain_id);

CREATE TABLE voucher (
	row INTEGER PRIMARY KEY,
	unit INTEGER NOT NULL REFERENCES unit (row),
	domain_id BLOB NOT NULL,
	nonce BLOB NOT NULL,
	request_sha256 BLOB NOT NULL CHECK (length(request_sha256) = 32),
	assertion TEXT NOT NULL,
	payload BLOB NOT NULL,
	asked_at INTEGER NOT NULL,
	outstanding_until INTEGER NOT NULL,
	state INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
	voucher BLOB NOT NULL DEFAULT x'',
	issued_at INTEGER NOT NULL DEFAULT 0,
	failure TEXT NOT NULL DEFAULT '',
	UNIQUE (unit, domain_id, nonce, request_sha256)
) STRICT;
CREATE INDEX voucher_intents ON voucher (row) WHERE state = 0;

-- RFC 8995 5.8: what a new owner may ask about a device.
CREATE TABLE log (
	row INTEGER PRIMARY KEY AUTOINCREMENT,
	unit INTEGER NOT NULL REFERENCES unit (row),
	at INTEGER NOT NULL,
	domain_id BLOB NOT NULL,
	nonce BLOB NOT NULL,
	assertion TEXT NOT NULL,
	truncated INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX log_by_unit ON log (unit, row);
CREATE INDEX log_by_domain ON log (unit, domain_id, row);

CREATE TABLE log_truncation (
	unit INTEGER PRIMARY KEY REFERENCES unit (row),
	nonced_duplicates INTEGER NOT NULL DEFAULT 0,
	nonceless_duplicates INTEGER NOT NULL DEFAULT 0,
	arbitrary INTEGER NOT NULL DEFAULT 0
) STRICT;
