-- SPDX-License-Identifier: BSD-2-Clause
-- A new entry's number is above all that are there, which is the order that the log needs; a counter of numbers once used was
-- one page more of each commit.

CREATE TABLE new_log (
	row INTEGER PRIMARY KEY,
	unit INTEGER NOT NULL REFERENCES unit (row),
	at INTEGER NOT NULL,
	domain_id BLOB NOT NULL,
	nonce BLOB NOT NULL,
	assertion TEXT NOT NULL,
	truncated INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO new_log SELECT row, unit, at, domain_id, nonce, assertion, truncated FROM log ORDER BY row;
DROP TABLE log;
ALTER TABLE new_log RENAME TO log;
CREATE INDEX log_by_unit ON log (unit, row);
CREATE INDEX log_by_domain ON log (unit, domain_id, row);
