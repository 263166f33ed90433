-- SPDX-License-Identifier: BSD-2-Clause
-- As registrar-0009, for what nothing refers to. certificate_by_time goes: the one query that it was for, when a campaign
-- begins, reads nearly all rows anyway.

CREATE TABLE new_decision (
	row INTEGER PRIMARY KEY,
	device INTEGER NOT NULL REFERENCES device (row),
	step INTEGER NOT NULL,
	about TEXT NOT NULL,
	outcome INTEGER NOT NULL CHECK (outcome IN (0, 1, 2)),
	at INTEGER NOT NULL,
	json TEXT NOT NULL
) STRICT;
INSERT INTO new_decision SELECT row, device, step, about, outcome, at, json FROM decision ORDER BY row;
DROP TABLE decision;
ALTER TABLE new_decision RENAME TO decision;
CREATE INDEX decision_by_device ON decision (device, row);

CREATE TABLE new_telemetry (
	row INTEGER PRIMARY KEY,
	device INTEGER NOT NULL REFERENCES device (row),
	step INTEGER NOT NULL,
	kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
	ok INTEGER NOT NULL,
	reason TEXT NOT NULL,
	context TEXT NOT NULL,
	session_used_new_certificate INTEGER NOT NULL,
	at INTEGER NOT NULL
) STRICT;
INSERT INTO new_telemetry SELECT row, device, step, kind, ok, reason, context, session_used_new_certificate, at FROM telemetry ORDER BY row;
DROP TABLE telemetry;
ALTER TABLE new_telemetry RENAME TO telemetry;
CREATE INDEX telemetry_by_device ON telemetry (device, row);

CREATE TABLE new_certificate (
	row INTEGER PRIMARY KEY,
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
INSERT INTO new_certificate
SELECT row, device, permission, issuer_key_id, serial, subject, not_after, state, key_sha256, der, made_at, revoked_at,
	revocation_reason FROM certificate ORDER BY row;
DROP TABLE certificate;
ALTER TABLE new_certificate RENAME TO certificate;
CREATE UNIQUE INDEX certificate_once_per_permission ON certificate (permission) WHERE state <> 2 AND permission <> 0;
CREATE INDEX certificate_by_device ON certificate (device, row);
CREATE INDEX certificate_intents ON certificate (row) WHERE state = 0;
CREATE INDEX certificate_revoked ON certificate (row) WHERE state = 3;
