/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/conf.h"
#include "pki/request.h"
#include "protocol/manifest/manifest.h"
#include "role/factory/request_file.h"
#include "system/files.h"

#define URL_SCHEME "https://"

enum berth_err
berth_unit_part_path(const char *out, struct berth_bytes serial, char path[BERTH_FACTORY_PATH_MAX],
		     struct berth_why *why)
{
	char name[BERTH_UNIT_FOLDER_MAX];
	char part[BERTH_UNIT_FOLDER_MAX + 8];
	snprintf(part, sizeof(part), ".%s.part", berth_unit_folder(serial, name));
	return berth_factory_path(out, part, path, why);
}

enum berth_err
berth_unit_final_path(const char *out, struct berth_bytes serial, char path[BERTH_FACTORY_PATH_MAX],
		      struct berth_why *why)
{
	char name[BERTH_UNIT_FOLDER_MAX];
	return berth_factory_path(out, berth_unit_folder(serial, name), path, why);
}

static enum berth_err
fail_errno(struct berth_why *why, const char *path, const char *what)
{
	return berth_fail(why, BERTH_E_IO, "unit-folder", NULL, "%s: cannot %s: %s", path, what,
			  strerror(errno));
}

enum berth_err
berth_unit_discard(const char *path, struct berth_why *why)
{
	DIR *folder = opendir(path);
	if (!folder)
		return errno == ENOENT ? BERTH_OK : fail_errno(why, path, "open");
	enum berth_err err = BERTH_OK;
	for (const struct dirent *entry = readdir(folder); entry && !err; entry = readdir(folder)) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(folder), entry->d_name, 0) != 0)
			err = fail_errno(why, path, "empty");
	}
	closedir(folder);
	if (!err && rmdir(path) != 0)
		err = fail_errno(why, path, "remove");
	return err;
}

/* Not synced: thousands of units a minute cannot wait for the disk one by one. */
static enum berth_err
write_file(const char *folder, const char *name, struct berth_bytes content, struct berth_why *why)
{
	char path[BERTH_FACTORY_PATH_MAX];
	enum berth_err err = berth_factory_path(folder, name, path, why);
	if (err)
		return err;
	BERTH_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail_errno(why, path, "make");
	ssize_t n = write(fd, content.p, content.n);
	if (n < 0 || (size_t)n != content.n)
		return fail_errno(why, path, "write");
	return BERTH_OK;
}

/* ---- the row ---- */

static enum berth_err
check_url(struct berth_bytes url, struct berth_why *why)
{
	if (url.n == 0)
		return BERTH_OK;
	if (url.n > BERTH_MANIFEST_URL_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "unit-mud-url", "RFC 8520 11",
				  "the MUD URL has %zu bytes, at most %d are allowed", url.n,
				  BERTH_MANIFEST_URL_MAX);
	if (!berth_bytes_starts_with(url, URL_SCHEME) || !berth_bytes_is_printable(url) ||
	    memchr(url.p, ' ', url.n))
		return berth_fail(why, BERTH_E_SYNTAX, "unit-mud-url", "RFC 8520 3",
				  "the MUD URL does not begin with " URL_SCHEME
				  " or holds characters that no URL has");
	return BERTH_OK;
}

enum berth_err
berth_unit_check(const struct berth_factory *factory, const struct berth_unit *unit,
		 struct berth_why *why)
{
	BERTH_BUF subject = {0};
	enum berth_err err =
		berth_unit_subject_serial((enum berth_subject_form)factory->conf.subject_form,
					  unit->model, unit->serial, &subject, why);
	if (!err && unit->model.n > BERTH_MANIFEST_TEXT_MAX)
		err = berth_fail(why, BERTH_E_LIMIT, "unit-model-length", NULL,
				 "the model has %zu bytes, at most %d are allowed", unit->model.n,
				 BERTH_MANIFEST_TEXT_MAX);
	if (!err)
		err = check_url(unit->mud_url, why);
	if (!err && unit->key && strlen(unit->key) >= BERTH_KEY_URI_MAX)
		err = berth_fail(why, BERTH_E_LIMIT, "key-uri-length", NULL,
				 "the key's URI is longer than %d bytes", BERTH_KEY_URI_MAX - 1);
	return err;
}

/* ---- the key ---- */

/* What a unit's key is, and by which name the device finds it. */
struct unit_key {
	struct berth_key *key;
	struct berth_request *request; /* it came in this */
	char made[BERTH_KEY_URI_MAX];  /* where it was made; "": not here */
	char final[BERTH_KEY_URI_MAX]; /* for device.conf; "": only the device knows */
	const char *storage;
};

static void
unit_key_end(struct unit_key *key)
{
	berth_key_free(key->key);
	berth_request_free(key->request);
}

#define UNIT_KEY BERTH_CLEANUP(unit_key_end) struct unit_key

static enum berth_err
take_request(const struct berth_line *line, const struct berth_unit *unit, struct unit_key *ret,
	     struct berth_why *why)
{
	BERTH_BUF der = {0};
	enum berth_err err = berth_request_file_read(unit->csr, &der, why);
	if (err)
		return err;
	struct berth_why cause = {0};
	err = berth_request_parse(line->pki, berth_buf_view(&der), &ret->request, &cause);
	if (err == BERTH_E_SIGNATURE)
		return berth_fail(
			why, err, "unit-proof-of-possession", "RFC 2986 4.2",
			"the request's proof of possession fails: it is not signed by the "
			"key it names; make it anew on the unit");
	if (err)
		return berth_fail(why, err, cause.rule, cause.section, "the request: %s",
				  cause.sentence);
	struct berth_bytes named = berth_request_subject_serial_number(ret->request);
	if (named.n > 0 && !berth_bytes_equal(named, unit->serial))
		return berth_fail(why, BERTH_E_MISMATCH, "unit-request-serial", NULL,
				  "the request names serial number %.*s, not this unit",
				  (int)(named.n < 64 ? named.n : 64), (const char *)named.p);
	ret->key = berth_key_ref(berth_request_key(ret->request));
	ret->storage = "unknown";
	if (unit->key)
		snprintf(ret->final, sizeof(ret->final), "%s", unit->key);
	return BERTH_OK;
}

/* Where the key is made and where it will be. */
static enum berth_err
name_key(const struct berth_line *line, const struct berth_unit *unit, const char *part,
	 struct unit_key *ret, struct berth_why *why)
{
	char name[BERTH_UNIT_SERIAL_MAX + 1];
	if (unit->key && strncmp(unit->key, "file:", 5) == 0 && unit->key[5] != '/')
		return berth_fail(
			why, BERTH_E_USAGE, "unit-key-path", NULL,
			"%.80s: a path in device.conf begins at the unit's folder, here at "
			"the working directory; write the whole path",
			unit->key);
	if (unit->key) {
		snprintf(ret->made, sizeof(ret->made), "%s", unit->key);
		snprintf(ret->final, sizeof(ret->final), "%s", unit->key);
		return BERTH_OK;
	}
	if (strncmp(line->keys, "tpm", 3) == 0)
		return berth_fail(
			why, BERTH_E_USAGE, "unit-key-tpm", NULL,
			"every unit has a TPM of its own: name it in the list's key column, "
			"tpm:handle=...;tcti=..., or make the key in the unit and give its "
			"request");
	bool is_file = strcmp(line->keys, "file") == 0;
	snprintf(name, sizeof(name), "%.*s", (int)unit->serial.n, (const char *)unit->serial.p);
	const char *object = is_file ? "idevid" : name;
	enum berth_err err = berth_factory_key_uri(line->keys, part, object, ret->made, why);
	if (!err)
		snprintf(ret->final, sizeof(ret->final), "%s",
			 is_file ? "file:idevid.key" : ret->made);
	return err;
}

static enum berth_err
make_key(const struct berth_line *line, const struct berth_unit *unit,
	 const struct berth_birth *birth, const char *part, struct unit_key *ret,
	 struct berth_why *why)
{
	enum berth_storage_class storage = BERTH_STORAGE_FILE;
	enum berth_err err = name_key(line, unit, part, ret, why);
	if (!err)
		err = berth_keystore_storage(ret->made, &storage, why);
	if (err)
		return err;
	ret->storage = berth_storage_class_name(storage);
	/* in the unit's own folder it is synced with it, before the unit counts as made */
	err = unit->key ? berth_keystore_generate(line->pki, ret->made, "P-256", &ret->key, why)
			: berth_keystore_generate_unsynced(line->pki, ret->made, "P-256", &ret->key,
							   why);
	/* An attempt that was cut off left it; or, where the row names it, the token came with it. */
	if (err == BERTH_E_EXISTS && (birth->is_retry || unit->key))
		err = berth_keystore_load(line->pki, ret->made, &ret->key, why);
	return err;
}

/* ---- certificate and files ---- */

/* req: rfc8995-2.3.1-idevid, rfc8995-9.1.3-device */
static enum berth_err
issue(const struct berth_line *line, const struct berth_unit *unit, const struct berth_birth *birth,
      const struct berth_key *key, struct berth_buf *pem, struct berth_why *why)
{
	const struct berth_factory_conf *conf = &line->factory->conf;
	BERTH_BUF subject = {0};
	BERTH_BUF der = {0};
	BERTH_CERT *cert = NULL;
	enum berth_err err = berth_unit_subject_serial((enum berth_subject_form)conf->subject_form,
						       unit->model, unit->serial, &subject, why);
	if (err)
		return err;
	struct berth_cert_template fields = {
		.profile = BERTH_PROFILE_IDEVID,
		.not_before = birth->now,
		.not_after = BERTH_WALL_NO_EXPIRY,
		.serial_number = berth_buf_view(&subject),
		.organization = berth_text(conf->name),
		.masa_url = berth_text(conf->masa_url),
		.mud_url = unit->mud_url,
		.hw_type = unit->hw_type ? unit->hw_type : conf->hw_type,
		.hw_serial = unit->serial,
		.key = key,
	};
	memcpy(fields.serial, birth->certificate_serial, BERTH_CERT_SERIAL_BYTES);
	err = berth_issue(line->pki, &fields, line->issuing, line->issuing_key, &der, why);
	if (!err)
		err = berth_cert_parse(line->pki, berth_buf_view(&der), &cert, why);
	if (err)
		return err;
	err = berth_cert_append_pem(cert, pem);
	if (!err)
		err = berth_cert_append_pem(line->issuing, pem);
	return err ? berth_fail(why, err, "unit-memory", NULL, "out of memory") : BERTH_OK;
}

/* libinih cuts longer lines: better no unit than one that does not start. */
static enum berth_err
put_line(struct berth_buf *conf, const char *key, const char *value, struct berth_why *why)
{
	size_t at = conf->n;
	enum berth_err err = berth_buf_printf(conf, "%s = %s\n", key, value);
	if (err)
		return berth_fail(why, err, "unit-memory", NULL, "out of memory");
	if (conf->n - at > BERTH_CONF_LINE_MAX)
		return berth_fail(
			why, BERTH_E_LIMIT, "unit-path-length", NULL,
			"%s = %.60s... is too long for device.conf; use a shorter key URI", key,
			value);
	return BERTH_OK;
}

static enum berth_err
build_conf(const struct unit_key *key, struct berth_buf *conf, struct berth_why *why)
{
	enum berth_err err = berth_buf_append_text(
		conf, "# made by berth factory make; see berth-device(8)\n[device]\n");
	if (err)
		return berth_fail(why, err, "unit-memory", NULL, "out of memory");
	err = put_line(conf, "idevid-certificates", "idevid.pem", why);
	if (!err && key->final[0])
		err = put_line(conf, "idevid-key", key->final, why);
	if (!err && !key->final[0])
		err = put_line(conf, "# the key is in the unit: idevid-key", "...", why);
	if (!err)
		err = put_line(conf, "manufacturer-anchors", "manufacturer-anchors.pem", why);
	return err ? err : put_line(conf, "state-directory", "state", why);
}

static enum berth_err
write_files(const struct berth_line *line, const char *part, const struct unit_key *key,
	    struct berth_bytes pem, struct berth_why *why)
{
	BERTH_BUF conf = {0};
	enum berth_err err = build_conf(key, &conf, why);
	if (!err)
		err = write_file(part, "idevid.pem", pem, why);
	if (!err)
		err = write_file(part, "manufacturer-anchors.pem", berth_buf_view(&line->anchors),
				 why);
	return err ? err : write_file(part, "device.conf", berth_buf_view(&conf), why);
}

static enum berth_err
make_part(const struct berth_line *line, const struct berth_unit *unit,
	  const struct berth_birth *birth, const char *part, struct berth_born *ret,
	  struct berth_why *why)
{
	UNIT_KEY key = {0};
	BERTH_BUF pem = {0};
	struct berth_born born = {0};
	if (mkdir(part, 0700) != 0)
		return fail_errno(why, part, "make");
	enum berth_err err = unit->csr ? take_request(line, unit, &key, why)
				       : make_key(line, unit, birth, part, &key, why);
	if (!err)
		err = issue(line, unit, birth, key.key, &pem, why);
	if (!err)
		err = write_files(line, part, &key, berth_buf_view(&pem), why);
	if (!err && berth_sha256(line->pki, berth_key_spki(key.key), born.key_sha256))
		err = berth_fail(why, BERTH_E_CRYPTO, "unit-hash", NULL, "SHA-256 failed");
	if (err)
		return err;
	born.storage = key.storage;
	*ret = born;
	return BERTH_OK;
}

enum berth_err
berth_unit_make(const struct berth_line *line, const struct berth_unit *unit,
		const struct berth_birth *birth, struct berth_born *ret, struct berth_why *why)
{
	char part[BERTH_FACTORY_PATH_MAX];
	enum berth_err err = berth_unit_part_path(line->out, unit->serial, part, why);
	if (!err)
		err = berth_unit_discard(part, why);
	if (err)
		return err;
	err = make_part(line, unit, birth, part, ret, why);
	if (err)
		berth_ignore(berth_unit_discard(part, NULL), "the next attempt discards it too");
	return err;
}

enum berth_err
berth_line_open(const struct berth_factory *factory, const char *out, const char *keys,
		struct berth_line *ret, struct berth_why *why)
{
	char path[BERTH_FACTORY_PATH_MAX];
	*ret = (struct berth_line){.factory = factory, .out = out, .keys = keys};
	enum berth_err err = berth_pki_open(&ret->pki, why);
	if (!err)
		err = berth_factory_key(ret->pki, factory, "device-ca", &ret->issuing_key, why);
	if (!err)
		err = berth_factory_certificate(ret->pki, factory, "device-ca", &ret->issuing, why);
	if (!err)
		err = berth_factory_path(factory->directory, "voucher-ca.pem", path, why);
	if (!err)
		err = berth_file_read(path, BERTH_FACTORY_CERTIFICATES_MAX, &ret->anchors, why);
	if (err)
		berth_line_close(ret);
	return err;
}

void
berth_line_close(struct berth_line *line)
{
	berth_key_freep(&line->issuing_key);
	berth_cert_freep(&line->issuing);
	berth_buf_free(&line->anchors);
	berth_pki_closep(&line->pki);
}
