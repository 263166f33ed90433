/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/dpp_certificate.h"

#include <stdio.h>

#include "pki/cms.h"
#include "pki/request.h"
#include "role/device/key_name.h"
#include "system/files.h"

#define KEY_PREFIX "wifi-"
#define KEY_SUFFIX ".key"
#define KEYS_MAX 64 /* of attempts that the power cut short */
#define FILE_SCHEME "file:"

void
berth_dpp_wifi_key_free(struct berth_dpp_wifi_key *key)
{
	berth_key_free(key->key);
	*key = (struct berth_dpp_wifi_key){0};
}

static enum berth_err
make_key(struct berth_pki *pki, const struct berth_random *random,
	 const struct berth_device_conf *conf, struct berth_dpp_wifi_key *key,
	 struct berth_why *why)
{
	char pattern[BERTH_KEY_URI_MAX];
	char uri[BERTH_KEY_URI_MAX];
	const int n = snprintf(pattern, sizeof(pattern),
			       FILE_SCHEME "%s/" KEY_PREFIX BERTH_DEVICE_KEY_MARK KEY_SUFFIX,
			       conf->state_directory);

	if (n < 0 || (size_t)n >= sizeof(pattern))
		return berth_fail(why, BERTH_E_USAGE, "device-path", NULL,
				  "the state directory's path is too long");
	enum berth_err err = berth_device_key_name(pki, pattern, random, uri, why);
	err = err ? err : berth_keystore_generate(pki, uri, conf->key_kind, &key->key, why);
	if (!err)
		memcpy(key->path, uri + sizeof(FILE_SCHEME) - 1,
		       strlen(uri + sizeof(FILE_SCHEME) - 1) + 1);
	return err;
}

enum berth_err
berth_dpp_certificate_request(struct berth_pki *pki, const struct berth_random *random,
			      const struct berth_device_conf *conf, const char *password,
			      struct berth_dpp_wifi_key *key, struct berth_buf *der,
			      struct berth_why *why)
{
	const struct berth_request_fields fields = {
		.common_name = berth_text(conf->dpp_name),
		.challenge_password = berth_text(password),
	};
	enum berth_err err = key->key == NULL ? make_key(pki, random, conf, key, why) : BERTH_OK;

	return err ? err : berth_request_build(pki, &fields, key->key, der, why);
}

/* The CA that the object names; else the bag's own root. */
static enum berth_err
find_anchors(struct berth_pki *pki, const struct berth_dpp_object *object,
	     const struct berth_cert_list *bag, struct berth_cert_list *anchors,
	     struct berth_why *why)
{
	enum berth_err err = BERTH_OK;

	if (object->ca_cert.n > 0)
		return berth_cert_list_parse(pki, object->ca_cert, anchors, why);
	for (size_t i = 0; i < bag->n && !err; i++) {
		if (berth_cert_is_ca(bag->at[i]) && berth_cert_is_self_issued(bag->at[i]))
			err = berth_cert_list_add(anchors, bag->at[i], why);
	}
	if (!err && anchors->n == 0)
		err = berth_fail(why, BERTH_E_UNTRUSTED, "wifi-eap-server", "DPP 4.5.3",
				 "The configuration names no CA that the network's EAP server "
				 "could be checked against.");
	return err;
}

static const struct berth_cert *
find_own(const struct berth_cert_list *bag, const struct berth_dpp_wifi_key *key)
{
	for (size_t i = 0; key->key != NULL && i < bag->n; i++) {
		if (berth_key_equal(berth_cert_key(bag->at[i]), key->key))
			return bag->at[i];
	}
	return NULL;
}

static enum berth_err
write_pem(const struct berth_cert_list *path, struct berth_buf *chain, struct berth_buf *ca)
{
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; i + 1 < path->n && !err; i++)
		err = berth_cert_append_pem(path->at[i], chain);
	return err ? err : berth_cert_append_pem(path->at[path->n - 1], ca);
}

static enum berth_err
take_object(struct berth_pki *pki, const struct berth_dpp_object *object,
	    const struct berth_dpp_wifi_key *key, const struct berth_wall *now,
	    struct berth_wifi_certificate *ret, struct berth_why *why)
{
	BERTH_CERT_LIST bag = {0};
	BERTH_CERT_LIST anchors = {0};
	BERTH_CERT_LIST path = {0};

	if (object->server_name.n == 0)
		return berth_fail(
			why, BERTH_E_UNTRUSTED, "wifi-eap-server", "DPP 4.5.3",
			"The configuration does not name the network's EAP server "
			"(trustedEapServerName): every certificate of its CA would pass.");
	enum berth_err err = berth_cms_certs_parse(pki, object->cert_bag, &bag, why);
	err = err ? err : find_anchors(pki, object, &bag, &anchors, why);
	const struct berth_cert *own = find_own(&bag, key);
	if (!err && own == NULL)
		err = berth_fail(why, BERTH_E_MISMATCH, "wifi-certificate-key", "DPP 6.4.5",
				 "None of the certificates is for the key of this device's "
				 "request.");
	if (err)
		return err;
	const struct berth_path_check check = {
		.leaf = own,
		.untrusted = &bag,
		.anchors = &anchors,
		.at = now != NULL ? *now : (struct berth_wall){0},
		.ignore_time = now == NULL,
	};
	err = berth_path_verify(pki, &check, &path, why);
	if (err)
		return err;
	struct berth_bytes name = berth_cert_subject_common_name(own);
	name = name.n > 0 ? name : berth_cert_subject_serial_number(own);
	ret->key_path = key->path;
	err = berth_buf_append_bytes(&ret->identity, name.n > 0 ? name : BERTH_LIT("device"));
	err = err ? err : write_pem(&path, &ret->chain, &ret->ca);
	return err ? berth_fail(why, err, "wifi-profile", NULL,
				"The certificate does not fit into memory.")
		   : BERTH_OK;
}

enum berth_err
berth_dpp_certificate_take(struct berth_pki *pki, const struct berth_dpp_offer *offer,
			   const struct berth_dpp_wifi_key *key, const struct berth_wall *now,
			   struct berth_wifi_certificate *ret, struct berth_why *why)
{
	for (size_t i = 0; i < offer->count; i++) {
		if (offer->objects[i].akm == BERTH_DPP_AKM_DOT1X)
			return take_object(pki, &offer->objects[i], key, now, ret, why);
	}
	return BERTH_OK;
}

enum berth_err
berth_dpp_certificate_tidy(const char *folder, const char *keep, struct berth_why *why)
{
	char path[2 * BERTH_KEY_URI_MAX];
	char **names = NULL;
	size_t n = 0;
	enum berth_err err = berth_folder_names(folder, KEY_SUFFIX, KEYS_MAX, &names, &n, why);

	for (size_t i = 0; !err && i < n; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		if (strncmp(names[i], KEY_PREFIX, sizeof(KEY_PREFIX) - 1) == 0 &&
		    strcmp(path, keep) != 0)
			err = berth_file_remove(path, why);
	}
	berth_folder_names_free(names, n);
	return err;
}
