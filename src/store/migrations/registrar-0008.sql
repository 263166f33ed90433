-- SPDX-License-Identifier: BSD-2-Clause
-- Vouchers made ahead, one of a device, and what a manifest says of whom to ask for one.

ALTER TABLE owned ADD COLUMN manufacturer TEXT NOT NULL DEFAULT '';
ALTER TABLE owned ADD COLUMN masa_url TEXT NOT NULL DEFAULT '';

CREATE TABLE stored_voucher (
	row INTEGER PRIMARY KEY,
	manufacturer_key BLOB NOT NULL,
	serial_number TEXT NOT NULL,
	manufacturer TEXT NOT NULL,
	masa_url TEXT NOT NULL,
	der BLOB NOT NULL,
	created_on INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	last_renewal INTEGER NOT NULL,
	added_by TEXT NOT NULL,
	added_at INTEGER NOT NULL,
	next_try INTEGER NOT NULL DEFAULT 0,
	UNIQUE (serial_number, manufacturer_key)
) STRICT;
CREATE INDEX stored_voucher_by_expiry ON stored_voucher (expires);
