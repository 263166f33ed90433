/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/init.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/analyzer.h"
#include "base/hex.h"
#include "pki/issue.h"
#include "protocol/brski/masa_url.h"
#include "protocol/manifest/manifest.h"
#include "role/factory/masa_conf.h"
#include "system/files.h"

#define MARKER ".init-unfinished"
#define COMMON_NAME_MAX 64			/* ub-common-name, RFC 5280 A.1 */
#define SERVICE_YEARS_S ((int64_t)3653 * 86400) /* ten years: MASA and manifest certificates */
#define CLOCK_SKEW_S 300 /* machines on the line need not agree to the second */
#define UUID_ARC "2.25." /* ITU-T X.667: an arc for whoever draws a UUID */
#define UUID_BYTES 16
#define UUID_TEXT_MAX 40 /* 2^128 has 39 digits */

struct making {
	struct berth_pki *pki;
	const struct berth_factory_plan *plan;
	char directory[BERTH_FACTORY_PATH_MAX]; /* absolute */
	char keys[BERTH_FACTORY_PATH_MAX];
	char masa[BERTH_FACTORY_PATH_MAX];
	unsigned port; /* of the MASA */
	char id[BERTH_FACTORY_ID_MAX + 1];
	char hw_type[sizeof(UUID_ARC) + UUID_TEXT_MAX];
};

/* One authority or service. */
struct post {
	const char *name;   /* of its key */
	const char *suffix; /* of its common name: "Acme " ... */
	const char *unit;   /* OU, NULL: none */
	enum berth_cert_profile profile;
};

static const struct post root = {"root-ca", "Root CA", NULL, BERTH_PROFILE_ROOT_CA};
static const struct post issuing = {"device-ca", "Device CA", NULL, BERTH_PROFILE_ISSUING_CA};
static const struct post voucher_ca = {"voucher-ca", "Voucher CA", NULL, BERTH_PROFILE_ISSUING_CA};
static const struct post manifest = {"manifest", "Manifest Signer", BERTH_MANIFEST_SIGNER_UNIT,
				     BERTH_PROFILE_MANIFEST_SIGNER};
static const struct post masa_signer = {"voucher", "MASA", "masa", BERTH_PROFILE_MASA_SIGNER};
static const struct post masa_tls = {"tls", "MASA TLS", NULL, BERTH_PROFILE_SERVER};

struct issued {
	struct berth_key *key;
	struct berth_cert *cert;
};

static void
issued_end(struct issued *issued)
{
	berth_key_free(issued->key);
	berth_cert_free(issued->cert);
}

#define ISSUED BERTH_CLEANUP(issued_end) struct issued

static void
draw_serial(struct making *making, uint8_t serial[BERTH_CERT_SERIAL_BYTES])
{
	struct berth_random random = berth_pki_random(making->pki);
	berth_random_fill(&random, serial, BERTH_CERT_SERIAL_BYTES);
	/* never zero, never negative, always as long as it is (RFC 5280 4.1.2.2) */
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
}

/* A key that an interrupted run left is as good as a new one: nothing was issued under it that counts. */
static enum berth_err
make_key(struct making *making, const char *uri, struct berth_key **ret, struct berth_why *why)
{
	enum berth_err err = berth_keystore_generate(making->pki, uri, "P-256", ret, why);
	if (err == BERTH_E_EXISTS)
		return berth_keystore_load(making->pki, uri, ret, why);
	return err;
}

static bool
is_service(enum berth_cert_profile profile)
{
	return profile != BERTH_PROFILE_ROOT_CA && profile != BERTH_PROFILE_ISSUING_CA;
}

/* above NULL: signed by itself. */
static enum berth_err
issue(struct making *making, const struct post *post, const char *uri, const struct issued *above,
      struct issued *ret, struct berth_why *why)
{
	const struct berth_factory_plan *plan = making->plan;
	char common_name[COMMON_NAME_MAX + 1];
	snprintf(common_name, sizeof(common_name), "%.*s %s",
		 (int)(COMMON_NAME_MAX - strlen(post->suffix) - 1), plan->conf.name, post->suffix);
	enum berth_err err = make_key(making, uri, &ret->key, why);
	if (err)
		return err;
	struct berth_cert_template fields = {
		.profile = post->profile,
		.not_before = {plan->now.s - CLOCK_SKEW_S},
		.not_after = is_service(post->profile)
				     ? (struct berth_wall){plan->now.s + SERVICE_YEARS_S}
				     : BERTH_WALL_NO_EXPIRY,
		.common_name = berth_text(common_name),
		.organization = berth_text(plan->conf.name),
		.unit = berth_text(post->unit),
		.key = ret->key,
	};
	if (post->profile == BERTH_PROFILE_SERVER) {
		fields.dns_names = plan->masa_hosts;
		fields.dns_name_count = plan->masa_host_count;
	}
	BERTH_BUF der = {0};
	draw_serial(making, fields.serial);
	err = berth_issue(making->pki, &fields, above ? above->cert : NULL,
			  above ? above->key : ret->key, &der, why);
	return err ? err : berth_cert_parse(making->pki, berth_buf_view(&der), &ret->cert, why);
}

static enum berth_err
write_chain(const char *folder, const char *name, const struct berth_cert *cert,
	    const struct berth_cert *above, struct berth_why *why)
{
	char path[BERTH_FACTORY_PATH_MAX];
	BERTH_BUF pem = {0};
	enum berth_err err = berth_factory_path(folder, name, path, why);
	if (err)
		return err;
	err = berth_cert_append_pem(cert, &pem);
	if (!err && above)
		err = berth_cert_append_pem(above, &pem);
	if (err)
		return berth_fail(why, err, "factory-memory", NULL, "out of memory");
	return berth_file_write(path, berth_buf_view(&pem), 0644, why);
}

/* One of the factory's own certificates, NAME.pem. */
static enum berth_err
make_authority(struct making *making, const struct post *post, const struct issued *above,
	       struct issued *ret, struct berth_why *why)
{
	char uri[BERTH_KEY_URI_MAX];
	char file[64];
	snprintf(file, sizeof(file), "%s.pem", post->name);
	enum berth_err err =
		berth_factory_own_key_uri(&making->plan->conf, making->keys, post->name, uri, why);
	if (!err)
		err = issue(making, post, uri, above, ret, why);
	return err ? err : write_chain(making->directory, file, ret->cert, NULL, why);
}

/* Voucher certificate and TLS certificate with their chains, and the configuration that names them. */
static enum berth_err
make_masa(struct making *making, const struct issued *root_made, const struct issued *voucher_made,
	  struct berth_why *why)
{
	const struct berth_factory_conf *conf = &making->plan->conf;
	char voucher_uri[BERTH_KEY_URI_MAX];
	char tls_uri[BERTH_KEY_URI_MAX];
	char path[BERTH_FACTORY_PATH_MAX];
	BERTH_BUF text = {0};
	ISSUED signer = {0};
	ISSUED tls = {0};
	enum berth_err err =
		berth_factory_own_key_uri(conf, making->masa, "voucher", voucher_uri, why);
	if (!err)
		err = berth_factory_key_uri("file", making->masa, "tls", tls_uri, why);
	if (!err)
		err = issue(making, &masa_signer, voucher_uri, voucher_made, &signer, why);
	/* issue() may be told of nobody above; here there is somebody. */
	BERTH_ANALYZER_TRUST_POINTER
	if (!err)
		err = write_chain(making->masa, "voucher.pem", signer.cert, voucher_made->cert,
				  why);
	BERTH_ANALYZER_END
	if (!err)
		err = issue(making, &masa_tls, tls_uri, root_made, &tls, why);
	if (!err)
		err = write_chain(making->masa, "tls.pem", tls.cert, NULL, why);
	if (!err)
		err = write_chain(making->masa, "manufacturer.pem", root_made->cert, NULL, why);
	if (!err)
		err = berth_masa_conf_write(
			&(struct berth_masa_conf_facts){
				strcmp(conf->keys, "file") == 0 ? "file:voucher.key" : voucher_uri,
				"file:tls.key", making->port},
			&text, why);
	if (!err)
		err = berth_factory_path(making->masa, "masa.conf", path, why);
	return err ? err : berth_file_write(path, berth_buf_view(&text), 0644, why);
}

static enum berth_err
make_all(struct making *making, struct berth_why *why)
{
	ISSUED root_made = {0};
	ISSUED issuing_made = {0};
	ISSUED voucher_made = {0};
	ISSUED manifest_made = {0};
	enum berth_err err = make_authority(making, &root, NULL, &root_made, why);
	if (!err)
		err = make_authority(making, &issuing, &root_made, &issuing_made, why);
	if (!err)
		err = make_authority(making, &voucher_ca, &root_made, &voucher_made, why);
	if (!err)
		err = make_authority(making, &manifest, &root_made, &manifest_made, why);
	return err ? err : make_masa(making, &root_made, &voucher_made, why);
}

static enum berth_err
refuse_occupied(const char *directory, struct berth_why *why)
{
	DIR *folder = opendir(directory);
	if (!folder)
		return berth_fail(why, BERTH_E_IO, "factory-folder", NULL, "%s: %s", directory,
				  strerror(errno));
	bool is_unfinished = false;
	bool is_initialised = false;
	bool is_empty = true;
	for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		const char *name = entry->d_name;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		is_empty = false;
		is_unfinished = is_unfinished || strcmp(name, MARKER) == 0;
		is_initialised = is_initialised || strcmp(name, "factory.conf") == 0;
	}
	closedir(folder);
	if (is_initialised)
		return berth_fail(why, BERTH_E_EXISTS, "factory-initialised", NULL,
				  "a factory is there already; go on with `berth factory make`, or "
				  "choose another --dir");
	if (!is_empty && !is_unfinished)
		return berth_fail(why, BERTH_E_EXISTS, "factory-folder-occupied", NULL,
				  "the folder holds other files; choose an empty one");
	return BERTH_OK;
}

/* A UUID as an OID arc of one's own: a manufacturer needs no registration to have one. */
static void
draw_hw_type(struct making *making)
{
	uint8_t uuid[UUID_BYTES];
	char digits[UUID_TEXT_MAX];
	size_t n = 0;
	struct berth_random random = berth_pki_random(making->pki);
	berth_random_fill(&random, uuid, sizeof(uuid));
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40); /* RFC 4122 4.4 */
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	bool is_zero = false;
	while (!is_zero && n < sizeof(digits)) {
		unsigned rest = 0;
		is_zero = true;
		for (size_t i = 0; i < sizeof(uuid); i++) {
			rest = rest << 8 | uuid[i];
			uuid[i] = (uint8_t)(rest / 10);
			rest %= 10;
			is_zero = is_zero && uuid[i] == 0;
		}
		digits[n++] = (char)('0' + rest);
	}
	size_t at = (size_t)snprintf(making->hw_type, sizeof(making->hw_type), UUID_ARC);
	while (n > 0)
		making->hw_type[at++] = digits[--n];
	making->hw_type[at] = '\0';
}

/* The id is durable before the first key has it in its name; a second attempt takes the same. */
static enum berth_err
mark(struct making *making, const char *marker, struct berth_why *why)
{
	BERTH_BUF text = {0};
	enum berth_err err = berth_file_read(marker, BERTH_FACTORY_ID_MAX, &text, why);
	if (!err && text.n == BERTH_FACTORY_ID_MAX) {
		memcpy(making->id, text.p, text.n);
		making->id[text.n] = '\0';
		return BERTH_OK;
	}
	if (err && err != BERTH_E_NOT_FOUND)
		return err;
	uint8_t id[BERTH_FACTORY_ID_MAX / 2];
	struct berth_random random = berth_pki_random(making->pki);
	berth_random_fill(&random, id, sizeof(id));
	berth_hex_text(berth_bytes_of(id, sizeof(id)), making->id, sizeof(making->id));
	return berth_file_write(marker, berth_text(making->id), 0644, why);
}

static enum berth_err
make_folders(struct making *making, struct berth_why *why)
{
	const char *directory = making->plan->directory;
	char marker[BERTH_FACTORY_PATH_MAX];
	char state[BERTH_FACTORY_PATH_MAX];
	enum berth_err err = berth_folder_make(directory, 0755, why);
	if (err)
		return err;
	char *absolute = realpath(directory, NULL);
	if (!absolute)
		return berth_fail(why, BERTH_E_IO, "factory-folder", NULL, "%s: %s", directory,
				  strerror(errno));
	int n = snprintf(making->directory, sizeof(making->directory), "%s", absolute);
	free(absolute);
	if (n < 0 || n >= BERTH_FACTORY_PATH_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "factory-path", NULL, "the path is too long");
	err = refuse_occupied(making->directory, why);
	if (!err)
		err = berth_factory_path(making->directory, MARKER, marker, why);
	if (!err)
		err = mark(making, marker, why);
	if (!err)
		err = berth_factory_path(making->directory, "keys", making->keys, why);
	if (!err)
		err = berth_folder_make(making->keys, 0700, why);
	if (!err)
		err = berth_factory_path(making->directory, "masa", making->masa, why);
	if (!err)
		err = berth_folder_make(making->masa, 0700, why);
	if (!err)
		err = berth_factory_path(making->masa, "state", state, why);
	return err ? err : berth_folder_make(state, 0700, why);
}

/* factory.conf is what makes it a factory. */
static enum berth_err
finish(struct making *making, struct berth_bytes conf, struct berth_why *why)
{
	char path[BERTH_FACTORY_PATH_MAX];
	enum berth_err err = berth_factory_path(making->directory, "factory.conf", path, why);
	if (!err)
		err = berth_file_write(path, conf, 0644, why);
	if (!err)
		err = berth_factory_path(making->directory, MARKER, path, why);
	return err ? err : berth_file_remove(path, why);
}

static enum berth_err
check_plan(const struct berth_factory_plan *plan, struct berth_masa_url *url, struct berth_why *why)
{
	struct berth_bytes name = berth_text(plan->conf.name);
	if (name.n == 0 || name.n > BERTH_FACTORY_NAME_MAX || !berth_bytes_is_utf8(name))
		return berth_fail(why, BERTH_E_USAGE, "factory-name", "RFC 5280 A.1",
				  "the name has %zu bytes; 1 to %d of UTF-8 fit a certificate",
				  name.n, BERTH_FACTORY_NAME_MAX);
	if (strcmp(plan->conf.keys, "file") != 0 && strncmp(plan->conf.keys, "pkcs11:", 7) != 0 &&
	    !berth_factory_keys_are_tpm(plan->conf.keys))
		return berth_fail(
			why, BERTH_E_USAGE, "factory-keys", NULL,
			"keys are kept in \"file\", \"tpm\" or at a \"pkcs11:\" URI, not at "
			"%.80s",
			plan->conf.keys);
	struct berth_why cause = {0};
	if (berth_masa_url_parse(berth_text(plan->conf.masa_url), url, &cause))
		return berth_fail(why, BERTH_E_USAGE, "factory-masa-url", "RFC 8995 2.3.2", "%s",
				  cause.sentence);
	return BERTH_OK;
}

static bool
is_address(const char *host)
{
	return strchr(host, ':') || strspn(host, "0123456789.") == strlen(host);
}

enum berth_err
berth_factory_init(struct berth_pki *pki, const struct berth_factory_plan *plan,
		   struct berth_why *why)
{
	struct berth_masa_url url = {0};
	struct berth_factory_plan whole = *plan;
	struct making making = {.pki = pki, .plan = &whole};
	BERTH_BUF conf = {0};
	enum berth_err err = check_plan(plan, &url, why);
	if (err)
		return err;
	if (whole.masa_host_count == 0 && is_address(url.host))
		return berth_fail(
			why, BERTH_E_USAGE, "factory-masa-host", "RFC 9525 6.1",
			"the MASA's certificate needs a DNS name and %s is an address; add "
			"--masa-host",
			url.host);
	if (whole.masa_host_count == 0)
		whole.masa_hosts[whole.masa_host_count++] = berth_text(url.host);
	making.port = url.port;
	if (!whole.conf.hw_type) {
		draw_hw_type(&making);
		whole.conf.hw_type = making.hw_type;
	}
	/* Judged before a folder is made; written with the id that the folder has. */
	whole.conf.id = making.id;
	memset(making.id, '0', BERTH_FACTORY_ID_MAX);
	err = berth_factory_conf_write(&whole.conf, &conf, why);
	if (!err)
		err = make_folders(&making, why);
	if (!err)
		err = make_all(&making, why);
	berth_buf_clear(&conf);
	if (!err)
		err = berth_factory_conf_write(&whole.conf, &conf, why);
	return err ? err : finish(&making, berth_buf_view(&conf), why);
}
