-- SPDX-License-Identifier: BSD-2-Clause
-- Numbers of state columns are those of the enums in model/ and registrar_store.h and never change.

CREATE TABLE device (
	row INTEGER PRIMARY KEY,
	id TEXT NOT NULL UNIQUE,
	manufacturer_key BLOB NOT NULL,
	serial_number TEXT NOT NULL,
	manufacturer TEXT NOT NULL,
	model TEXT NOT NULL,
	birth_key_sha256 BLOB NOT NULL,
	mud_url TEXT NOT NULL,
	segment TEXT NOT NULL DEFAULT '',
	state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 8),
	first_seen INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	UNIQUE (serial_number, manufacturer_key)
) STRICT;

CREATE TABLE owned (
	row INTEGER PRIMARY KEY,
	manufacturer_key BLOB NOT NULL,
	serial_number TEXT NOT NULL,
	model TEXT NOT NULL,
	birth_key_sha256 BLOB NOT NULL,
	manifest TEXT NOT NULL,
	loaded_at INTEGER NOT NULL,
	UNIQUE (serial_number, manufacturer_key)
) STRICT;

CREATE TABLE step (
	row INTEGER PRIMARY KEY AUTOINCREMENT,
	device INTEGER NOT NULL REFERENCES device (row),
	nonce BLOB NOT NULL,
	pvr_sha256 BLOB NOT NULL CHECK (length(pvr_sha256) = 32),
	pvr BLOB NOT NULL,
	registrar_cert_sha256 BLOB NOT NULL CHECK (length(registrar_cert_sha256) = 32),
	connection TEXT NOT NULL,
	masa TEXT NOT NULL,
	state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 5),
	rvr BLOB NOT NULL DEFAULT x'',
	voucher BLOB NOT NULL DEFAULT x'',
	status INTEGER NOT NULL DEFAULT 0,
	reason TEXT NOT NULL DEFAULT '',
	audit_finding TEXT NOT NULL DEFAULT '',
	audit_json BLOB NOT NULL DEFAULT x'',
	asked_at INTEGER NOT NULL,
	changed_at INTEGER NOT NULL,
	UNIQUE (device, pvr_sha256)
) STRICT;
CREATE INDEX step_open ON step (row) WHERE state = 1;

CREATE TABLE decision (
	row INTEGER PRIMARY KEY AUTOINCREMENT,
	device INTEGER NOT NULL REFERENCES device (row),
	step INTEGER NOT NULL,
	about TEXT NOT NULL,
	outcome INTEGER NOT NULL CHECK (outcome IN (0, 1, 2)),
	at INTEGER NOT NULL,
	json TEXT NOT NULL
) STRICT;
CREATE INDEX decision_by_device ON decision (device, row);

CREATE TABLE approval (
	device INTEGER PRIMARY KEY REFERENCES device (row),
	state INTEGER NOT NULL CHECK (state IN (1, 2, 3)),
	first_asked INTEGER NOT NULL,
	last_asked INTEGER NOT NULL,
	times_asked INTEGER NOT NULL,
	summary TEXT NOT NULL,
	decided_by TEXT NOT NULL DEFAULT '',
	decided_at INTEGER NOT NULL DEFAULT 0,
	reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX approval_waiting ON approval (first_asked) WHERE state = 1;

CREATE TABLE permission (
	row INTEGER PRIMARY KEY AUTOINCREMENT,
	device INTEGER NOT NULL UNIQUE REFERENCES device (row),
	step INTEGER NOT NULL REFERENCES step (row),
	expires INTEGER NOT NULL,
	key_sha256 BLOB NOT NULL DEFAULT x'',
	csr_sha256 BLOB NOT NULL DEFAULT x'',
	certificate INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE certificate (
	row INTEGER PRIMARY KEY AUTOINCREMENT,
	device INTEGER NOT NULL REFERENCES device (row),
	permission INTEGER NOT NULL,
	issuer_key_id BLOB NOT NULL,
	serial BLOB NOT NULL,
	subject TEXT NOT NULL,
	not_after INTEGER NOT NULL,
	state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
	key_sha256 BLOB NOT NULL CHECK (length(key_sha256) = 32),
	der BLOB NOT NULL DEFAULT x'',
	made_at INTEGER NOT NULL,
	revoked_at INTEGER NOT NULL DEFAULT 0,
	revocation_reason INTEGER NOT NULL DEFAULT 0,
	UNIQUE (issuer_key_id, serial)
) STRICT;
CREATE UNIQUE INDEX certificate_once_per_permission ON certificate (permission) WHERE state <> 2;
CREATE INDEX certificate_by_device ON certificate (device, row);
CREATE INDEX certificate_intents ON certificate (row) WHERE state = 0;
CREATE INDEX certificate_revoked ON certificate (row) WHERE state = 3;

CREATE TABLE telemetry (
	row INTEGER PRIMARY KEY AUTOINCREMENT,
	device INTEGER NOT NULL REFERENCES device (row),
	step INTEGER NOT NULL,
	kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
	ok INTEGER NOT NULL,
	reason TEXT NOT NULL,
	context TEXT NOT NULL,
	session_used_new_certificate INTEGER NOT NULL,
	at INTEGER NOT NULL
) STRICT;
CREATE INDEX telemetry_by_device ON telemetry (device, row);
