/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/verbs.h"

#include "codec/json.h"
#include "role/options.h"
#include "role/registrar/addresses.h"
#include "role/registrar/domain.h"
#include "role/registrar/reconcile.h"
#include "system/clock.h"
#include "system/files.h"

#include <stdio.h>
#include <stdlib.h>

static const struct berth_option init_options[] = {
	{.name = "dir", .argument = "DIR", .help = "folder to make it in", .required = true},
	{.name = "name",
	 .argument = "NAME",
	 .help = "the owner's name, in every certificate",
	 .required = true},
	{.name = "host",
	 .argument = "DNSNAME",
	 .help = "name of the registrar, may be given again, or a,b",
	 .required = true,
	 .many = true},
	{.name = "listen", .argument = "ADDRESS:PORT", .help = "where devices connect; [::]:8443"},
	{.name = "publish-url",
	 .argument = "URL",
	 .help = "http://NAME:PORT where revocation is published; certificates name it"},
	{.name = "plain-listen",
	 .argument = "ADDRESS:PORT",
	 .help = "where that is served; [::]:PORT of --publish-url"},
	{.name = "root-key",
	 .argument = "URI",
	 .help = "keystore URI of the root's key instead of a file"},
	{.name = "issuing-key",
	 .argument = "URI",
	 .help = "keystore URI of the issuing CA's key instead of a file"},
	BERTH_OPTION_JSON,
	{0},
};

static const struct berth_usage init_usage = {
	.about = "Makes a domain: root CA, issuing CA and registrar certificate with their keys, "
		 "registrar.conf, and a\n"
		 "policy that denies everybody until you write a rule. Run it with berth-registrar "
		 "--config DIR/registrar.conf.",
	.options = init_options,
};

/* "a,b" and several --host. */
static enum berth_err
read_hosts(const struct berth_arguments *arguments, struct berth_domain_plan *plan,
	   struct berth_why *why)
{
	const char *text;
	for (size_t i = 0; (text = berth_arguments_value_at(arguments, "host", i)) != NULL; i++) {
		while (*text != '\0') {
			size_t n = strcspn(text, ",");
			if (n == 0 || n > 253 || plan->host_count == BERTH_DOMAIN_HOSTS_MAX)
				return berth_fail(why, BERTH_E_USAGE, "registrar-host", NULL,
						  "--host takes one to %d DNS names",
						  BERTH_DOMAIN_HOSTS_MAX);
			plan->hosts[plan->host_count++] = berth_bytes_of(text, n);
			text += n + (text[n] == ',');
		}
	}
	return plan->host_count > 0
		       ? BERTH_OK
		       : berth_fail(why, BERTH_E_USAGE, "registrar-host", NULL, "--host is empty");
}

/* --publish-url, and where to listen for it. */
static enum berth_err
read_publish(const struct berth_arguments *arguments, struct berth_domain_plan *plan,
	     char plain_listen[64], struct berth_why *why)
{
	plan->publish_url = berth_arguments_value(arguments, "publish-url");
	plan->plain_listen = berth_arguments_value(arguments, "plain-listen");
	if (plan->publish_url == NULL)
		return BERTH_OK;
	enum berth_err err = berth_publish_url_check(plan->publish_url, why);
	if (err || plan->plain_listen != NULL)
		return err;
	const char *colon = strrchr(plan->publish_url + sizeof("http:"), ':');
	size_t digits = colon == NULL ? 0 : strspn(colon + 1, "0123456789");
	(void)snprintf(plain_listen, 64, "[::]:%.*s", digits > 0 && digits < 6 ? (int)digits : 2,
		       digits > 0 && digits < 6 ? colon + 1 : "80");
	plan->plain_listen = plain_listen;
	return BERTH_OK;
}

static enum berth_err
find_directory(const char *given, char *path, struct berth_why *why)
{
	enum berth_err err = berth_folder_make(given, 0755, why);
	if (err)
		return err;
	if (realpath(given, path) == NULL)
		return berth_fail(why, BERTH_E_IO, "registrar-directory", NULL, "cannot use %.150s",
				  given);
	return BERTH_OK;
}

static int
print_made(const struct berth_domain_plan *plan, bool json)
{
	if (!json) {
		printf("Domain \"%s\" is ready in %s\n"
		       "  root certificate   %s/domain-ca.pem\n"
		       "  configuration      %s/registrar.conf (add a [manufacturer] section)\n"
		       "  policy             %s/policy.conf (denies everybody until you write a "
		       "rule)\n"
		       "Run: berth-registrar --config %s/registrar.conf\n",
		       plan->name, plan->directory, plan->directory, plan->directory,
		       plan->directory, plan->directory);
		return BERTH_EXIT_DONE;
	}
	BERTH_JSON json_t *root =
		json_pack("{s:s,s:s,s:o,s:o,s:o}", "name", plan->name, "directory", plan->directory,
			  "root", json_sprintf("%s/domain-ca.pem", plan->directory),
			  "configuration", json_sprintf("%s/registrar.conf", plan->directory),
			  "policy", json_sprintf("%s/policy.conf", plan->directory));
	BERTH_BUF text = {0};
	if (root == NULL || berth_json_encode(root, BERTH_JSON_AS_BUILT, &text))
		return BERTH_EXIT_FAILED;
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return BERTH_EXIT_DONE;
}

static enum berth_err
make(const struct berth_domain_plan *plan, struct berth_why *why)
{
	struct berth_pki *pki = NULL;
	enum berth_err err = berth_pki_open(&pki, why);
	if (!err)
		err = berth_domain_make(pki, plan, why);
	berth_pki_close(pki);
	return err;
}

static int
init_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	int status = 0;
	if (!berth_arguments_parse(&init_usage, argc, argv, &arguments, &status))
		return status;
	char directory[4096]; /* PATH_MAX, as realpath wants */
	struct berth_domain_plan plan = {
		.directory = directory,
		.name = berth_arguments_value(&arguments, "name"),
		.listen = berth_arguments_value_or(&arguments, "listen", "[::]:8443"),
		.root_key = berth_arguments_value(&arguments, "root-key"),
		.issuing_key = berth_arguments_value(&arguments, "issuing-key"),
		.now = berth_clock_wall(),
	};
	char plain_listen[64];
	struct berth_why why = {0};
	enum berth_err err = read_hosts(&arguments, &plan, &why);
	if (!err)
		err = read_publish(&arguments, &plan, plain_listen, &why);
	if (!err)
		err = find_directory(berth_arguments_value(&arguments, "dir"), directory, &why);
	if (!err)
		err = make(&plan, &why);
	if (err)
		return berth_print_why(argv[0], NULL, &why);
	return print_made(&plan, berth_arguments_has(&arguments, "json"));
}

static int
backup_main(int argc, char **argv)
{
	return berth_backup_main(&berth_registrar_backup, argc, argv);
}

static int
restore_main(int argc, char **argv)
{
	return berth_restore_main(&berth_registrar_backup, argc, argv);
}

const struct berth_verb berth_registrar_verbs[] = {
	{"registrar", "init",
	 "make a domain: its CAs, the registrar's certificate and configuration", init_main},
	{"registrar", "backup", "seal all that the registrar is into one file, while it runs",
	 backup_main},
	{"registrar", "restore", "judge a backup and put it in its place", restore_main},
	{"registrar", "rollover", "a new key for the CA that issues to devices, without losing one",
	 berth_registrar_rollover_main},
	{"registrar", "est-user", "a user of EST with a password", berth_registrar_est_user_main},
	{"dpp", "init", "make a registrar a DPP Controller", berth_dpp_init_main},
	{"dpp", "hand-over", "give the network's keys to another DPP Configurator",
	 berth_dpp_hand_over_main},
	{0},
};
