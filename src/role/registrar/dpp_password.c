/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/dpp_password.h"

#include "base/base64.h"
#include "pki/hkdf.h"
#include "system/files.h"

static const struct berth_dpp_password_file *
find(const struct berth_dpp_passwords *passwords, const char *path)
{
	for (size_t i = 0; i < passwords->count; i++) {
		if (strcmp(passwords->files[i].path, path) == 0)
			return &passwords->files[i];
	}
	return NULL;
}

static enum berth_err
load_one(const char *path, struct berth_dpp_password_file *ret, struct berth_why *why)
{
	BERTH_BUF text = {0};
	enum berth_err err = berth_file_read_private(path, BERTH_DPP_PASSWORD_FILE_MAX, &text, why);

	if (err)
		return err;
	struct berth_bytes line = berth_buf_view(&text);
	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	if (line.n < BERTH_DPP_PASSWORD_MIN)
		err = berth_fail(why, BERTH_E_USAGE, "dpp-password-file", NULL,
				 "%.150s holds fewer than %d characters", path,
				 BERTH_DPP_PASSWORD_MIN);
	err = err ? err : berth_secret_copy(&ret->octets, line);
	if (text.p != NULL)
		berth_wipe(text.p, text.n);
	if (!err)
		ret->path = path;
	return err;
}

enum berth_err
berth_dpp_passwords_load(const struct berth_policy *policy, struct berth_dpp_passwords *ret,
			 struct berth_why *why)
{
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; !err && i < berth_policy_rule_count(policy); i++) {
		const char *path = berth_policy_password_file(policy, i);
		if (path == NULL || find(ret, path) != NULL)
			continue;
		err = load_one(path, &ret->files[ret->count], why);
		ret->count += !err;
	}
	return err;
}

void
berth_dpp_passwords_free(struct berth_dpp_passwords *passwords)
{
	for (size_t i = 0; i < passwords->count; i++)
		berth_secret_free(&passwords->files[i].octets);
	passwords->count = 0;
}

static enum berth_err
make_own(struct berth_pki *pki, const struct berth_secret *seed, const uint8_t key_hash[32],
	 struct berth_dpp_password *ret, struct berth_why *why)
{
	const struct berth_bytes parts[] = {
		BERTH_LIT("berth dpp password"),
		berth_bytes_of(key_hash, 32),
	};
	uint8_t mac[BERTH_HASH_MAX];
	BERTH_BUF text = {0};

	if (seed->n < BERTH_DPP_PASSWORD_SEED_MIN)
		return berth_fail(why, BERTH_E_USAGE, "dpp-password", NULL,
				  "the password file of a rule with dpp.password = device holds "
				  "fewer than %d octets",
				  BERTH_DPP_PASSWORD_SEED_MIN);
	enum berth_err err = berth_hmac(pki, 32, berth_bytes_of(seed->p, seed->n), parts, 2, mac);
	err = err ? err : berth_base64url_encode(berth_bytes_of(mac, 32), &text);
	if (!err) {
		memcpy(ret->text, text.p, BERTH_DPP_PASSWORD_CHARS);
		ret->text[BERTH_DPP_PASSWORD_CHARS] = '\0';
	}
	berth_wipe(mac, sizeof(mac));
	if (text.p != NULL)
		berth_wipe(text.p, text.n);
	return err ? berth_fail(why, err, "dpp-password", NULL, "a password could not be made")
		   : BERTH_OK;
}

enum berth_err
berth_dpp_password_of(struct berth_pki *pki, const struct berth_dpp_passwords *passwords,
		      const struct berth_policy_network *network, const uint8_t key_hash[32],
		      struct berth_dpp_password *ret, struct berth_why *why)
{
	const struct berth_dpp_password_file *file =
		network->password_file == NULL ? NULL : find(passwords, network->password_file);

	if (file == NULL)
		return berth_fail(why, BERTH_E_USAGE, "dpp-password", NULL,
				  "the policy's rule names no password file");
	if (network->password == BERTH_POLICY_PASSWORD_DEVICE)
		return make_own(pki, &file->octets, key_hash, ret, why);
	if (file->octets.n > BERTH_DPP_PASSWORD_MAX)
		return berth_fail(why, BERTH_E_USAGE, "dpp-password", NULL,
				  "%.150s holds more than the %d characters of a password",
				  file->path, BERTH_DPP_PASSWORD_MAX);
	memcpy(ret->text, file->octets.p, file->octets.n);
	ret->text[file->octets.n] = '\0';
	return BERTH_OK;
}
