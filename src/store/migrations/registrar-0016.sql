-- SPDX-License-Identifier: BSD-2-Clause
-- Wi-Fi Easy Connect: devices known by a bootstrapping key, and what was given to them.

CREATE TABLE dpp_key (
	device INTEGER PRIMARY KEY REFERENCES device (row),
	key_hash BLOB NOT NULL UNIQUE CHECK (length(key_hash) = 32),
	chirp_hash BLOB NOT NULL UNIQUE CHECK (length(chirp_hash) = 32),
	spki BLOB NOT NULL,
	uri TEXT NOT NULL,
	added_by TEXT NOT NULL,
	added_at INTEGER NOT NULL
) STRICT;

CREATE TABLE dpp_connector (
	row INTEGER PRIMARY KEY,
	device INTEGER NOT NULL REFERENCES device (row),
	net_access_sha256 BLOB NOT NULL CHECK (length(net_access_sha256) = 32),
	ssid BLOB NOT NULL,
	akm INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
	made_at INTEGER NOT NULL,
	changed_at INTEGER NOT NULL
) STRICT;
CREATE INDEX dpp_connector_by_device ON dpp_connector (device, row);
CREATE INDEX dpp_connector_by_key ON dpp_connector (net_access_sha256);
