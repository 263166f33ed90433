/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/folder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "system/files.h"

static const char *const subject_forms[] = {"serial", "product-serial", NULL};

#define KEY(field, key, kind, ...)                                                                 \
	{                                                                                          \
		.name = key, .type = kind, .offset = offsetof(struct berth_factory_conf, field),   \
		__VA_ARGS__                                                                        \
	}
static const struct berth_conf_key factory_keys[] = {
	KEY(name, "name", BERTH_CONF_TEXT, .is_required = true,
	    .help = "The manufacturer, as the O of every certificate."),
	KEY(masa_url, "masa-url", BERTH_CONF_TEXT, .is_required = true,
	    .help = "Where the MASA is, as IDevIDs say it (RFC 8995 2.3.2)."),
	KEY(subject_form, "subject-form", BERTH_CONF_CHOICE, .fallback = "serial",
	    .choices = subject_forms, .help = "What the subject's serialNumber says."),
	KEY(hw_type, "hw-type", BERTH_CONF_TEXT, .is_required = true,
	    .help = "OID of the hardwareModuleName of units whose row has none."),
	KEY(id, "id", BERTH_CONF_TEXT, .is_required = true,
	    .help = "In front of the names of the factory's keys in a token."),
	KEY(keys, "keys", BERTH_CONF_TEXT, .fallback = "file",
	    .help = "Where the factory's keys are: file, a pkcs11: URI without object, tpm, or "
		    "tpm:tcti=TCTI."),
};
static const struct berth_conf_section sections[] = {
	{.name = "factory",
	 .keys = factory_keys,
	 .key_count = sizeof(factory_keys) / sizeof(factory_keys[0]),
	 .is_required = true,
	 .help = "What berth factory init was told."},
};
static const struct berth_conf_schema schema = {sections, 1};

enum berth_err
berth_factory_path(const char *directory, const char *name, char path[BERTH_FACTORY_PATH_MAX],
		   struct berth_why *why)
{
	int n = snprintf(path, BERTH_FACTORY_PATH_MAX, "%s/%s", directory, name);
	if (n < 0 || n >= BERTH_FACTORY_PATH_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "factory-path", NULL,
				  "a path is longer than %d bytes", BERTH_FACTORY_PATH_MAX - 1);
	return BERTH_OK;
}

static enum berth_err
parse_conf(const char *path, struct berth_bytes text, struct berth_conf *memory,
	   struct berth_factory_conf *ret, struct berth_why *why)
{
	const struct berth_conf_text one = {path, text};
	return berth_conf_parse(&schema, &one, 1, memory, ret, why);
}

static enum berth_err
resolve(const char *directory, char absolute[BERTH_FACTORY_PATH_MAX], struct berth_why *why)
{
	char *path = realpath(directory, NULL);
	if (!path)
		return berth_fail(why, errno == ENOENT ? BERTH_E_NOT_FOUND : BERTH_E_IO,
				  "factory-folder", NULL, "%s: %s", directory, strerror(errno));
	int n = snprintf(absolute, BERTH_FACTORY_PATH_MAX, "%s", path);
	free(path);
	if (n < 0 || n >= BERTH_FACTORY_PATH_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "factory-path", NULL, "the path is too long");
	return BERTH_OK;
}

enum berth_err
berth_factory_open(const char *directory, struct berth_factory *ret, struct berth_why *why)
{
	char path[BERTH_FACTORY_PATH_MAX];
	BERTH_BUF text = {0};
	memset(ret, 0, sizeof(*ret));
	enum berth_err err = resolve(directory, ret->directory, why);
	if (!err)
		err = berth_factory_path(ret->directory, "factory.conf", path, why);
	if (!err)
		err = berth_file_read(path, BERTH_FACTORY_CONF_MAX, &text, why);
	if (err == BERTH_E_NOT_FOUND)
		return berth_fail(why, err, "factory-not-initialised", NULL,
				  "no factory there; make one with `berth factory init --dir %s`",
				  directory);
	if (!err)
		err = parse_conf(path, berth_buf_view(&text), &ret->memory, &ret->conf, why);
	if (err)
		berth_factory_close(ret);
	return err;
}

void
berth_factory_close(struct berth_factory *factory)
{
	berth_conf_free(&factory->memory);
}

/* What was written is read again: a name that the file cannot carry is refused, not bent. */
static enum berth_err
check_written(const struct berth_factory_conf *conf, struct berth_bytes text, struct berth_why *why)
{
	struct berth_factory_conf back = {0};
	struct berth_why cause = {0};
	BERTH_CONF memory = {0};
	enum berth_err err = parse_conf("factory.conf", text, &memory, &back, &cause);
	if (err)
		return berth_fail(why, BERTH_E_USAGE, "factory-conf-value", NULL,
				  "a value cannot stand in a configuration file: %s",
				  cause.sentence);
	if (strcmp(conf->name, back.name) != 0 || strcmp(conf->masa_url, back.masa_url) != 0 ||
	    strcmp(conf->hw_type, back.hw_type) != 0 || strcmp(conf->keys, back.keys) != 0)
		return berth_fail(
			why, BERTH_E_USAGE, "factory-conf-value", NULL,
			"name, MASA URL, hardware type or key URI holds ' ;', a line end or "
			"blanks at its ends; choose another");
	return BERTH_OK;
}

enum berth_err
berth_factory_conf_write(const struct berth_factory_conf *conf, struct berth_buf *out,
			 struct berth_why *why)
{
	size_t at = out->n;
	enum berth_err err =
		berth_buf_printf(out,
				 "# made by berth factory init; see berth-factory(1)\n"
				 "[factory]\nname = %s\nmasa-url = %s\nsubject-form = %s\nhw-type "
				 "= %s\nid = %s\nkeys = %s\n",
				 conf->name, conf->masa_url, subject_forms[conf->subject_form],
				 conf->hw_type, conf->id, conf->keys);
	if (err)
		return berth_fail(why, err, "factory-memory", NULL, "out of memory");
	return check_written(conf, berth_bytes_of(out->p + at, out->n - at), why);
}

/* pk11-path attributes: all but unreserved characters as %XX (RFC 7512 2.3). */
static enum berth_err
append_percent(struct berth_buf *out, const char *text)
{
	enum berth_err err = BERTH_OK;
	for (; !err && *text; text++) {
		bool is_plain = (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
				(*text >= 'a' && *text <= 'z') || strchr("-._~", *text);
		err = is_plain ? berth_buf_append_u8(out, (uint8_t)*text)
			       : berth_buf_printf(out, "%%%02X", (unsigned char)*text);
	}
	return err;
}

bool
berth_factory_keys_are_tpm(const char *keys)
{
	return strcmp(keys, "tpm") == 0 || strncmp(keys, "tpm:tcti=", 9) == 0;
}

enum berth_err
berth_factory_key_uri(const char *keys, const char *folder, const char *name,
		      char uri[BERTH_KEY_URI_MAX], struct berth_why *why)
{
	BERTH_BUF text = {0};
	enum berth_err err = BERTH_OK;
	if (strcmp(keys, "file") == 0) {
		err = berth_buf_printf(&text, "file:%s/%s.key", folder, name);
	} else if (berth_factory_keys_are_tpm(keys)) {
		char absolute[PATH_MAX];
		if (!realpath(folder, absolute))
			return berth_fail(why, BERTH_E_IO, "factory-keys", NULL, "%s: %s", folder,
					  strerror(errno));
		err = berth_buf_printf(&text, "tpm:file=%s/%s.tpm%s%s", absolute, name,
				       keys[3] == ':' ? ";" : "", keys[3] == ':' ? keys + 4 : "");
	} else {
		size_t path = strcspn(keys, "?");
		bool is_bare = path > 0 && keys[path - 1] == ':';
		err = berth_buf_printf(&text, "%.*s%sobject=", (int)path, keys, is_bare ? "" : ";");
		if (!err)
			err = append_percent(&text, name);
		if (!err)
			err = berth_buf_append_text(&text, keys + path);
	}
	if (err)
		return berth_fail(why, err, "factory-memory", NULL, "out of memory");
	if (text.n >= BERTH_KEY_URI_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "key-uri-length", NULL,
				  "the URI of key %s is longer than %d bytes; use a shorter path",
				  name, BERTH_KEY_URI_MAX - 1);
	memcpy(uri, text.p, text.n);
	uri[text.n] = '\0';
	return BERTH_OK;
}

enum berth_err
berth_factory_own_key_uri(const struct berth_factory_conf *conf, const char *folder,
			  const char *name, char uri[BERTH_KEY_URI_MAX], struct berth_why *why)
{
	char object[BERTH_FACTORY_ID_MAX + 64];
	bool is_file = strcmp(conf->keys, "file") == 0 || berth_factory_keys_are_tpm(conf->keys);
	snprintf(object, sizeof(object), "%.*s%s%s", is_file ? 0 : BERTH_FACTORY_ID_MAX, conf->id,
		 is_file ? "" : "-", name);
	return berth_factory_key_uri(conf->keys, folder, object, uri, why);
}

enum berth_err
berth_factory_read_certificate(struct berth_pki *pki, const char *path, struct berth_cert **ret,
			       struct berth_why *why)
{
	BERTH_BUF text = {0};
	BERTH_CERT_LIST list = {0};
	enum berth_err err = berth_file_read(path, BERTH_FACTORY_CERTIFICATES_MAX, &text, why);
	if (!err)
		err = berth_cert_list_parse(pki, berth_buf_view(&text), &list, why);
	if (err)
		return err;
	if (list.n != 1)
		return berth_fail(why, BERTH_E_SYNTAX, "certificate-count", NULL,
				  "%s holds %zu certificates, one is wanted", path, list.n);
	*ret = berth_cert_ref(list.at[0]);
	return BERTH_OK;
}

enum berth_err
berth_factory_certificate(struct berth_pki *pki, const struct berth_factory *factory,
			  const char *name, struct berth_cert **ret, struct berth_why *why)
{
	char file[64];
	char path[BERTH_FACTORY_PATH_MAX];
	snprintf(file, sizeof(file), "%s.pem", name);
	enum berth_err err = berth_factory_path(factory->directory, file, path, why);
	return err ? err : berth_factory_read_certificate(pki, path, ret, why);
}

enum berth_err
berth_factory_key(struct berth_pki *pki, const struct berth_factory *factory, const char *name,
		  struct berth_key **ret, struct berth_why *why)
{
	char folder[BERTH_FACTORY_PATH_MAX];
	char uri[BERTH_KEY_URI_MAX];
	enum berth_err err = berth_factory_path(factory->directory, "keys", folder, why);
	if (!err)
		err = berth_factory_own_key_uri(&factory->conf, folder, name, uri, why);
	return err ? err : berth_keystore_load(pki, uri, ret, why);
}
