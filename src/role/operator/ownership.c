/* SPDX-License-Identifier: BSD-2-Clause */
/* `berth device claim`, `release`, `transfer`: who owns a unit, settled by the registrar with the MASA. */
#include "role/operator/operator.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "pki/certificate.h"
#include "protocol/ownership/claim_code.h"
#include "role/operator/admin_client.h"
#include "role/operator/print.h"
#include "role/options.h"
#include "system/files.h"

#define CERTIFICATE_MAX_BYTES 65536
#define CODE_MODE 0600

#define OPTION_SOCKET                                                                              \
	{                                                                                          \
		.name = "socket", .argument = "PATH",                                              \
		.help = "the registrar's admin socket; else $BERTH_ADMIN_SOCKET, "                 \
			"else " BERTH_ADMIN_SOCKET_DEFAULT                                         \
	}

static const struct berth_option claim_options[] = {
	{.name = "code-file",
	 .argument = "FILE",
	 .help = "holds the unit's claim code; - is standard input",
	 .required = true},
	{.name = "manufacturer",
	 .argument = "NAME",
	 .help = "whose make it is, where nothing is known of it yet"},
	OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};
static const struct berth_option release_options[] = {
	{.name = "next-code-file",
	 .argument = "FILE",
	 .help = "a new claim code for the next owner; drawn and written there, or taken from it"},
	OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};
static const struct berth_option transfer_options[] = {
	{.name = "owner",
	 .argument = "CERT.pem",
	 .help = "the next owner's domain CA",
	 .required = true},
	{.name = "name", .argument = "TEXT", .help = "the next owner; else the certificate's"},
	OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};

static const struct berth_usage claim_usage = {
	.operands = "SERIAL",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Makes a unit that nobody owns this domain's: the registrar tells its MASA the "
		 "one-time code that came with it.",
	.options = claim_options};
static const struct berth_usage release_usage = {
	.operands = "DEVICE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Lets a unit go at its MASA: nobody owns it then, and its next owner may claim "
		 "it. Asking again is harmless.",
	.options = release_options};
static const struct berth_usage transfer_usage = {
	.operands = "DEVICE",
	.operands_min = 1,
	.operands_max = 1,
	.about = "Hands a unit to another domain at its MASA.",
	.options = transfer_options};

/* ---- codes ---- */

static enum berth_err
read_input(struct berth_buf *text, struct berth_why *why)
{
	uint8_t bytes[BERTH_CLAIM_CODE_INPUT_MAX + 1];
	enum berth_err err = BERTH_OK;
	ssize_t n = 1;

	while (!err && n > 0 && text->n < sizeof(bytes)) {
		n = read(STDIN_FILENO, bytes, sizeof(bytes) - text->n);
		if (n < 0)
			err = berth_fail(why, BERTH_E_IO, "claim-code-input", NULL,
					 "standard input cannot be read");
		if (n > 0)
			err = berth_buf_append(text, bytes, (size_t)n);
	}
	berth_wipe(bytes, sizeof(bytes));
	return err;
}

static enum berth_err
read_code(const char *from, struct berth_claim_code *ret, struct berth_why *why)
{
	BERTH_BUF text = {.limit = BERTH_CLAIM_CODE_INPUT_MAX + 1};
	enum berth_err err =
		strcmp(from, "-") == 0
			? read_input(&text, why)
			: berth_file_read_private(from, BERTH_CLAIM_CODE_INPUT_MAX, &text, why);
	struct berth_bytes line = berth_buf_view(&text);

	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	err = err ? err : berth_claim_code_parse(line, ret, why);
	if (text.p)
		berth_wipe(text.p, text.n);
	return err;
}

/* On the disk before the MASA hears of it: a code that nobody has would lock the unit. */
static enum berth_err
draw_code(struct berth_pki *pki, const char *path, struct berth_claim_code *ret,
	  struct berth_why *why)
{
	char text[BERTH_CLAIM_CODE_TEXT_MAX + 1];
	const struct berth_random random = berth_pki_random(pki);

	berth_claim_code_draw(&random, ret);
	(void)berth_claim_code_text(ret, text);
	size_t n = strlen(text);
	text[n] = '\n';
	enum berth_err err = berth_file_write(path, berth_bytes_of(text, n + 1), CODE_MODE, why);
	berth_wipe(text, sizeof(text));
	return err;
}

static enum berth_err
put_next_code(const char *path, json_t *root, struct berth_why *why)
{
	BERTH_CLEANUP(berth_pki_closep) struct berth_pki *pki = NULL;
	BERTH_CLAIM_CODE code = {0};
	struct berth_claim_digest digest;
	enum berth_err err = berth_pki_open(&pki, why);

	if (err)
		return err;
	err = read_code(path, &code, why);
	if (err == BERTH_E_NOT_FOUND)
		err = draw_code(pki, path, &code, why);
	if (err)
		return err;
	const struct berth_random random = berth_pki_random(pki);
	berth_random_fill(&random, digest.salt, sizeof(digest.salt));
	err = berth_claim_code_digest(pki, &code, &digest, why);
	if (err)
		return err;
	err = berth_json_set_base64(root, "claim-salt",
				    berth_bytes_of(digest.salt, sizeof(digest.salt)));
	err = err ? err
		  : berth_json_set_base64(root, "claim-sha256",
					  berth_bytes_of(digest.sha256, sizeof(digest.sha256)));
	return err ? berth_fail(why, err, "memory", NULL, "out of memory") : BERTH_OK;
}

/* ---- bodies ---- */

static enum berth_err
claim_body(const struct berth_arguments *arguments, json_t *root, struct berth_why *why)
{
	BERTH_CLAIM_CODE code = {0};
	char text[BERTH_CLAIM_CODE_TEXT_MAX];
	const char *maker = berth_arguments_value(arguments, "manufacturer");
	enum berth_err err = read_code(berth_arguments_value(arguments, "code-file"), &code, why);

	if (err)
		return err;
	err = berth_json_set_text(root, "code", berth_text(berth_claim_code_text(&code, text)));
	berth_wipe(text, sizeof(text));
	if (!err && maker != NULL)
		err = berth_json_set_text(root, "manufacturer", berth_text(maker));
	return err ? berth_fail(why, BERTH_E_USAGE, "operator-manufacturer", NULL,
				"--manufacturer is no proper text")
		   : BERTH_OK;
}

static enum berth_err
release_body(const struct berth_arguments *arguments, json_t *root, struct berth_why *why)
{
	const char *path = berth_arguments_value(arguments, "next-code-file");

	return path == NULL ? BERTH_OK : put_next_code(path, root, why);
}

static enum berth_err
transfer_body(const struct berth_arguments *arguments, json_t *root, struct berth_why *why)
{
	BERTH_CLEANUP(berth_pki_closep) struct berth_pki *pki = NULL;
	BERTH_CERT_LIST owner = {0};
	BERTH_BUF pem = {0};
	const char *name = berth_arguments_value(arguments, "name");
	enum berth_err err = berth_file_read(berth_arguments_value(arguments, "owner"),
					     CERTIFICATE_MAX_BYTES, &pem, why);

	err = err ? err : berth_pki_open(&pki, why);
	err = err ? err : berth_cert_list_parse(pki, berth_buf_view(&pem), &owner, why);
	if (err)
		return err;
	err = berth_json_set_base64(root, "owner-certificate", berth_cert_der(owner.at[0]));
	if (!err && name != NULL)
		err = berth_json_set_text(root, "owner-name", berth_text(name));
	return err ? berth_fail(why, BERTH_E_USAGE, "operator-name", NULL,
				"--name is no proper text")
		   : BERTH_OK;
}

/* ---- the verbs ---- */

typedef enum berth_err make_body(const struct berth_arguments *arguments, json_t *root,
				 struct berth_why *why);

static enum berth_err
ask(const struct berth_arguments *arguments, const char *act, make_body *make, json_t **reply,
    struct berth_why *why)
{
	BERTH_BUF path = {0};
	BERTH_BUF body = {0};
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = make(arguments, root, why);

	if (err)
		return err;
	err = berth_buf_append_text(&path, "/v1/devices/");
	err = err ? err : berth_admin_append_segment(&path, arguments->operand[0]);
	err = err ? err : berth_buf_printf(&path, "/%s", act);
	err = err ? err : berth_buf_append_u8(&path, 0);
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, &body);
	err = err ? berth_fail(why, err, "memory", NULL, "out of memory")
		  : berth_admin_ask(berth_admin_socket(berth_arguments_value(arguments, "socket")),
				    "POST", (const char *)path.p, berth_buf_view(&body), reply,
				    why);
	if (body.p)
		berth_wipe(body.p, body.n);
	return err;
}

static int
ownership_main(const struct berth_usage *usage, const char *act, make_body *make, int argc,
	       char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	BERTH_JSON json_t *reply = NULL;
	BERTH_BUF text = {0};
	int status = 0;

	if (!berth_arguments_parse(usage, argc, argv, &arguments, &status))
		return status;
	if (ask(&arguments, act, make, &reply, &why))
		return berth_print_why(argv[0], arguments.operand[0], &why);
	if (!berth_arguments_has(&arguments, "json")) {
		berth_print_ownership(reply);
		return BERTH_EXIT_DONE;
	}
	if (berth_json_encode(reply, BERTH_JSON_AS_BUILT, &text))
		return BERTH_EXIT_FAILED;
	printf("%.*s\n", (int)text.n, (const char *)text.p);
	return BERTH_EXIT_DONE;
}

static int
claim_main(int argc, char **argv)
{
	return ownership_main(&claim_usage, "claim", claim_body, argc, argv);
}

static int
release_main(int argc, char **argv)
{
	return ownership_main(&release_usage, "release", release_body, argc, argv);
}

static int
transfer_main(int argc, char **argv)
{
	return ownership_main(&transfer_usage, "transfer", transfer_body, argc, argv);
}

const struct berth_verb berth_operator_ownership_verbs[] = {
	{"device", "claim", "own a unit by the one-time code that came with it", claim_main},
	{"device", "release", "let a unit go, so that another may claim it", release_main},
	{"device", "transfer", "hand a unit to another domain", transfer_main},
	{0},
};
