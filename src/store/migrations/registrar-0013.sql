-- SPDX-License-Identifier: BSD-2-Clause
-- Whom the birth certificate names as its MASA: a unit that waits here is claimed there.

ALTER TABLE device ADD COLUMN masa_url TEXT NOT NULL DEFAULT '';
