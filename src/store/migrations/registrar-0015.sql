-- SPDX-License-Identifier: BSD-2-Clause
-- After a restoring, certificates of devices that the store forgot are here too: each names a list of its own.

ALTER TABLE own_certificate ADD COLUMN partition INTEGER NOT NULL DEFAULT 0;
