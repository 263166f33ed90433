-- SPDX-License-Identifier: BSD-2-Clause
-- Gateways and the devices that came through them. What a gateway is told has a generation that rises with every change of
-- it, in the same transaction and whoever makes the change: hence by triggers.

CREATE TABLE gateway (
	device INTEGER PRIMARY KEY REFERENCES device (row),
	is_gateway INTEGER NOT NULL CHECK (is_gateway IN (0, 1)),
	generation INTEGER NOT NULL DEFAULT 1 CHECK (generation > 0)
) STRICT;

CREATE TABLE gateway_device (
	device INTEGER PRIMARY KEY REFERENCES device (row),
	gateway INTEGER NOT NULL REFERENCES gateway (device),
	since INTEGER NOT NULL
) STRICT;
CREATE INDEX gateway_device_by_gateway ON gateway_device (gateway, since);

CREATE TRIGGER gateway_gains AFTER INSERT ON gateway_device BEGIN
	UPDATE gateway SET generation = generation + 1 WHERE device = NEW.gateway;
END;
CREATE TRIGGER gateway_swaps AFTER UPDATE OF gateway ON gateway_device WHEN NEW.gateway <> OLD.gateway BEGIN
	UPDATE gateway SET generation = generation + 1 WHERE device IN (OLD.gateway, NEW.gateway);
END;
CREATE TRIGGER gateway_device_moves AFTER UPDATE OF state, segment ON device
WHEN NEW.state <> OLD.state OR NEW.segment <> OLD.segment BEGIN
	UPDATE gateway SET generation = generation + 1
	WHERE device = (SELECT gateway FROM gateway_device WHERE device = NEW.row);
END;
CREATE TRIGGER gateway_device_certified AFTER UPDATE OF state ON certificate WHEN NEW.state <> OLD.state BEGIN
	UPDATE gateway SET generation = generation + 1
	WHERE device = (SELECT gateway FROM gateway_device WHERE device = NEW.device);
END;
