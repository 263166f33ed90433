-- SPDX-License-Identifier: BSD-2-Clause
-- Wi-Fi Easy Connect: times in which devices that are known need no approval of their own, and devices that are to be
-- configured again.

CREATE TABLE dpp_window (
	row INTEGER PRIMARY KEY,
	opened_by TEXT NOT NULL,
	opened_at INTEGER NOT NULL,
	until INTEGER NOT NULL,
	closed_at INTEGER,
	admitted INTEGER NOT NULL DEFAULT 0
) STRICT;
ALTER TABLE dpp_key ADD COLUMN renew_wanted_at INTEGER;
ALTER TABLE dpp_key ADD COLUMN renew_wanted_by TEXT;
