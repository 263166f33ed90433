-- SPDX-License-Identifier: BSD-2-Clause
-- Requests for certificates that need no voucher step's permission: renewals, and clients of EST alone. A request is known by
-- what it renews (0: nothing) and its bytes, so the same one never gets two certificates.

CREATE TABLE est_request (
	row INTEGER PRIMARY KEY AUTOINCREMENT,
	device INTEGER NOT NULL REFERENCES device (row),
	renews INTEGER NOT NULL,
	label TEXT NOT NULL,
	csr_sha256 BLOB NOT NULL CHECK (length(csr_sha256) = 32),
	key_sha256 BLOB NOT NULL CHECK (length(key_sha256) = 32),
	certificate INTEGER NOT NULL DEFAULT 0,
	asked_at INTEGER NOT NULL,
	UNIQUE (device, renews, csr_sha256)
) STRICT;
CREATE INDEX est_request_recent ON est_request (device, asked_at);

DROP INDEX certificate_once_per_permission;
CREATE UNIQUE INDEX certificate_once_per_permission ON certificate (permission) WHERE state <> 2 AND permission <> 0;
