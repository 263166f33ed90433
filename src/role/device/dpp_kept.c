/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/dpp_kept.h"

#include "base/cursor.h"
#include "pki/hkdf.h"
#include "pki/siv.h"

#define MAGIC "BDPP\1"
#define SEAL_INFO "Berth device: what DPP gave"
#define SEAL_HASH_BYTES 64 /* AES-256-SIV */
#define SPKI_MAX 256
#define KEY_PATH_MAX 512

static void
wipe_buf(struct berth_buf *buf)
{
	if (buf->p != NULL)
		berth_wipe(buf->p, buf->n);
	berth_buf_free(buf);
}

void
berth_dpp_kept_free(struct berth_dpp_kept *kept)
{
	wipe_buf(&kept->profile);
	berth_buf_free(&kept->key_path);
	berth_buf_free(&kept->connector);
	berth_secret_free(&kept->scalar);
	*kept = (struct berth_dpp_kept){0};
}

static enum berth_err
no_room(struct berth_why *why, enum berth_err err)
{
	return berth_fail(why, err, "dpp-kept", NULL,
			  "The configuration does not fit into memory.");
}

/* A point that nobody has the private part of; it only has to be always the same. */
static enum berth_err
draw_e_id(struct berth_pki *pki, const struct berth_random *random, struct berth_dpp_kept *kept,
	  struct berth_why *why)
{
	BERTH_SECRET forgotten = {0};

	return berth_ec_generate(pki, kept->pp_key.curve, random, &forgotten, &kept->e_id, why);
}

static enum berth_err
make(struct berth_pki *pki, const struct berth_random *random, const struct berth_dpp_offer *offer,
     const struct berth_wifi_certificate *certificate, uint32_t mhz, struct berth_dpp_kept *kept,
     struct berth_why *why)
{
	enum berth_err err = berth_wifi_profile_write(offer, certificate, mhz, &kept->profile, why);
	size_t i = 0;

	if (!err && certificate->key_path != NULL)
		err = berth_buf_append_text(&kept->key_path, certificate->key_path);
	while (i < offer->count &&
	       (offer->objects[i].connector.n == 0 || !offer->objects[i].has_c_sign))
		i++;
	if (err || i == offer->count)
		return err;
	const struct berth_dpp_object *object = &offer->objects[i];
	kept->net_access_key = offer->net_access_key;
	kept->c_sign = object->c_sign;
	kept->has_pp_key = object->has_pp_key;
	kept->pp_key = object->pp_key;
	kept->expiry = offer->connectors[i].expiry;
	err = berth_buf_append_bytes(&kept->connector, object->connector);
	err = err ? err : berth_secret_copy(&kept->scalar, offer->net_access_scalar);
	if (err)
		return no_room(why, err);
	return kept->has_pp_key ? draw_e_id(pki, random, kept, why) : BERTH_OK;
}

enum berth_err
berth_dpp_kept_make(struct berth_pki *pki, const struct berth_random *random,
		    const struct berth_dpp_offer *offer,
		    const struct berth_wifi_certificate *certificate, uint32_t mhz,
		    struct berth_dpp_kept *ret, struct berth_why *why)
{
	BERTH_DPP_KEPT kept = {.profile = {.limit = BERTH_WIFI_PROFILE_MAX_BYTES},
			       .expiry = BERTH_WALL_NO_EXPIRY};
	enum berth_err err = make(pki, random, offer, certificate, mhz, &kept, why);

	if (err)
		return err;
	*ret = kept;
	kept = (struct berth_dpp_kept){0};
	return BERTH_OK;
}

static enum berth_err
put_point(struct berth_buf *out, bool has_point, const struct berth_ec_point *point)
{
	enum berth_err err =
		berth_buf_append_u16(out, has_point ? berth_ec_facts(point->curve)->group : 0);

	return err || !has_point ? err : berth_buf_append_bytes(out, berth_ec_xy(point));
}

static enum berth_err
write_plain(const struct berth_dpp_kept *kept, struct berth_buf *out)
{
	const bool has_connector = kept->connector.n > 0;

	enum berth_err err = berth_buf_append_vector32(out, berth_buf_view(&kept->profile));
	err = err ? err : berth_buf_append_vector16(out, berth_buf_view(&kept->connector));
	err = err ? err : berth_buf_append_u64(out, (uint64_t)kept->expiry.s);
	err = err ? err : put_point(out, has_connector, &kept->net_access_key);
	err = err ? err
		  : berth_buf_append_vector16(out, berth_bytes_of(kept->scalar.p, kept->scalar.n));
	err = err ? err : put_point(out, has_connector, &kept->c_sign);
	err = err ? err : put_point(out, kept->has_pp_key, &kept->pp_key);
	err = err ? err : put_point(out, kept->has_pp_key, &kept->e_id);
	return err ? err : berth_buf_append_vector16(out, berth_buf_view(&kept->key_path));
}

static enum berth_err
broken(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_SYNTAX, "dpp-kept", NULL,
			  "dpp.sealed is not what this device has written: remove it, and the "
			  "device is configured anew.");
}

static enum berth_err
take_point(struct berth_pki *pki, struct berth_cursor *c, bool *has_point,
	   struct berth_ec_point *ret, struct berth_why *why)
{
	uint16_t group = berth_cursor_u16(c);
	enum berth_ec_curve curve;

	*has_point = group != 0;
	if (group == 0)
		return BERTH_OK;
	if (!berth_ec_curve_of_group(group, &curve))
		return broken(why);
	struct berth_bytes xy = berth_cursor_take(c, 2U * berth_ec_facts(curve)->coordinate_bytes);
	return xy.n == 0 ? broken(why) : berth_ec_point(pki, curve, xy, ret, why);
}

static enum berth_err
read_plain(struct berth_pki *pki, struct berth_cursor *c, struct berth_dpp_kept *kept,
	   struct berth_why *why)
{
	bool has_key = false;
	bool has_c_sign = false;
	bool has_e_id = false;
	struct berth_bytes profile = berth_cursor_vector32(c, BERTH_WIFI_PROFILE_MAX_BYTES);
	struct berth_bytes connector = berth_cursor_vector16(c, BERTH_DPP_CONNECTOR_MAX_BYTES);

	kept->expiry.s = (int64_t)berth_cursor_u64(c);
	enum berth_err err = take_point(pki, c, &has_key, &kept->net_access_key, why);
	struct berth_bytes scalar = berth_cursor_vector16(c, BERTH_EC_COORDINATE_MAX);
	err = err ? err : take_point(pki, c, &has_c_sign, &kept->c_sign, why);
	err = err ? err : take_point(pki, c, &kept->has_pp_key, &kept->pp_key, why);
	err = err ? err : take_point(pki, c, &has_e_id, &kept->e_id, why);
	struct berth_bytes key_path = berth_cursor_vector16(c, KEY_PATH_MAX);
	err = err ? err : berth_cursor_end(c, "dpp-kept", why);
	if (err)
		return err;
	const bool has_connector = connector.n > 0;
	if (has_key != has_connector || has_c_sign != has_connector ||
	    (scalar.n > 0) != has_connector || has_e_id != kept->has_pp_key ||
	    (has_e_id && kept->e_id.curve != kept->pp_key.curve) ||
	    (has_connector &&
	     scalar.n != berth_ec_facts(kept->net_access_key.curve)->coordinate_bytes))
		return broken(why);
	err = berth_buf_append_bytes(&kept->profile, profile);
	err = err ? err : berth_buf_append_bytes(&kept->key_path, key_path);
	err = err ? err : berth_buf_append_bytes(&kept->connector, connector);
	err = err ? err : has_connector ? berth_secret_copy(&kept->scalar, scalar) : BERTH_OK;
	return err ? no_room(why, err) : BERTH_OK;
}

enum berth_err
berth_dpp_kept_parse(struct berth_pki *pki, struct berth_bytes plain, struct berth_dpp_kept *ret,
		     struct berth_why *why)
{
	BERTH_DPP_KEPT kept = {0};
	struct berth_cursor c = berth_cursor(plain);
	enum berth_err err = read_plain(pki, &c, &kept, why);

	if (err)
		return err;
	*ret = kept;
	kept = (struct berth_dpp_kept){0};
	return BERTH_OK;
}

static enum berth_err
seal_key(struct berth_pki *pki, struct berth_bytes shared_x, struct berth_secret *ret)
{
	return berth_hkdf(pki, SEAL_HASH_BYTES, shared_x, BERTH_LIT(SEAL_INFO), ret);
}

enum berth_err
berth_dpp_kept_seal(struct berth_pki *pki, const struct berth_random *random,
		    const struct berth_ec_point *own, const struct berth_dpp_kept *kept,
		    struct berth_buf *sealed, struct berth_why *why)
{
	const struct berth_bytes magic = BERTH_LIT(MAGIC);
	BERTH_SECRET scalar = {0};
	BERTH_SECRET key = {0};
	struct berth_ec_point once;
	struct berth_ec_point shared;
	BERTH_BUF spki = {0};
	BERTH_BUF plain = {.limit = BERTH_DPP_KEPT_MAX_BYTES};

	enum berth_err err = berth_ec_generate(pki, own->curve, random, &scalar, &once, why);
	err = err ? err : berth_ec_multiply(pki, &scalar, own, &shared, why);
	if (err)
		return err;
	err = seal_key(pki, berth_ec_x(&shared), &key);
	berth_wipe(&shared, sizeof(shared));
	err = err ? err : berth_ec_build_spki(&once, BERTH_EC_UNCOMPRESSED, &spki);
	err = err ? err : write_plain(kept, &plain);
	err = err ? err : berth_buf_append_bytes(sealed, magic);
	err = err ? err : berth_buf_append_vector16(sealed, berth_buf_view(&spki));
	err = err ? err : berth_siv_seal(pki, &key, &magic, 1, berth_buf_view(&plain), sealed);
	if (plain.p != NULL)
		berth_wipe(plain.p, plain.n);
	return err ? no_room(why, err) : BERTH_OK;
}

enum berth_err
berth_dpp_kept_open(struct berth_pki *pki, struct berth_key *key, struct berth_bytes sealed,
		    struct berth_dpp_kept *ret, struct berth_why *why)
{
	const struct berth_bytes magic = BERTH_LIT(MAGIC);
	struct berth_cursor c = berth_cursor(sealed);
	struct berth_key *once = NULL;
	BERTH_SECRET shared = {0};
	BERTH_SECRET opens = {0};
	BERTH_BUF plain = {.limit = BERTH_DPP_KEPT_MAX_BYTES};

	struct berth_bytes head = berth_cursor_take(&c, magic.n);
	struct berth_bytes spki = berth_cursor_vector16(&c, SPKI_MAX);
	struct berth_bytes rest = berth_cursor_take(&c, berth_cursor_left(&c));
	if (berth_cursor_end(&c, "dpp-kept", why) || !berth_bytes_equal(head, magic))
		return broken(why);
	enum berth_err err = berth_key_parse_spki(pki, spki, &once, why);
	err = err ? err : berth_key_derive(key, once, &shared, why);
	berth_key_free(once);
	if (err)
		return err;
	err = seal_key(pki, berth_bytes_of(shared.p, shared.n), &opens);
	if (err)
		return no_room(why, err);
	err = berth_siv_open(pki, &opens, &magic, 1, rest, &plain, why);
	err = err ? err : berth_dpp_kept_parse(pki, berth_buf_view(&plain), ret, why);
	if (plain.p != NULL)
		berth_wipe(plain.p, plain.n);
	return err;
}
