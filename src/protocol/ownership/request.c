/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/ownership/request.h"

#include "base/secret.h"
#include "codec/json.h"

#define SECTION "berth-masa(8)"

static const char *const act_names[BERTH_OWNERSHIP_ACT_COUNT] = {
	[BERTH_OWNERSHIP_CLAIM] = "claim",
	[BERTH_OWNERSHIP_RELEASE] = "release",
	[BERTH_OWNERSHIP_TRANSFER] = "transfer",
};
static const char *const state_names[] = {
	[BERTH_OWNERSHIP_OWNED] = "owned",
	[BERTH_OWNERSHIP_RELEASED] = "released",
};

const char *
berth_ownership_act_name(enum berth_ownership_act act)
{
	return act_names[act];
}

enum berth_err
berth_ownership_act_parse(struct berth_bytes name, enum berth_ownership_act *ret,
			  struct berth_why *why)
{
	for (int i = 0; i < BERTH_OWNERSHIP_ACT_COUNT; i++) {
		if (!berth_bytes_equal_text(name, act_names[i]))
			continue;
		*ret = (enum berth_ownership_act)i;
		return BERTH_OK;
	}
	return berth_fail(why, BERTH_E_UNSUPPORTED, "ownership-act", SECTION,
			  "there is claim, release and transfer, and nothing else");
}

void
berth_ownership_request_wipe(struct berth_ownership_request *request)
{
	berth_claim_code_wipe(&request->code);
}

static enum berth_err
no_room(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_LIMIT, "ownership-memory", NULL,
			  "the message does not fit into the memory given");
}

static enum berth_err
read_object(struct berth_bytes json, const char *const *keys, size_t key_count, json_t **ret,
	    struct berth_why *why)
{
	static const struct berth_json_limits limits = {
		.max_bytes = BERTH_OWNERSHIP_JSON_MAX_BYTES, .max_depth = 1, .max_values = 16};
	enum berth_err err = berth_json_parse(json, &limits, ret, why);

	if (err)
		return err;
	if (!json_is_object(*ret))
		return berth_fail(why, BERTH_E_SYNTAX, "ownership-object", SECTION,
				  "the message is no JSON object");
	return berth_json_only_keys(*ret, keys, key_count, why);
}

static enum berth_err
take_text(const json_t *root, const char *key, enum berth_json_need need, struct berth_arena *arena,
	  struct berth_bytes *ret, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(root, key, need, &text, why);

	if (err || text.p == NULL)
		return err;
	if (text.n > BERTH_OWNERSHIP_NAME_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "ownership-text-length", SECTION,
				  "%s has %zu bytes, at most %d are read", key, text.n,
				  BERTH_OWNERSHIP_NAME_MAX);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < 0x20 || text.p[i] == 0x7f)
			return berth_fail(why, BERTH_E_SYNTAX, "ownership-text", SECTION,
					  "%s holds characters that are not for print", key);
	*ret = berth_arena_copy(arena, text);
	return ret->p ? BERTH_OK : no_room(why);
}

/* exactly 0: 1 to max bytes. */
static enum berth_err
take_bytes(const json_t *root, const char *key, enum berth_json_need need, size_t exactly,
	   size_t max, struct berth_arena *arena, struct berth_bytes *ret, struct berth_why *why)
{
	BERTH_BUF bytes = {0};
	enum berth_err err = berth_json_get_base64(root, key, need, &bytes, why);

	if (err || !json_object_get(root, key))
		return err;
	if (exactly ? bytes.n != exactly : bytes.n == 0 || bytes.n > max)
		return berth_fail(why, BERTH_E_SYNTAX, "ownership-length", SECTION,
				  "%s has %zu bytes, which is not what it must have", key, bytes.n);
	*ret = berth_arena_copy(arena, berth_buf_view(&bytes));
	return ret->p ? BERTH_OK : no_room(why);
}

static enum berth_err
take_unit(const json_t *root, enum berth_json_need need_issuer, struct berth_arena *arena,
	  struct berth_device_identity *ret, struct berth_why *why)
{
	enum berth_err err = take_text(root, "serial-number", BERTH_JSON_REQUIRED, arena,
				       &ret->serial_number, why);

	if (!err && (ret->serial_number.n == 0 || ret->serial_number.n > BERTH_DEVICE_SERIAL_MAX))
		err = berth_fail(why, BERTH_E_SYNTAX, "ownership-serial-number", SECTION,
				 "serial-number has %zu bytes, 1 to %d are allowed",
				 ret->serial_number.n, BERTH_DEVICE_SERIAL_MAX);
	return err ? err
		   : take_bytes(root, "idevid-issuer", need_issuer, 0,
				BERTH_DEVICE_MANUFACTURER_MAX, arena, &ret->manufacturer_key, why);
}

static enum berth_err
take_code(const json_t *root, struct berth_claim_code *ret, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(root, "code", BERTH_JSON_REQUIRED, &text, why);

	return err ? err : berth_claim_code_parse(text, ret, why);
}

/* Both or neither. */
static enum berth_err
take_next_code(const json_t *root, struct berth_arena *arena, struct berth_ownership_request *ret,
	       struct berth_why *why)
{
	struct berth_bytes salt = BERTH_BYTES_NONE;
	struct berth_bytes digest = BERTH_BYTES_NONE;
	enum berth_err err = take_bytes(root, "claim-salt", BERTH_JSON_OPTIONAL,
					BERTH_CLAIM_SALT_BYTES, 0, arena, &salt, why);

	err = err ? err
		  : take_bytes(root, "claim-sha256", BERTH_JSON_OPTIONAL, BERTH_SHA256_BYTES, 0,
			       arena, &digest, why);
	if (err || (salt.n == 0 && digest.n == 0))
		return err;
	if (salt.n == 0 || digest.n == 0)
		return berth_fail(why, BERTH_E_SYNTAX, "ownership-next-code", SECTION,
				  "claim-salt and claim-sha256 come together");
	ret->has_next_code = true;
	memcpy(ret->next_code.salt, salt.p, salt.n);
	memcpy(ret->next_code.sha256, digest.p, digest.n);
	return BERTH_OK;
}

static enum berth_err
take_owner(const json_t *root, struct berth_arena *arena, struct berth_ownership_request *ret,
	   struct berth_why *why)
{
	enum berth_err err =
		take_bytes(root, "owner-certificate", BERTH_JSON_REQUIRED, 0,
			   BERTH_OWNERSHIP_CERTIFICATE_MAX, arena, &ret->owner_certificate, why);

	return err ? err
		   : take_text(root, "owner-name", BERTH_JSON_OPTIONAL, arena, &ret->owner_name,
			       why);
}

static const struct {
	const char *keys[4];
	size_t count;
} members[BERTH_OWNERSHIP_ACT_COUNT] = {
	[BERTH_OWNERSHIP_CLAIM] = {{"serial-number", "idevid-issuer", "code"}, 3},
	[BERTH_OWNERSHIP_RELEASE] = {{"serial-number", "idevid-issuer", "claim-salt",
				      "claim-sha256"},
				     4},
	[BERTH_OWNERSHIP_TRANSFER] = {{"serial-number", "idevid-issuer", "owner-certificate",
				       "owner-name"},
				      4},
};

enum berth_err
berth_ownership_request_parse(struct berth_bytes json, enum berth_ownership_act act,
			      struct berth_arena *arena, struct berth_ownership_request *ret,
			      struct berth_why *why)
{
	BERTH_OWNERSHIP_REQUEST request = {.act = act};
	struct berth_device_identity unit = {BERTH_BYTES_NONE, BERTH_BYTES_NONE};
	BERTH_JSON json_t *root = NULL;
	enum berth_err err = read_object(json, members[act].keys, members[act].count, &root, why);

	err = err ? err : take_unit(root, BERTH_JSON_OPTIONAL, arena, &unit, why);
	request.serial_number = unit.serial_number;
	request.issuer_key_id = unit.manufacturer_key;
	if (err)
		return err;
	switch (act) {
	case BERTH_OWNERSHIP_CLAIM:
		err = take_code(root, &request.code, why);
		break;
	case BERTH_OWNERSHIP_RELEASE:
		err = take_next_code(root, arena, &request, why);
		break;
	case BERTH_OWNERSHIP_TRANSFER:
		err = take_owner(root, arena, &request, why);
		break;
	}
	if (!err)
		*ret = request;
	return err;
}

static enum berth_err
set_bytes_if_any(json_t *root, const char *key, struct berth_bytes bytes)
{
	return bytes.n ? berth_json_set_base64(root, key, bytes) : BERTH_OK;
}

static enum berth_err
set_text_if_any(json_t *root, const char *key, struct berth_bytes text)
{
	return text.n ? berth_json_set_text(root, key, text) : BERTH_OK;
}

static enum berth_err
set_code(json_t *root, const struct berth_claim_code *code)
{
	char text[BERTH_CLAIM_CODE_TEXT_MAX];
	enum berth_err err =
		berth_json_set_text(root, "code", berth_text(berth_claim_code_text(code, text)));

	berth_wipe(text, sizeof(text));
	return err;
}

static enum berth_err
set_next_code(json_t *root, const struct berth_ownership_request *request)
{
	const struct berth_claim_digest *next = &request->next_code;
	enum berth_err err = BERTH_OK;

	if (!request->has_next_code)
		return BERTH_OK;
	err = berth_json_set_base64(root, "claim-salt",
				    berth_bytes_of(next->salt, sizeof(next->salt)));
	return err ? err
		   : berth_json_set_base64(root, "claim-sha256",
					   berth_bytes_of(next->sha256, sizeof(next->sha256)));
}

static enum berth_err
encode(const json_t *root, enum berth_err err, struct berth_buf *out, struct berth_why *why)
{
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, out);
	return err ? berth_fail(why, err, "ownership-memory", NULL,
				"the message could not be built")
		   : BERTH_OK;
}

enum berth_err
berth_ownership_request_build(const struct berth_ownership_request *request, struct berth_buf *out,
			      struct berth_why *why)
{
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = root ? BERTH_OK : BERTH_E_MEMORY;

	err = err ? err : berth_json_set_text(root, "serial-number", request->serial_number);
	err = err ? err : set_bytes_if_any(root, "idevid-issuer", request->issuer_key_id);
	switch (request->act) {
	case BERTH_OWNERSHIP_CLAIM:
		err = err ? err : set_code(root, &request->code);
		break;
	case BERTH_OWNERSHIP_RELEASE:
		err = err ? err : set_next_code(root, request);
		break;
	case BERTH_OWNERSHIP_TRANSFER:
		err = err ? err
			  : berth_json_set_base64(root, "owner-certificate",
						  request->owner_certificate);
		err = err ? err : set_text_if_any(root, "owner-name", request->owner_name);
		break;
	}
	return encode(root, err, out, why);
}

/* ---- the reply ---- */

static enum berth_err
take_state(const json_t *root, struct berth_ownership_reply *ret, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(root, "state", BERTH_JSON_REQUIRED, &text, why);

	if (err)
		return err;
	ret->state = berth_bytes_equal_text(text, state_names[BERTH_OWNERSHIP_RELEASED])
			     ? BERTH_OWNERSHIP_RELEASED
			     : BERTH_OWNERSHIP_OWNED;
	if (berth_bytes_equal_text(text, state_names[ret->state]))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_UNSUPPORTED, "ownership-state", SECTION,
			  "the state is neither owned nor released");
}

enum berth_err
berth_ownership_reply_parse(struct berth_bytes json, struct berth_arena *arena,
			    struct berth_ownership_reply *ret, struct berth_why *why)
{
	static const char *const keys[] = {"serial-number", "idevid-issuer", "state",
					   "owner",	    "key-sha256",    "model"};
	struct berth_ownership_reply reply = {0};
	BERTH_JSON json_t *root = NULL;
	enum berth_err err = read_object(json, keys, sizeof(keys) / sizeof(keys[0]), &root, why);

	err = err ? err : take_unit(root, BERTH_JSON_REQUIRED, arena, &reply.identity, why);
	err = err ? err : take_state(root, &reply, why);
	err = err ? err
		  : take_bytes(root, "key-sha256", BERTH_JSON_OPTIONAL, BERTH_SHA256_BYTES, 0,
			       arena, &reply.key_sha256, why);
	err = err ? err : take_text(root, "model", BERTH_JSON_OPTIONAL, arena, &reply.model, why);
	err = err ? err : take_text(root, "owner", BERTH_JSON_OPTIONAL, arena, &reply.owner, why);
	if (!err)
		*ret = reply;
	return err;
}

enum berth_err
berth_ownership_reply_build(const struct berth_ownership_reply *reply, struct berth_buf *out,
			    struct berth_why *why)
{
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = root ? BERTH_OK : BERTH_E_MEMORY;

	err = err ? err : berth_json_set_text(root, "serial-number", reply->identity.serial_number);
	err = err ? err
		  : berth_json_set_base64(root, "idevid-issuer", reply->identity.manufacturer_key);
	err = err ? err : berth_json_set_text(root, "state", berth_text(state_names[reply->state]));
	err = err ? err : set_text_if_any(root, "owner", reply->owner);
	err = err ? err : set_bytes_if_any(root, "key-sha256", reply->key_sha256);
	err = err ? err : set_text_if_any(root, "model", reply->model);
	return encode(root, err, out, why);
}
