/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/verbs.h"

#include "base/base64.h"
#include "codec/dpp_uri.h"
#include "pki/ec.h"
#include "pki/keystore/keystore.h"
#include "role/options.h"
#include "system/files.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH_MAX_BYTES 4096
#define CONF_MAX_BYTES ((size_t)1 << 20)

static const struct berth_option init_options[] = {
	{.name = "dir",
	 .argument = "DIR",
	 .help = "the registrar's folder, as berth registrar init made it",
	 .required = true},
	{.name = "listen",
	 .argument = "ADDRESS:PORT",
	 .help = "where access points connect; [::]:8908"},
	{.name = "c-sign-key",
	 .argument = "URI",
	 .help = "keystore URI of the C-sign key instead of a file"},
	{0},
};

static const struct berth_usage init_usage = {
	.about =
		"Makes the keys of a DPP Controller (C-sign, bootstrapping, privacy protection) "
		"and adds "
		"[dpp] to\nregistrar.conf: after a restart the registrar onboards devices by Wi-Fi "
		"Easy Connect.",
	.options = init_options,
};

static enum berth_err
make_key(struct berth_pki *pki, const char *directory, const char *file, const char *given,
	 bool agrees, struct berth_why *why)
{
	char uri[BERTH_KEY_URI_MAX];
	BERTH_KEY *key = NULL;
	int n = given == NULL ? snprintf(uri, sizeof(uri), "file:%s/%s", directory, file)
			      : snprintf(uri, sizeof(uri), "%s", given);

	if (n < 0 || (size_t)n >= sizeof(uri))
		return berth_fail(why, BERTH_E_USAGE, "dpp-key", NULL,
				  "a keystore URI is too long");
	return agrees ? berth_keystore_generate_agreement(pki, uri, "P-256", &key, why)
		      : berth_keystore_generate(pki, uri, "P-256", &key, why);
}

static enum berth_err
add_section(const char *directory, const char *listen, const char *c_sign, struct berth_why *why)
{
	char path[PATH_MAX_BYTES];
	BERTH_BUF text = {0};
	int n = snprintf(path, sizeof(path), "%s/registrar.conf", directory);

	if (n < 0 || (size_t)n >= sizeof(path))
		return berth_fail(why, BERTH_E_USAGE, "dpp-directory", NULL,
				  "the path is too long");
	enum berth_err err = berth_file_read(path, CONF_MAX_BYTES, &text, why);
	if (err)
		return err;
	err = berth_buf_append_u8(&text, 0);
	if (!err && strstr((const char *)text.p, "\n[dpp]") != NULL)
		return berth_fail(why, BERTH_E_EXISTS, "dpp-exists", NULL,
				  "%.150s has a section [dpp] already", path);
	text.n--;
	err = err ? err
		  : berth_buf_printf(&text,
				     "\n# Wi-Fi Easy Connect. See berth-registrar(8).\n"
				     "[dpp]\n"
				     "listen = %s\n"
				     "port-file = dpp-port\n"
				     "c-sign-key = %s\n"
				     "bootstrapping-key = file:keys/dpp-bootstrapping.key\n"
				     "pp-key = file:keys/dpp-pp.key\n",
				     listen, c_sign == NULL ? "file:keys/dpp-c-sign.key" : c_sign);
	if (err)
		return berth_fail(why, err, "memory", NULL, "out of memory");
	return berth_file_write(path, berth_buf_view(&text), 0644, why);
}

static enum berth_err
init(const char *directory, const char *listen, const char *c_sign, struct berth_why *why)
{
	struct berth_pki *pki = NULL;
	char full[PATH_MAX_BYTES];

	if (realpath(directory, full) == NULL)
		return berth_fail(why, BERTH_E_NOT_FOUND, "dpp-directory", NULL,
				  "there is no folder %.150s", directory);
	enum berth_err err = berth_pki_open(&pki, why);
	err = err ? err : make_key(pki, full, "keys/dpp-c-sign.key", c_sign, false, why);
	err = err ? err : make_key(pki, full, "keys/dpp-bootstrapping.key", NULL, true, why);
	err = err ? err : make_key(pki, full, "keys/dpp-pp.key", NULL, true, why);
	err = err ? err : add_section(full, listen, c_sign, why);
	berth_pki_close(pki);
	return err;
}

int
berth_dpp_init_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	int status = 0;

	if (!berth_arguments_parse(&init_usage, argc, argv, &arguments, &status))
		return status;
	const char *listen = berth_arguments_value(&arguments, "listen");
	const char *directory = berth_arguments_value(&arguments, "dir");
	if (init(directory, listen == NULL ? "[::]:8908" : listen,
		 berth_arguments_value(&arguments, "c-sign-key"), &why))
		return berth_print_why(argv[0], directory, &why);
	printf("Wi-Fi Easy Connect is ready in %s: restart the registrar, then \"berth dpp "
	       "show\"\n",
	       directory);
	return BERTH_EXIT_DONE;
}
