-- SPDX-License-Identifier: BSD-2-Clause
-- Re-keying the fleet: a campaign, and which devices were told. Who is done is read from the certificates themselves.

CREATE TABLE campaign (
	row INTEGER PRIMARY KEY AUTOINCREMENT,
	state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
	match TEXT NOT NULL,
	rate_per_minute INTEGER NOT NULL CHECK (rate_per_minute > 0),
	total INTEGER NOT NULL,
	started_at INTEGER NOT NULL,
	started_by TEXT NOT NULL,
	ended_at INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX campaign_open_once ON campaign ((1)) WHERE state < 2;

CREATE TABLE campaign_offer (
	campaign INTEGER NOT NULL REFERENCES campaign (row),
	device INTEGER NOT NULL REFERENCES device (row),
	first_at INTEGER NOT NULL,
	times INTEGER NOT NULL,
	PRIMARY KEY (campaign, device)
) STRICT, WITHOUT ROWID;

CREATE INDEX certificate_by_time ON certificate (made_at, device) WHERE state = 1;
