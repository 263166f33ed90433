-- SPDX-License-Identifier: BSD-2-Clause
-- What a device said of itself when it was configured by Wi-Fi Easy Connect: its name, and where its MUD file is.

ALTER TABLE dpp_key ADD COLUMN said_name TEXT;
ALTER TABLE dpp_key ADD COLUMN said_mud_url TEXT;
