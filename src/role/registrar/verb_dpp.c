/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/verbs.h"

#include "base/base64.h"
#include "codec/dpp_uri.h"
#include "pki/ec.h"
#include "pki/keystore/keystore.h"
#include "role/options.h"
#include "role/registrar/dpp_adopt.h"
#include "role/registrar/dpp_hand_over.h"
#include "system/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
	{.name = "from",
	 .argument = "ADDRESS:PORT",
	 .help = "take the network over: keys of the Configurator that waits there (TCP)"},
	{.name = "code", .argument = "URI", .help = "with --from: that Configurator's DPP URI"},
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

/* What came from another, as a key file; one that cannot be used is told before the registrar meets it. */
static enum berth_err
keep_key(struct berth_pki *pki, const char *directory, const char *file, enum berth_ec_curve curve,
	 const struct berth_secret *scalar, struct berth_why *why)
{
	char uri[BERTH_KEY_URI_MAX];
	BERTH_KEY *key = NULL;
	BERTH_BUF der = {0};
	BERTH_BUF pem = {0};
	int n = snprintf(uri, sizeof(uri), "file:%s/%s", directory, file);

	if (n < 0 || (size_t)n >= sizeof(uri))
		return berth_fail(why, BERTH_E_USAGE, "dpp-key", NULL,
				  "a keystore URI is too long");
	const char *path = uri + sizeof("file:") - 1;
	if (access(path, F_OK) == 0)
		return berth_fail(why, BERTH_E_EXISTS, "keystore-exists", NULL,
				  "there is a key at %.150s already", path);
	enum berth_err err = berth_dpp_backup_write_key(pki, curve, scalar, &der, why);
	if (err)
		return err;
	err = berth_buf_append_text(&pem, "-----BEGIN PRIVATE KEY-----\n");
	err = err ? err : berth_base64_encode(berth_buf_view(&der), 64, &pem);
	err = err ? err : berth_buf_append_text(&pem, "-----END PRIVATE KEY-----\n");
	err = err ? berth_fail(why, err, "memory", NULL, "out of memory")
		  : berth_file_write(path, berth_buf_view(&pem), 0600, why);
	berth_wipe(der.p, der.cap);
	berth_wipe(pem.p, pem.cap);
	err = err ? err : berth_keystore_load(pki, uri, &key, why);
	if (err)
		(void)unlink(path);
	return err;
}

static void
show_code(struct berth_bytes code)
{
	fprintf(stderr, "This one's code, if the other wants it: %.*s\n", (int)code.n,
		(const char *)code.p);
}

static enum berth_err
take_over(struct berth_pki *pki, const char *directory, const char *from, const char *code,
	  struct berth_why *why)
{
	struct berth_dpp_backup backup = {0};

	if (code == NULL)
		return berth_fail(why, BERTH_E_USAGE, "dpp-code", NULL,
				  "--from wants --code too, the other Configurator's DPP URI");
	enum berth_err err = berth_dpp_adopt(pki, from, berth_text(code), show_code, &backup, why);
	err = err ? err
		  : keep_key(pki, directory, "keys/dpp-c-sign.key", backup.curve, &backup.c_sign,
			     why);
	err = err ? err
		  : keep_key(pki, directory, "keys/dpp-pp.key", backup.curve, &backup.pp, why);
	berth_dpp_backup_free(&backup);
	return err;
}

static enum berth_err
make_network(struct berth_pki *pki, const char *directory, const char *c_sign,
	     struct berth_why *why)
{
	enum berth_err err = make_key(pki, directory, "keys/dpp-c-sign.key", c_sign, false, why);

	return err ? err : make_key(pki, directory, "keys/dpp-pp.key", NULL, true, why);
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
init(const char *directory, const char *listen, const struct berth_arguments *arguments,
     struct berth_why *why)
{
	const char *c_sign = berth_arguments_value(arguments, "c-sign-key");
	const char *from = berth_arguments_value(arguments, "from");
	struct berth_pki *pki = NULL;
	char full[PATH_MAX_BYTES];

	if (realpath(directory, full) == NULL)
		return berth_fail(why, BERTH_E_NOT_FOUND, "dpp-directory", NULL,
				  "there is no folder %.150s", directory);
	if (from != NULL && c_sign != NULL)
		return berth_fail(why, BERTH_E_USAGE, "dpp-key", NULL,
				  "--from brings a C-sign key; --c-sign-key names another");
	enum berth_err err = berth_pki_open(&pki, why);
	if (!err)
		err = from == NULL ? make_network(pki, full, c_sign, why)
				   : take_over(pki, full, from,
					       berth_arguments_value(arguments, "code"), why);
	err = err ? err : make_key(pki, full, "keys/dpp-bootstrapping.key", NULL, true, why);
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
	if (init(directory, listen == NULL ? "[::]:8908" : listen, &arguments, &why))
		return berth_print_why(argv[0], directory, &why);
	printf("Wi-Fi Easy Connect is ready in %s: restart the registrar, then \"berth dpp "
	       "show\"\n",
	       directory);
	return BERTH_EXIT_DONE;
}

/* ---- hand-over ---- */

static const struct berth_option hand_over_options[] = {
	{.name = "dir", .argument = "DIR", .help = "the registrar's folder", .required = true},
	{.name = "listen",
	 .argument = "ADDRESS:PORT",
	 .help = "where the other comes: 192.0.2.1:8909",
	 .required = true},
	{0},
};

static const struct berth_usage hand_over_usage = {
	.about = "Gives the network's keys to another Configurator, once, over TCP (the other: "
		 "berth dpp "
		 "init --from).\nPrints a code for the other; the code that the other shows is "
		 "wanted on "
		 "standard input.",
	.options = hand_over_options,
};

static enum berth_err
read_key(struct berth_pki *pki, const char *directory, const char *file, enum berth_ec_curve *curve,
	 struct berth_secret *scalar, struct berth_why *why)
{
	static const char head[] = "-----BEGIN PRIVATE KEY-----\n";
	char path[PATH_MAX_BYTES];
	BERTH_BUF pem = {0};
	BERTH_BUF der = {0};
	int n = snprintf(path, sizeof(path), "%s/%s", directory, file);

	if (n < 0 || (size_t)n >= sizeof(path))
		return berth_fail(why, BERTH_E_USAGE, "dpp-directory", NULL,
				  "the path is too long");
	enum berth_err err = berth_file_read_private(path, 4096, &pem, why);
	if (err)
		return err;
	const uint8_t *end = pem.n == 0 ? NULL : memmem(pem.p, pem.n, "-----END", 8);
	if (end == NULL || !berth_bytes_starts_with(berth_buf_view(&pem), head))
		err = berth_fail(why, BERTH_E_SYNTAX, "dpp-key", NULL,
				 "%.150s holds no private key in PEM", path);
	size_t from = sizeof(head) - 1;
	if (!err)
		err = berth_base64_decode(
			berth_bytes_of(pem.p + from, (size_t)(end - pem.p) - from), true, &der,
			why);
	err = err ? err : berth_dpp_backup_read_key(pki, berth_buf_view(&der), curve, scalar, why);
	berth_wipe(pem.p, pem.cap);
	if (der.p != NULL)
		berth_wipe(der.p, der.cap);
	return err;
}

static void
tell_port(unsigned port)
{
	printf("The other comes to port %u.\n", port);
	fflush(stdout);
}

static void
tell_code(struct berth_bytes code)
{
	printf("For the other: berth dpp init --dir DIR --from ADDRESS:PORT --code '%.*s'\n"
	       "Then give the code here that it shows.\n",
	       (int)code.n, (const char *)code.p);
	fflush(stdout);
}

static bool
ask_code(char *code, size_t cap)
{
	return fgets(code, (int)cap, stdin) != NULL;
}

static enum berth_err
give(struct berth_pki *pki, const char *directory, const char *listen, struct berth_why *why)
{
	enum berth_ec_curve curve = BERTH_EC_P256;
	struct berth_dpp_backup backup = {
		.configuration_template =
			"{\"wi-fi_tech\":\"infra\",\"discovery\":{\"ssid\":\"network\"},"
			"\"cred\":{\"akm\":\"dpp\"}}",
	};
	const struct berth_dpp_hand_over how = {
		.listen = listen,
		.backup = &backup,
		.listening = tell_port,
		.show = tell_code,
		.ask = ask_code,
	};
	enum berth_err err =
		read_key(pki, directory, "keys/dpp-c-sign.key", &backup.curve, &backup.c_sign, why);

	err = err ? err : read_key(pki, directory, "keys/dpp-pp.key", &curve, &backup.pp, why);
	if (!err && curve != backup.curve)
		err = berth_fail(why, BERTH_E_MISMATCH, "dpp-pp-key-curve", "DPP 6.5.2",
				 "the ppKey is on another curve than the C-sign key");
	err = err ? err : berth_dpp_hand_over(pki, &how, why);
	berth_dpp_backup_free(&backup);
	return err;
}

int
berth_dpp_hand_over_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	struct berth_pki *pki = NULL;
	int status = 0;

	if (!berth_arguments_parse(&hand_over_usage, argc, argv, &arguments, &status))
		return status;
	const char *directory = berth_arguments_value(&arguments, "dir");
	enum berth_err err = berth_pki_open(&pki, &why);
	err = err ? err : give(pki, directory, berth_arguments_value(&arguments, "listen"), &why);
	berth_pki_close(pki);
	if (err)
		return berth_print_why(argv[0], directory, &why);
	printf("The other has the network's keys. Stop this Controller.\n");
	return BERTH_EXIT_DONE;
}
