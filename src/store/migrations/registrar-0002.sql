-- SPDX-License-Identifier: BSD-2-Clause
-- What a voucher step collects is written once, beside the small row that changes with each answer: a changed row is
-- written to the log whole, and the four objects take three pages.

ALTER TABLE step RENAME TO voucher_step;

-- row: that of the step times four, and what it is: 0 the device's request, 1 ours, 2 the voucher, 3 the audit log as received.
CREATE TABLE voucher_step_object (
	row INTEGER PRIMARY KEY,
	bytes BLOB NOT NULL
) STRICT;
INSERT INTO voucher_step_object
SELECT row * 4, pvr FROM voucher_step
UNION ALL SELECT row * 4 + 1, rvr FROM voucher_step WHERE length(rvr) > 0
UNION ALL SELECT row * 4 + 2, voucher FROM voucher_step WHERE length(voucher) > 0
UNION ALL SELECT row * 4 + 3, audit_json FROM voucher_step WHERE length(audit_json) > 0
ORDER BY 1;

ALTER TABLE voucher_step DROP COLUMN pvr;
ALTER TABLE voucher_step DROP COLUMN rvr;
ALTER TABLE voucher_step DROP COLUMN voucher;
ALTER TABLE voucher_step DROP COLUMN audit_json;

-- One step with all that belongs to it, for readers.
CREATE VIEW step AS
SELECT s.row, s.device, s.nonce, s.pvr_sha256, coalesce(p.bytes, x'') AS pvr, s.registrar_cert_sha256, s.connection, s.masa,
	s.state, coalesce(r.bytes, x'') AS rvr, coalesce(v.bytes, x'') AS voucher, s.status, s.reason, s.audit_finding,
	coalesce(a.bytes, x'') AS audit_json, s.asked_at, s.changed_at
FROM voucher_step s
LEFT JOIN voucher_step_object p ON p.row = s.row * 4
LEFT JOIN voucher_step_object r ON r.row = s.row * 4 + 1
LEFT JOIN voucher_step_object v ON v.row = s.row * 4 + 2
LEFT JOIN voucher_step_object a ON a.row = s.row * 4 + 3;
