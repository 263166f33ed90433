/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/configuration_request.h"

#include "codec/json_write.h"

#define SECTION "DPP 4.4"
#define TECHNOLOGY "infra" /* the only one there is */
#define CAPABILITY_PASSWORD_ID 1
#define CAPABILITIES_MAX 0xffffffff

enum berth_err
berth_dpp_request_write(const struct berth_dpp_request *request, struct berth_buf *json,
			struct berth_why *why)
{
	const char *role = berth_dpp_net_role_name(request->net_role);

	enum berth_err err = berth_json_start(json, '{');
	err = err ? err : berth_json_put_text(json, "name", request->name);
	err = err ? err : berth_json_put_text(json, "wi-fi_tech", BERTH_LIT(TECHNOLOGY));
	err = err ? err : berth_json_put_text(json, "netRole", berth_text(role));
	if (!err && request->mud_url.n > 0)
		err = berth_json_put_text(json, "mudurl", request->mud_url);
	if (!err && request->csr.n > 0)
		err = berth_json_put_base64(json, "pkcs10", request->csr);
	if (!err && request->has_password_id)
		err = berth_json_put_i64(json, "capabilities", CAPABILITY_PASSWORD_ID);
	err = err ? err : berth_json_shut(json, '}');
	if (err)
		return berth_fail(
			why, err, "dpp-request", SECTION,
			"The configuration request cannot be written: a name is no UTF-8, "
			"or there is no memory.");
	return BERTH_OK;
}

/* A copy in the arena of what may be there. */
static enum berth_err
get_copy(const json_t *root, const char *key, enum berth_json_need need, size_t max,
	 struct berth_arena *arena, struct berth_bytes *ret, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(root, key, need, &text, why);

	if (err || text.p == NULL)
		return err;
	if (text.n > max)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-request", SECTION,
				  "The member \"%s\" has %zu octets, more than %zu.", key, text.n,
				  max);
	*ret = berth_arena_copy(arena, text);
	if (ret->p == NULL)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-request", SECTION,
				  "The configuration request does not fit its limit.");
	return BERTH_OK;
}

static enum berth_err
get_csr(const json_t *root, struct berth_arena *arena, struct berth_bytes *ret,
	struct berth_why *why)
{
	BERTH_BUF der = {.limit = BERTH_DPP_CSR_MAX_BYTES};
	enum berth_err err = berth_json_get_base64(root, "pkcs10", BERTH_JSON_OPTIONAL, &der, why);

	if (err || der.n == 0)
		return err;
	*ret = berth_arena_copy(arena, berth_buf_view(&der));
	if (ret->p == NULL)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-request", SECTION,
				  "The configuration request does not fit its limit.");
	return BERTH_OK;
}

static enum berth_err
get_kinds(const json_t *root, struct berth_dpp_request *request, struct berth_why *why)
{
	struct berth_bytes technology = BERTH_BYTES_NONE;
	struct berth_bytes role = BERTH_BYTES_NONE;
	int64_t capabilities = 0;

	enum berth_err err =
		berth_json_get_text(root, "wi-fi_tech", BERTH_JSON_REQUIRED, &technology, why);
	err = err ? err : berth_json_get_text(root, "netRole", BERTH_JSON_REQUIRED, &role, why);
	err = err ? err
		  : berth_json_get_i64(root, "capabilities", BERTH_JSON_OPTIONAL, 0,
				       CAPABILITIES_MAX, &capabilities, why);
	if (err)
		return err;
	request->has_password_id = (capabilities & CAPABILITY_PASSWORD_ID) != 0;
	if (!berth_bytes_equal_text(technology, TECHNOLOGY))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-wifi-tech", SECTION,
				  "The device asks for another kind of network than infra.");
	if (!berth_dpp_net_role_named(role, &request->net_role))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-net-role", SECTION,
				  "The device's netRole is neither sta, ap nor configurator.");
	return BERTH_OK;
}

enum berth_err
berth_dpp_request_read(struct berth_bytes json, struct berth_arena *arena,
		       struct berth_dpp_request *ret, struct berth_why *why)
{
	static const struct berth_json_limits limits = {.max_bytes = BERTH_DPP_REQUEST_MAX_BYTES};
	struct berth_dpp_request request = {0};
	BERTH_JSON json_t *root = NULL;

	enum berth_err err = berth_json_parse(json, &limits, &root, why);
	err = err ? err : get_kinds(root, &request, why);
	err = err ? err
		  : get_copy(root, "name", BERTH_JSON_REQUIRED, BERTH_DPP_NAME_MAX, arena,
			     &request.name, why);
	err = err ? err
		  : get_copy(root, "mudurl", BERTH_JSON_OPTIONAL, BERTH_DPP_MUD_URL_MAX, arena,
			     &request.mud_url, why);
	err = err ? err : get_csr(root, arena, &request.csr, why);
	if (!err)
		*ret = request;
	return err;
}
