/* SPDX-License-Identifier: BSD-2-Clause */
/* berth factory init */
#include "role/factory/factory.h"

#include <stdio.h>

#include "codec/json.h"
#include "role/factory/init.h"
#include "role/options.h"
#include "system/clock.h"

static const struct berth_option options[] = {
	{.name = "dir", .argument = "DIR", .help = "the factory's folder", .required = true},
	{.name = "name", .argument = "NAME", .help = "the manufacturer", .required = true},
	{.name = "masa-url",
	 .argument = "URL",
	 .help = "where the MASA is: HOST, HOST:PORT or a whole URI",
	 .required = true},
	{.name = "masa-host",
	 .argument = "NAME,...",
	 .help = "DNS names of the MASA's certificate (default: the URL's host)"},
	{.name = "keys",
	 .argument = "WHERE",
	 .help = "file (default), a pkcs11: URI without object, tpm, or tpm:tcti=TCTI"},
	{.name = "subject-form",
	 .argument = "FORM",
	 .help = "serial (default), or product-serial: \"PID:model SN:serial\""},
	{.name = "hw-type",
	 .argument = "OID",
	 .help = "hardwareModuleName of units whose row has none (default: one is drawn)"},
	BERTH_OPTION_JSON,
	{0},
};
static const struct berth_usage usage = {
	.about = "Makes a manufacturer: root CA, device CA, voucher CA, MASA certificates and the "
		 "key\n"
		 "that signs manifests. DIR/root-ca.pem is for owners, DIR/masa goes to the MASA.",
	.options = options,
};

static enum berth_err
take_hosts(const char *text, struct berth_factory_plan *plan, struct berth_why *why)
{
	while (text && *text) {
		size_t n = strcspn(text, ",");
		if (n == 0 || plan->masa_host_count == BERTH_FACTORY_MASA_HOSTS_MAX)
			return berth_fail(why, BERTH_E_USAGE, "factory-masa-host", NULL,
					  "--masa-host takes 1 to %d names, divided by commas",
					  BERTH_FACTORY_MASA_HOSTS_MAX);
		plan->masa_hosts[plan->masa_host_count++] = berth_bytes_of(text, n);
		text += n + (text[n] == ',');
	}
	return BERTH_OK;
}

static enum berth_err
take_form(const char *text, struct berth_factory_plan *plan, struct berth_why *why)
{
	if (strcmp(text, "serial") == 0) {
		plan->conf.subject_form = BERTH_SUBJECT_SERIAL;
		return BERTH_OK;
	}
	if (strcmp(text, "product-serial") == 0) {
		plan->conf.subject_form = BERTH_SUBJECT_PRODUCT_SERIAL;
		return BERTH_OK;
	}
	return berth_fail(why, BERTH_E_USAGE, "factory-subject-form", NULL,
			  "--subject-form is serial or product-serial, not %.40s", text);
}

static enum berth_err
print_json(const char *directory, struct berth_why *why)
{
	BERTH_FACTORY factory = {0};
	BERTH_BUF text = {0};
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = berth_factory_open(directory, &factory, why);
	if (err)
		return err;
	err = root ? berth_json_set_text(root, "directory", berth_text(factory.directory))
		   : BERTH_E_MEMORY;
	if (!err)
		err = berth_json_set_text(root, "name", berth_text(factory.conf.name));
	if (!err)
		err = berth_json_set_text(root, "masa-url", berth_text(factory.conf.masa_url));
	if (!err)
		err = berth_json_set_text(root, "hw-type", berth_text(factory.conf.hw_type));
	if (!err)
		err = berth_json_encode(root, BERTH_JSON_AS_BUILT, &text);
	if (err)
		return berth_fail(why, err, "factory-memory", NULL, "out of memory");
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return BERTH_OK;
}

int
berth_factory_init_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	int status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	struct berth_factory_plan plan = {
		.directory = berth_arguments_value(&arguments, "dir"),
		.conf = {.name = berth_arguments_value(&arguments, "name"),
			 .masa_url = berth_arguments_value(&arguments, "masa-url"),
			 .hw_type = berth_arguments_value(&arguments, "hw-type"),
			 .keys = berth_arguments_value_or(&arguments, "keys", "file")},
		.now = berth_clock_wall(),
	};
	struct berth_pki *pki __attribute__((cleanup(berth_pki_closep))) = NULL;
	enum berth_err err =
		take_hosts(berth_arguments_value(&arguments, "masa-host"), &plan, &why);
	if (!err)
		err = take_form(berth_arguments_value_or(&arguments, "subject-form", "serial"),
				&plan, &why);
	if (!err)
		err = berth_pki_open(&pki, &why);
	if (!err)
		err = berth_factory_init(pki, &plan, &why);
	if (!err && berth_arguments_has(&arguments, "json"))
		err = print_json(plan.directory, &why);
	return err ? berth_print_why(argv[0], plan.directory, &why) : BERTH_EXIT_DONE;
}
