-- SPDX-License-Identifier: BSD-2-Clause
-- Which certificates a campaign replaces is told by their numbers: the clock may have been ahead when it began.

ALTER TABLE campaign ADD COLUMN last_certificate INTEGER NOT NULL DEFAULT 0;
UPDATE campaign SET last_certificate =
	(SELECT coalesce(max(row), 0) FROM certificate WHERE made_at <= started_at);
