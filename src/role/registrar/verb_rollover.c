/* SPDX-License-Identifier: BSD-2-Clause */
/* `berth registrar rollover`: a new key for the issuing CA, without losing a device. */
#include "role/registrar/verbs.h"

#include "codec/json.h"
#include "role/options.h"
#include "role/registrar/reconcile.h"
#include "role/registrar/rollover.h"
#include "system/clock.h"
#include "system/files.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct berth_option options[] = {
	{.name = "dir", .argument = "DIR", .help = "folder of the registrar", .required = true},
	{.name = "root-key",
	 .argument = "URI",
	 .help = "keystore URI of the root's key; DIR/keys/root.key"},
	{.name = "issuing-key",
	 .argument = "URI",
	 .help = "keystore URI of the new issuing CA's key instead of a file"},
	{.name = "csr",
	 .argument = "FILE",
	 .help = "where the root is elsewhere: only make the new key, and the request for its "
		 "certificate"},
	{.name = "certificate",
	 .argument = "FILE",
	 .help = "what the root made of that request, in place of --root-key"},
	BERTH_OPTION_JSON,
	{0},
};

static const struct berth_usage usage = {
	.about =
		"Makes a new key and certificate for the CA that issues to devices, the "
		"certificates between the former\n"
		"one and the new, and the registrar's certificate anew. Certificates of the former "
		"CA stay good until they\n"
		"end or are renewed; its key signs their revocation, no more. Stop berth-registrar "
		"first.",
	.options = options,
};

static int
print_made(const struct berth_rollover_made *made, bool json)
{
	char ends[BERTH_TIME_TEXT_MAX];
	berth_wall_format(made->former_ends, ends);
	if (!json) {
		printf("Issuing CA %zu is in force\n"
		       "  its certificates    %s\n"
		       "  the former CA       %s, with the cross-certificates; it ends %s\n"
		       "  the former CA's key %s: keep it until then\n",
		       made->number, made->issuing, made->former, ends, made->former_key);
		if (made->registrar[0] != '\0')
			printf("  the registrar's     %s\n", made->registrar);
		printf("Start berth-registrar again.\n");
		return BERTH_EXIT_DONE;
	}
	BERTH_JSON json_t *root =
		json_pack("{s:I,s:s,s:s,s:s,s:s,s:s*}", "number", (json_int_t)made->number,
			  "issuing", made->issuing, "former", made->former, "former-key",
			  made->former_key, "former-ends", ends, "registrar",
			  made->registrar[0] != '\0' ? made->registrar : NULL);
	BERTH_BUF text = {0};
	if (root == NULL || berth_json_encode(root, BERTH_JSON_AS_BUILT, &text))
		return BERTH_EXIT_FAILED;
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return BERTH_EXIT_DONE;
}

static enum berth_err
lock_state(const char *state, int *lock, struct berth_why *why)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s.lock", state,
			 berth_registrar_backup.daemon.name);
	if (n < 0 || (size_t)n >= sizeof(path) || access(path, F_OK) != 0)
		return BERTH_OK; /* it never ran */
	enum berth_err err = berth_file_lock(path, lock, why);
	if (err == BERTH_E_EXISTS)
		return berth_fail(why, BERTH_E_STATE, "rollover-running", NULL,
				  "berth-registrar runs on %.150s: stop it first", state);
	return err;
}

static int
print_asked(const struct berth_rollover_asked *asked, const char *csr, bool json)
{
	if (!json) {
		printf("Request for the certificate of issuing CA %zu: %s\n"
		       "  its key             %s\n"
		       "Have the root certify it as a CA: pathlen:0, keyCertSign and cRLSign, the "
		       "subject as it is. Nothing is changed until then.\n"
		       "Then stop berth-registrar and give the certificate by --certificate.\n",
		       asked->number, csr, asked->key);
		return BERTH_EXIT_DONE;
	}
	BERTH_JSON json_t *root = json_pack("{s:I,s:s,s:s}", "number", (json_int_t)asked->number,
					    "csr", csr, "key", asked->key);
	BERTH_BUF text = {0};
	if (root == NULL || berth_json_encode(root, BERTH_JSON_AS_BUILT, &text))
		return BERTH_EXIT_FAILED;
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return BERTH_EXIT_DONE;
}

/* csr: only this request is made; the daemon may run meanwhile. */
static enum berth_err
roll_over(struct berth_rollover_plan *plan, const char *csr, struct berth_rollover_asked *asked,
	  struct berth_rollover_made *made, struct berth_why *why)
{
	char config[PATH_MAX];
	struct berth_daemon_loaded loaded = {0};
	struct berth_pki *pki = NULL;
	BERTH_FD lock = -1;
	(void)snprintf(config, sizeof(config), "%.4000s/registrar.conf", plan->directory);
	enum berth_err err =
		berth_daemon_load(&berth_registrar_backup.daemon, config, &loaded, why);
	if (!err && csr == NULL)
		err = lock_state(loaded.common->state_directory, &lock, why);
	if (!err)
		err = berth_pki_open(&pki, why);
	plan->settings = loaded.settings;
	if (!err)
		err = csr != NULL ? berth_rollover_request(pki, plan, csr, asked, why)
				  : berth_rollover(pki, plan, made, why);
	berth_pki_close(pki);
	berth_daemon_loaded_free(&loaded);
	return err;
}

int
berth_registrar_rollover_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_rollover_made made = {0};
	struct berth_rollover_asked asked = {0};
	struct berth_why why = {0};
	char directory[PATH_MAX];
	int status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	const char *given = berth_arguments_value(&arguments, "dir");
	struct berth_rollover_plan plan = {
		.directory = directory,
		.root_key = berth_arguments_value(&arguments, "root-key"),
		.issuing_key = berth_arguments_value(&arguments, "issuing-key"),
		.certificate = berth_arguments_value(&arguments, "certificate"),
		.now = berth_clock_wall(),
	};
	const char *csr = berth_arguments_value(&arguments, "csr");
	const bool json = berth_arguments_has(&arguments, "json");
	enum berth_err err = BERTH_OK;
	if ((csr != NULL) + (plan.certificate != NULL) + (plan.root_key != NULL) > 1)
		err = berth_fail(&why, BERTH_E_USAGE, "rollover-which", NULL,
				 "of --root-key, --csr and --certificate give one");
	else if (realpath(given, directory) == NULL)
		err = berth_fail(&why, BERTH_E_NOT_FOUND, "registrar-directory", NULL,
				 "there is no folder %.150s", given);
	err = err ? err : roll_over(&plan, csr, &asked, &made, &why);
	if (err)
		return berth_print_why(argv[0], NULL, &why);
	return csr != NULL ? print_asked(&asked, csr, json) : print_made(&made, json);
}
