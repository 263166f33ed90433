/* SPDX-License-Identifier: BSD-2-Clause */
/* What operators see and say of Wi-Fi Easy Connect. */
#include "base/base64.h"
#include "base/hex.h"
#include "codec/dpp_uri.h"
#include "role/registrar/admin.h"
#include "protocol/dpp/authentication.h"
#include "role/registrar/dpp.h"
#include "store/registrar_dpp.h"

#include <stdio.h>

#define MAKER                                                                                      \
	"dpp" /* of devices that an operator added by their code alone: nobody vouches for a maker */

static enum berth_err
need_dpp(struct berth_admin_call *call)
{
	if (call->role->dpp == NULL)
		return berth_fail(&call->why, BERTH_E_UNSUPPORTED, "dpp-off", NULL,
				  "this registrar has no [dpp] section: berth dpp init");
	if (!call->role->dpp->keys.are_known)
		return berth_fail(&call->why, BERTH_E_UNREACHABLE, "dpp-starting", NULL,
				  "the signer has not told the Controller's keys yet; try again");
	return BERTH_OK;
}

static enum berth_err
put_hex(json_t *object, const char *key, const uint8_t hash[32])
{
	char text[65];

	return berth_json_set_text(
		object, key,
		berth_text(berth_hex_text(berth_bytes_of(hash, 32), text, sizeof(text))));
}

enum berth_err
berth_dpp_metrics(const struct berth_registrar_role *role, struct berth_buf *text)
{
	const struct berth_dpp_controller *dpp = role->dpp;
	size_t sessions = 0;

	if (dpp == NULL)
		return BERTH_OK;
	for (size_t i = 0; i < dpp->session_end; i++)
		sessions += dpp->sessions[i] != NULL;
	return berth_buf_printf(text,
				"# TYPE berth_registrar_dpp_sessions gauge\n"
				"berth_registrar_dpp_sessions %zu\n"
				"# TYPE berth_registrar_dpp_total counter\n"
				"berth_registrar_dpp_total{what=\"configured\"} %llu\n"
				"berth_registrar_dpp_total{what=\"refused\"} %llu\n"
				"berth_registrar_dpp_total{what=\"unknown\"} %llu\n",
				sessions, (unsigned long long)dpp->configured,
				(unsigned long long)dpp->refused, (unsigned long long)dpp->unknown);
}

static enum berth_err
put_own(struct berth_admin_call *call)
{
	const struct berth_dpp_bootstrapping *own = &call->role->dpp->keys.bootstrapping;
	struct berth_dpp_uri uri = {.version = BERTH_DPP_VERSION_MAX};
	BERTH_BUF spki = {0};
	BERTH_BUF text = {0};

	enum berth_err err = berth_ec_build_spki(&own->point, BERTH_EC_COMPRESSED, &spki);
	if (err || spki.n > sizeof(uri.spki))
		return berth_admin_built(call, BERTH_E_MEMORY);
	memcpy(uri.spki, spki.p, spki.n);
	uri.spki_n = spki.n;
	err = berth_dpp_uri_write(&uri, &text, &call->why);
	if (err)
		return err;
	err = berth_json_set_text(call->reply, "uri", berth_buf_view(&text));
	err = err ? err : put_hex(call->reply, "key-hash", own->hash);
	return berth_admin_built(call, err);
}

static enum berth_err
put_chirp(json_t *array, const struct berth_dpp_chirp *chirp)
{
	char text[BERTH_TIME_TEXT_MAX];
	json_t *object = json_object();

	if (object == NULL || json_array_append_new(array, object) != 0)
		return BERTH_E_MEMORY;
	enum berth_err err = put_hex(object, "hash", chirp->hash);
	err = err ? err : berth_json_set_i64(object, "count", (int64_t)chirp->count);
	err = err ? err
		  : berth_json_set_text(object, "first-seen",
					berth_text(berth_wall_format(chirp->first, text)));
	err = err ? err
		  : berth_json_set_text(object, "last-seen",
					berth_text(berth_wall_format(chirp->last, text)));
	return err ? err : berth_json_set_text(object, "from", berth_text(chirp->address));
}

enum berth_err
berth_admin_dpp(struct berth_admin_call *call)
{
	json_t *chirps = json_array();
	enum berth_err err =
		berth_admin_built(call, berth_json_set(call->reply, "unknown", chirps));

	err = err ? err : need_dpp(call);
	err = err ? err : put_own(call);
	for (size_t i = 0; !err && i < call->role->dpp->chirp_count; i++)
		err = berth_admin_built(call, put_chirp(chirps, &call->role->dpp->chirps[i]));
	return err;
}

/* "SN=4711 TYPE=x" as labels have it, or all of the information; else the beginning of the hash. */
static void
name_device(const struct berth_dpp_uri *uri, const uint8_t hash[32], char serial[65])
{
	const char *sn = strstr(uri->information, "SN=");
	const char *from = sn == NULL ? uri->information : sn + 3;
	size_t n = sn == NULL ? strlen(from) : strcspn(from, " ,");

	if (n == 0 || n > 64) {
		berth_hex_text(berth_bytes_of(hash, 16), serial, 65);
		return;
	}
	memcpy(serial, from, n);
	serial[n] = '\0';
}

static enum berth_err
read_body(struct berth_admin_call *call, struct berth_bytes *uri, struct berth_bytes *serial,
	  struct berth_bytes *model)
{
	static const char *const keys[] = {"uri", "serial-number", "model"};
	BERTH_JSON json_t *root = NULL;
	enum berth_err err = berth_json_parse(call->http->body, NULL, &root, &call->why);

	err = err ? err : berth_json_only_keys(root, keys, 3, &call->why);
	err = err ? err : berth_json_get_text(root, "uri", BERTH_JSON_REQUIRED, uri, &call->why);
	err = err ? err
		  : berth_json_get_text(root, "serial-number", BERTH_JSON_OPTIONAL, serial,
					&call->why);
	err = err ? err
		  : berth_json_get_text(root, "model", BERTH_JSON_OPTIONAL, model, &call->why);
	if (err)
		return err;
	*uri = berth_arena_copy(call->arena, *uri);
	*serial = berth_arena_copy(call->arena, *serial);
	*model = berth_arena_copy(call->arena, *model);
	return uri->p == NULL ? berth_admin_built(call, BERTH_E_MEMORY) : BERTH_OK;
}

static enum berth_err
add(struct berth_admin_call *call, struct berth_bytes text, const struct berth_dpp_uri *uri,
    struct berth_bytes serial, struct berth_bytes model)
{
	struct berth_registrar_role *role = call->role;
	struct berth_wall now = berth_judge_now(role->judge).wall;
	struct berth_dpp_bootstrapping key;
	struct berth_registrar_device device;
	struct berth_bytes spki = berth_bytes_of(uri->spki, uri->spki_n);
	BERTH_BUF whole = {0};
	char name[65];
	bool is_new = false;

	enum berth_err err = berth_dpp_bootstrapping_parse(role->pki, spki, &key, &call->why);
	if (err)
		return err;
	struct berth_registrar_dpp_key known;
	err = berth_registrar_dpp_key_find(role->store, BERTH_DPP_BY_KEY_HASH, key.hash,
					   call->arena, &known, &call->why);
	if (err != BERTH_E_NOT_FOUND)
		return err ? err
			   : berth_fail(&call->why, BERTH_E_EXISTS, "dpp-key-known", NULL,
					"a device with this bootstrapping key is here already");
	name_device(uri, key.hash, name);
	const struct berth_registrar_device wanted = {
		.identity = {.manufacturer_key = berth_bytes_of(key.hash, sizeof(key.hash)),
			     .serial_number = serial.n > 0 ? serial : berth_text(name)},
		.manufacturer = BERTH_LIT(MAKER),
		.model = model,
		.birth_key_sha256 = berth_bytes_of(key.hash, sizeof(key.hash)),
	};
	err = berth_device_identity_check(&wanted.identity, &call->why);
	err = err ? err
		  : berth_registrar_device_seen(role->store, &wanted, now, call->arena, &device,
						&is_new, &call->why);
	err = err ? err : berth_admin_note(call, BERTH_EVENT_DEVICE_ADDED, device.id, "");
	if (!err && berth_ec_build_spki(&key.point, BERTH_EC_UNCOMPRESSED, &whole))
		err = berth_admin_built(call, BERTH_E_MEMORY);
	struct berth_registrar_dpp_key kept = {
		.device = device.row,
		.spki = berth_buf_view(&whole),
		.uri = text,
		.added_by = berth_text(call->user),
		.added_at = now,
	};
	memcpy(kept.key_hash, key.hash, sizeof(kept.key_hash));
	memcpy(kept.chirp_hash, key.chirp, sizeof(kept.chirp_hash));
	err = err ? err : berth_registrar_dpp_key_add(role->store, &kept, &call->why);
	if (err)
		return err;
	err = berth_json_set_text(call->reply, "id", berth_text(device.id));
	err = err ? err : put_hex(call->reply, "key-hash", key.hash);
	err = err ? err : put_hex(call->reply, "chirp-hash", key.chirp);
	return berth_admin_built(call, err);
}

enum berth_err
berth_admin_dpp_add(struct berth_admin_call *call)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	struct berth_bytes serial = BERTH_BYTES_NONE;
	struct berth_bytes model = BERTH_BYTES_NONE;
	struct berth_dpp_uri uri;

	enum berth_err err = need_dpp(call);
	err = err ? err : read_body(call, &text, &serial, &model);
	err = err ? err : berth_dpp_uri_parse(text, &uri, &call->why);
	return err ? err : add(call, text, &uri, serial, model);
}
