/* SPDX-License-Identifier: BSD-2-Clause */
/* What devices have by Wi-Fi Easy Connect: their code's hashes, Connector, and the password that their access point must know. */
#include "base/hex.h"
#include "protocol/dpp/configuration_object.h"
#include "role/registrar/admin.h"
#include "role/registrar/dpp.h"
#include "store/registrar_dpp.h"

#include <stdio.h>

#define ARENA_BYTES ((size_t)256 << 10) /* of one device */

static enum berth_err
put_hash(json_t *object, const char *key, const uint8_t hash[32])
{
	char text[65];

	return berth_json_set_text(
		object, key,
		berth_text(berth_hex_text(berth_bytes_of(hash, 32), text, sizeof(text))));
}

static enum berth_err
put_time(json_t *object, const char *key, struct berth_wall t)
{
	char text[BERTH_TIME_TEXT_MAX];

	return berth_json_set_text(object, key, berth_text(berth_wall_format(t, text)));
}

static const char *
state_name(enum berth_dpp_connector_state state)
{
	switch (state) {
	case BERTH_DPP_CONNECTOR_INTENT:
		return "intent";
	case BERTH_DPP_CONNECTOR_GIVEN:
		return "given";
	case BERTH_DPP_CONNECTOR_ACCEPTED:
		return "accepted";
	case BERTH_DPP_CONNECTOR_REJECTED:
		break;
	}
	return "rejected";
}

static enum berth_err
put_connector(json_t *object, const struct berth_registrar_connector *connector)
{
	BERTH_BUF akm = {0};

	enum berth_err err = berth_dpp_akm_write((unsigned)connector->akm, false, &akm, NULL);
	err = err ? err : berth_json_set_text(object, "ssid", connector->ssid);
	err = err ? err : berth_json_set_text(object, "akm", berth_buf_view(&akm));
	err = err ? err
		  : berth_json_set_text(object, "connector",
					berth_text(state_name(connector->state)));
	err = err ? err : put_time(object, "made-at", connector->made_at);
	if (!err && connector->expires.s != BERTH_WALL_NO_EXPIRY.s)
		err = put_time(object, "expires", connector->expires);
	return err;
}

/* Nothing for a device without a code. */
enum berth_err
berth_admin_dpp_describe(struct berth_admin_call *call, json_t *object, int64_t device)
{
	struct berth_registrar_dpp_key key;
	struct berth_registrar_connector connector;
	json_t *said = NULL;
	BERTH_ARENA arena;

	berth_arena_start(&arena, ARENA_BYTES);
	enum berth_err err =
		berth_registrar_dpp_key_of(call->role->store, device, &arena, &key, &call->why);
	if (err)
		return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
	said = json_object();
	err = berth_json_set(object, "dpp", said);
	err = err ? err : put_hash(said, "key-hash", key.key_hash);
	err = err ? err : put_hash(said, "chirp-hash", key.chirp_hash);
	err = err ? err
		  : berth_json_set_text(said, "known-by",
					key.uri.n == 0 ? BERTH_LIT("pkex") : BERTH_LIT("code"));
	if (!err && key.said_name.n > 0)
		err = berth_json_set_text(said, "said-name", key.said_name);
	if (!err && key.said_mud_url.n > 0)
		err = berth_json_set_text(said, "said-mud-url", key.said_mud_url);
	if (!err && key.renew_wanted_at.s != 0) {
		err = put_time(said, "renewal-wanted-at", key.renew_wanted_at);
		err = err ? err
			  : berth_json_set_text(said, "renewal-wanted-by", key.renew_wanted_by);
	}
	if (err)
		return berth_admin_built(call, err);
	err = berth_registrar_connector_of(call->role->store, device, &arena, &connector,
					   &call->why);
	if (err)
		return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
	return berth_admin_built(call, put_connector(said, &connector));
}

struct listing {
	struct berth_admin_call *call;
	json_t *array;
	enum berth_err err;
};

/* A new object at the end of the list; NULL: no memory, said. */
static json_t *
append(struct listing *listing)
{
	json_t *object = json_object();

	if (object == NULL || json_array_append_new(listing->array, object) != 0) {
		listing->err = berth_admin_built(listing->call, BERTH_E_MEMORY);
		return NULL;
	}
	return object;
}

static enum berth_err
list_one(struct listing *listing, const struct berth_registrar_dpp_key *key,
	 struct berth_arena *arena)
{
	struct berth_admin_call *call = listing->call;
	struct berth_registrar_device device;

	enum berth_err err = berth_registrar_device_get(call->role->store, key->device, arena,
							&device, &call->why);
	if (err)
		return err;
	json_t *object = append(listing);
	if (object == NULL)
		return listing->err;
	err = berth_json_set_text(object, "id", berth_text(device.id));
	err = err ? err
		  : berth_json_set_text(object, "serial-number", device.identity.serial_number);
	err = err ? err
		  : berth_json_set_text(object, "state",
					berth_text(berth_device_state_name(device.state)));
	err = berth_admin_built(call, err);
	return err ? err : berth_admin_dpp_describe(call, object, device.row);
}

static bool
list_device(void *context, const struct berth_registrar_dpp_key *key)
{
	struct listing *listing = context;
	BERTH_ARENA arena;

	berth_arena_start(&arena, ARENA_BYTES);
	listing->err = list_one(listing, key, &arena);
	return listing->err == BERTH_OK;
}

static enum berth_err
list(struct berth_admin_call *call, const char *name, berth_registrar_visit_dpp_key *visit)
{
	struct listing listing = {.call = call, .array = json_array()};

	if (call->role->dpp == NULL) {
		json_decref(listing.array);
		return berth_fail(&call->why, BERTH_E_UNSUPPORTED, "dpp-off", NULL,
				  "this registrar has no [dpp] section: berth dpp init");
	}
	enum berth_err err =
		berth_admin_built(call, berth_json_set(call->reply, name, listing.array));
	err = err ? err
		  : berth_registrar_dpp_key_each(call->role->store, visit, &listing, &call->why);
	return err ? err : listing.err;
}

enum berth_err
berth_admin_dpp_devices(struct berth_admin_call *call)
{
	return list(call, "devices", list_device);
}

/* ---- passwords ---- */

/* NOT_FOUND: the device has none of its own, or may not join now. */
static enum berth_err
find_password(struct berth_admin_call *call, const struct berth_registrar_dpp_key *key,
	      const struct berth_registrar_device *device, struct berth_arena *arena,
	      struct berth_policy_network *network, struct berth_dpp_password *ret)
{
	struct berth_facts facts;
	struct berth_decision decision;
	struct berth_why unwelcome = {0};

	enum berth_err err = berth_dpp_facts(call->role, device, arena, &facts, &call->why);
	if (err)
		return err;
	berth_decision_start(&decision);
	berth_policy_decide(call->role->policy, BERTH_STAGE_ENROL, &facts, &decision);
	if (berth_device_check_welcome(device, &unwelcome) != BERTH_OK ||
	    decision.outcome != BERTH_OUTCOME_ALLOW ||
	    !berth_policy_network_of(call->role->policy, &facts, network) ||
	    network->password != BERTH_POLICY_PASSWORD_DEVICE)
		return BERTH_E_NOT_FOUND;
	return berth_dpp_password_of(call->role->pki, &call->role->passwords, network,
				     key->key_hash, ret, &call->why);
}

static enum berth_err
list_one_password(struct listing *listing, const struct berth_registrar_dpp_key *key,
		  struct berth_arena *arena)
{
	struct berth_admin_call *call = listing->call;
	struct berth_registrar_device device;
	struct berth_policy_network network;
	struct berth_dpp_password password = {0};

	enum berth_err err = berth_registrar_device_get(call->role->store, key->device, arena,
							&device, &call->why);
	err = err ? err : find_password(call, key, &device, arena, &network, &password);
	if (err)
		return err == BERTH_E_NOT_FOUND ? BERTH_OK : err;
	json_t *object = append(listing);
	if (object == NULL)
		return listing->err;
	err = berth_json_set_text(object, "id", berth_text(device.id));
	err = err ? err : berth_json_set_text(object, "ssid", berth_text(network.ssid));
	err = err ? err : berth_json_set_text(object, "akm", berth_text(network.akm));
	err = err ? err : berth_json_set_text(object, "password", berth_text(password.text));
	berth_wipe(&password, sizeof(password));
	return berth_admin_built(call, err);
}

static bool
list_password(void *context, const struct berth_registrar_dpp_key *key)
{
	struct listing *listing = context;
	BERTH_ARENA arena;

	berth_arena_start(&arena, ARENA_BYTES);
	listing->err = list_one_password(listing, key, &arena);
	return listing->err == BERTH_OK;
}

enum berth_err
berth_admin_dpp_passwords(struct berth_admin_call *call)
{
	enum berth_err err =
		berth_admin_note(call, BERTH_EVENT_PASSWORDS_TOLD, "network", "for access points");

	return err ? err : list(call, "passwords", list_password);
}
