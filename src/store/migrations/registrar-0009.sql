-- SPDX-License-Identifier: BSD-2-Clause
-- Rows that are never deleted need no counter against numbers used twice: it was one page more of each commit. Permissions
-- are deleted and keep theirs.

DROP VIEW step;

CREATE TABLE new_voucher_step (
	row INTEGER PRIMARY KEY,
	device INTEGER NOT NULL REFERENCES device (row),
	nonce BLOB NOT NULL,
	pvr_sha256 BLOB NOT NULL CHECK (length(pvr_sha256) = 32),
	registrar_cert_sha256 BLOB NOT NULL CHECK (length(registrar_cert_sha256) = 32),
	connection TEXT NOT NULL,
	masa TEXT NOT NULL,
	state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 5),
	status INTEGER NOT NULL DEFAULT 0,
	reason TEXT NOT NULL DEFAULT '',
	audit_finding TEXT NOT NULL DEFAULT '',
	asked_at INTEGER NOT NULL,
	changed_at INTEGER NOT NULL,
	UNIQUE (device, pvr_sha256)
) STRICT;
INSERT INTO new_voucher_step
SELECT row, device, nonce, pvr_sha256, registrar_cert_sha256, connection, masa, state, status, reason, audit_finding, asked_at,
	changed_at FROM voucher_step ORDER BY row;

CREATE TABLE new_permission (
	row INTEGER PRIMARY KEY AUTOINCREMENT,
	device INTEGER NOT NULL UNIQUE REFERENCES device (row),
	step INTEGER NOT NULL REFERENCES new_voucher_step (row),
	expires INTEGER NOT NULL,
	key_sha256 BLOB NOT NULL DEFAULT x'',
	csr_sha256 BLOB NOT NULL DEFAULT x'',
	certificate INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO new_permission
SELECT row, device, step, expires, key_sha256, csr_sha256, certificate FROM permission ORDER BY row;
-- Its counter goes on where it was, also when the last ones are gone.
DELETE FROM sqlite_sequence WHERE name = 'new_permission';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_permission', seq FROM sqlite_sequence WHERE name = 'permission';

DROP TABLE permission;
DROP TABLE voucher_step;
ALTER TABLE new_voucher_step RENAME TO voucher_step;
ALTER TABLE new_permission RENAME TO permission;
CREATE INDEX step_open ON voucher_step (row) WHERE state = 1;

CREATE VIEW step AS
SELECT s.row, s.device, s.nonce, s.pvr_sha256, coalesce(p.bytes, x'') AS pvr, s.registrar_cert_sha256, s.connection, s.masa,
	s.state, coalesce(r.bytes, x'') AS rvr, coalesce(v.bytes, x'') AS voucher, s.status, s.reason, s.audit_finding,
	coalesce(a.bytes, x'') AS audit_json, s.asked_at, s.changed_at
FROM voucher_step s
LEFT JOIN voucher_step_object p ON p.row = s.row * 4
LEFT JOIN voucher_step_object r ON r.row = s.row * 4 + 1
LEFT JOIN voucher_step_object v ON v.row = s.row * 4 + 2
LEFT JOIN voucher_step_object a ON a.row = s.row * 4 + 3;
