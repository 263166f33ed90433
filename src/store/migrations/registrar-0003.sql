-- SPDX-License-Identifier: BSD-2-Clause
-- Certificates of the issuing CA that belong to no device: the registrar's own. A device's are in "certificate".

CREATE TABLE own_certificate (
	row INTEGER PRIMARY KEY AUTOINCREMENT,
	issuer_key_id BLOB NOT NULL,
	serial BLOB NOT NULL,
	subject TEXT NOT NULL,
	not_after INTEGER NOT NULL,
	first_seen INTEGER NOT NULL,
	revoked_at INTEGER NOT NULL DEFAULT 0,
	revocation_reason INTEGER NOT NULL DEFAULT 0,
	UNIQUE (issuer_key_id, serial)
) STRICT;
