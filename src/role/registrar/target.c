/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/target.h"

const struct berth_manufacturer *
berth_target_maker(const struct berth_registrar_role *role, struct berth_bytes name)
{
	for (size_t i = 0; i < role->maker_count; i++)
		if (berth_bytes_equal_text(name, role->makers[i].name))
			return &role->makers[i];
	return NULL;
}

static enum berth_err
target_of_owned(struct berth_registrar_role *role, const struct berth_registrar_owned *owned,
		struct berth_target *ret, struct berth_why *why)
{
	*ret = (struct berth_target){
		.identity = owned->identity,
		.maker = berth_target_maker(role, owned->manufacturer),
		.masa_url = owned->masa_url,
	};
	if (ret->maker != NULL)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_NOT_FOUND, "target-manufacturer", NULL,
			  "no [manufacturer \"%.*s\"] is configured any more; import the manifest "
			  "again under its present name",
			  owned->manufacturer.n > 60 ? 60 : (int)owned->manufacturer.n,
			  (const char *)owned->manufacturer.p);
}

enum berth_err
berth_target_find(struct berth_registrar_role *role, const char *name, struct berth_arena *arena,
		  struct berth_target *ret, struct berth_why *why)
{
	struct berth_registrar_owned owned;
	struct berth_registrar_device device;
	enum berth_err err = berth_registrar_owned_find_by_serial(role->store, berth_text(name),
								  arena, &owned, why);
	if (!err)
		return target_of_owned(role, &owned, ret, why);
	if (err != BERTH_E_NOT_FOUND)
		return err;
	err = berth_registrar_device_find_by_name(role->store, name, arena, &device, why);
	if (err == BERTH_E_NOT_FOUND)
		return berth_fail(why, err, "target-unknown", NULL,
				  "no manifest and no device seen here is called '%.60s'", name);
	if (err)
		return err;
	err = berth_registrar_owned_find(role->store, &device.identity, arena, &owned, why);
	if (!err && owned.manufacturer.n > 0)
		return target_of_owned(role, &owned, ret, why);
	*ret = (struct berth_target){.identity = device.identity,
				     .maker = berth_target_maker(role, device.manufacturer),
				     .masa_url = device.masa_url};
	return ret->maker != NULL
		       ? BERTH_OK
		       : berth_fail(why, BERTH_E_NOT_FOUND, "target-manufacturer", NULL,
				    "the device's manufacturer is not configured any more");
}

enum berth_err
berth_target_masa(const struct berth_target *target, struct berth_masa_url *ret,
		  struct berth_why *why)
{
	if (target->maker->has_masa_url) {
		*ret = target->maker->masa_url;
		return BERTH_OK;
	}
	if (target->masa_url.n == 0 || target->masa_url.n > BERTH_MASA_URL_MAX)
		return berth_fail(
			why, BERTH_E_NOT_FOUND, "rfc8995-2.3.2-no-masa-url", "RFC 8995 2.3.2",
			"no MASA is known for this device; set masa-url in the section of "
			"manufacturer %s",
			target->maker->name);
	return berth_masa_url_parse(target->masa_url, ret, why);
}

enum berth_err
berth_target_device_id(struct berth_registrar_role *role,
		       const struct berth_device_identity *identity, char id[BERTH_DEVICE_ID_MAX],
		       struct berth_why *why)
{
	const struct berth_digest digest = {.sha256 = berth_registrar_sha256, .context = role->pki};
	return berth_device_id(identity, &digest, id, why);
}
