/* SPDX-License-Identifier: BSD-2-Clause */
/* berth factory request: on the unit, so that its birth key never was anywhere else. */
#include "role/factory/factory.h"

#include "base/base64.h"
#include "pki/keystore/keystore.h"
#include "pki/request.h"
#include "role/options.h"
#include "system/files.h"

#define PEM_LINE 64 /* RFC 7468 2 */

static const struct berth_option options[] = {
	{.name = "key",
	 .argument = "URI",
	 .help = "where the birth key is; made when it is not there",
	 .required = true},
	{.name = "serial",
	 .argument = "SERIAL",
	 .help = "the unit's serial number",
	 .required = true},
	{.name = "out", .argument = "FILE", .help = "the request, PEM", .required = true},
	{.name = "tpm",
	 .argument = "TCTI",
	 .help = "the TPM of a tpm: URI that names none (" BERTH_TPM_TCTI_DEFAULT ")"},
	{0},
};
static const struct berth_usage usage = {
	.about = "Runs on the unit: makes its birth key there, in its TPM for example, and a "
		 "certification request for\n"
		 "the csr column of the list that \"berth factory make\" reads.",
	.options = options,
};

static enum berth_err
open_key(struct berth_pki *pki, const char *uri, struct berth_key **ret, struct berth_why *why)
{
	enum berth_err err = berth_keystore_generate(pki, uri, "P-256", ret, why);

	return err == BERTH_E_EXISTS ? berth_keystore_load(pki, uri, ret, why) : err;
}

static enum berth_err
write_request(struct berth_bytes der, const char *path, struct berth_why *why)
{
	BERTH_BUF pem = {0};
	enum berth_err err = berth_buf_append_text(&pem, "-----BEGIN CERTIFICATE REQUEST-----\n");

	err = err ? err : berth_base64_encode(der, PEM_LINE, &pem);
	err = err ? err : berth_buf_append_text(&pem, "-----END CERTIFICATE REQUEST-----\n");
	return err ? berth_fail(why, err, "unit-memory", NULL, "out of memory")
		   : berth_file_write(path, berth_buf_view(&pem), 0644, why);
}

static enum berth_err
request(struct berth_pki *pki, const struct berth_arguments *arguments, struct berth_why *why)
{
	BERTH_KEY *key = NULL;
	BERTH_BUF der = {0};
	const struct berth_request_fields fields = {
		.serial_number = berth_text(berth_arguments_value(arguments, "serial"))};

	enum berth_err err = berth_keystore_use_tpm(
		pki, berth_arguments_value_or(arguments, "tpm", BERTH_TPM_TCTI_DEFAULT), why);
	err = err ? err : open_key(pki, berth_arguments_value(arguments, "key"), &key, why);
	err = err ? err : berth_request_build(pki, &fields, key, &der, why);
	return err ? err
		   : write_request(berth_buf_view(&der), berth_arguments_value(arguments, "out"),
				   why);
}

int
berth_factory_request_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	int status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	struct berth_pki *pki __attribute__((cleanup(berth_pki_closep))) = NULL;
	enum berth_err err = berth_pki_open(&pki, &why);
	err = err ? err : request(pki, &arguments, &why);
	return err ? berth_print_why(argv[0], berth_arguments_value(&arguments, "key"), &why)
		   : BERTH_EXIT_DONE;
}
