/* SPDX-License-Identifier: BSD-2-Clause */
/* berth-device --config FILE run|dpp|wi-fi|status|reset */
#include <stdio.h>
#include <sys/prctl.h>

#include "base/base64.h"
#include "base/hex.h"
#include "codec/json.h"
#include "role/device/device.h"
#include "role/device/dpp.h"
#include "role/device/key_name.h"
#include "role/device/wifi.h"
#include "role/options.h"
#include "role/verb.h"
#include "system/process.h"
#include "system/sandbox.h"

#define TIMEOUT_DEFAULT_S 60
#define TIMEOUT_MAX_S (7 * 86400)

static const struct berth_option options[] = {
	{.name = "config", .argument = "FILE", .help = "configuration", .required = true},
	{.name = "once", .help = "run: end when it cannot be done (exit 3 refused, 5 unreachable)"},
	{.name = "reconfigure", .help = "dpp: although configured, by the same Configurator"},
	{.name = "timeout", .argument = "SECONDS", .help = "run --once: at most so long (60)"},
	BERTH_OPTION_JSON,
	{0},
};

static const struct berth_usage usage = {
	.operands = "run|dpp|wi-fi|status|reset|check-config",
	.operands_min = 1,
	.operands_max = 1,
	.about = "The agent on a device. run onboards it and then renews its certificate, with "
		 "--once it ends\n"
		 "when it is enrolled; status says who\n"
		 "it is and to whom it belongs; dpp has it configured by Wi-Fi Easy Connect, and "
		 "ends "
		 "then;\n"
		 "reset deletes its local key, certificate and "
		 "state,\n"
		 "after which it onboards again.",
	.options = options,
};

static enum berth_err
give_up_privilege(const struct berth_device *device, struct berth_why *why)
{
	const struct berth_device_conf *conf = device->conf;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		return berth_fail(why, BERTH_E_IO, "device-no-new-privs", NULL,
				  "the kernel refused no_new_privs");
	}
	struct berth_keystore_needs birth;
	struct berth_keystore_needs own;
	enum berth_err err = berth_keystore_needs(conf->idevid_key, conf->tpm, &birth, why);
	err = err ? err : berth_device_key_needs(device->ldevid_pattern, conf->tpm, &own, why);
	if (err) {
		return err;
	}
	if (own.is_unknown) {
		return BERTH_OK; /* a token's module opens what it needs, where we do not know */
	}
	struct berth_sandbox sandbox = {
		.read = {"/"},
		.write = {conf->state_directory},
		.sockets = BERTH_SANDBOX_INET,
		.holds_secrets = true,
	};
	/* A TPM is opened for each signature; the birth key's file was read already. */
	const char *const more[] = {own.folder, own.device, birth.device};
	size_t n = 1;
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		if (more[i][0] != '\0') {
			sandbox.write[n++] = more[i];
		}
	}
	struct berth_sandbox_report report;
	return berth_sandbox_enter(&sandbox, &report, why);
}

static int
say(const struct berth_why *why)
{
	return berth_print_why("berth-device", NULL, why);
}

/* First of all: the birth key and the state are that user's, so nothing needs more. */
static enum berth_err
open_as_user(const struct berth_device_conf *conf, struct berth_device *device,
	     struct berth_why *why)
{
	enum berth_err err = conf->user ? berth_process_become(conf->user, why) : BERTH_OK;
	return err ? err : berth_device_open(conf, true, device, why);
}

static int
run(const struct berth_device_conf *conf, const struct berth_device_run *how)
{
	struct berth_device device;
	struct berth_why why = {0};
	enum berth_err err = open_as_user(conf, &device, &why);
	if (err) {
		return say(&why);
	}
	err = give_up_privilege(&device, &why);
	err = err ? err : berth_device_onboard(&device, how, &why);
	if (!err && !how->once) {
		err = berth_device_keep(&device, &why);
	}
	berth_device_close(&device);
	if (err == BERTH_E_PENDING) {
		return BERTH_EXIT_DONE; /* asked to end */
	}
	return err ? say(&why) : BERTH_EXIT_DONE;
}

/* Without a birth certificate: the bootstrapping key is all that a device needs to be configured. */
static int
dpp(const struct berth_device_conf *conf, const struct berth_device_run *how)
{
	struct berth_why why = {0};
	enum berth_err err = conf->user ? berth_process_become(conf->user, &why) : BERTH_OK;
	err = err ? err : berth_device_dpp(conf, how, &why);
	if (err == BERTH_E_PENDING) {
		return BERTH_EXIT_DONE; /* asked to end */
	}
	return err ? say(&why) : BERTH_EXIT_DONE;
}

static int
wifi(const struct berth_device_conf *conf, const char *path)
{
	struct berth_why why = {0};
	const enum berth_err err = berth_device_wifi(conf, path, &why);
	if (err == BERTH_E_PENDING) {
		return BERTH_EXIT_DONE; /* asked to end */
	}
	return err ? say(&why) : BERTH_EXIT_DONE;
}

static int
reset_dpp(const struct berth_device_conf *conf)
{
	struct berth_why why = {0};
	enum berth_err err = conf->user ? berth_process_become(conf->user, &why) : BERTH_OK;
	err = err ? err : berth_device_dpp_reset(conf, &why);
	return err ? say(&why) : BERTH_EXIT_DONE;
}

static int
say_no_birth(const char *verb)
{
	struct berth_why why = {0};
	berth_why_fill(&why, BERTH_E_USAGE, "device-birth", NULL, 0,
		       "%.20s needs a birth certificate (idevid-certificates), and this device has "
		       "none: it is configured with \"dpp\"",
		       verb);
	return say(&why);
}

static int
reset(const struct berth_device_conf *conf)
{
	struct berth_device device;
	struct berth_why why = {0};
	enum berth_err err = open_as_user(conf, &device, &why);
	if (err) {
		return say(&why);
	}
	err = berth_device_state_reset(device.pki, conf->state_directory, &device.state, &why);
	if (!err) {
		berth_log(&device.log, BERTH_LOG_NOTICE, "device.reset", NULL);
	}
	berth_device_close(&device);
	if (!err && conf->dpp_key) {
		err = berth_device_dpp_reset(conf, &why);
	}
	return err ? say(&why) : BERTH_EXIT_DONE;
}

static enum berth_err
describe_certificate(json_t *root, const struct berth_device_state *state)
{
	const struct berth_cert *cert = state->chain.at[0];
	char time[BERTH_TIME_TEXT_MAX];
	BERTH_BUF serial = {0};
	BERTH_JSON json_t *object = json_object();
	enum berth_err err = berth_hex_encode(berth_cert_serial(cert), &serial);
	err = err ? err
		  : berth_json_set_text(object, "subject",
					berth_text(berth_cert_subject_text(cert)));
	err = err ? err
		  : berth_json_set_text(object, "issuer", berth_text(berth_cert_issuer_text(cert)));
	err = err ? err : berth_json_set_text(object, "serial", berth_buf_view(&serial));
	err = err ? err
		  : berth_json_set_text(
			    object, "not-after",
			    berth_text(berth_wall_format(berth_cert_not_after(cert), time)));
	return err ? err : berth_json_set(root, "certificate", json_incref(object));
}

static enum berth_err
describe_enrolment(json_t *root, const struct berth_device_state *state)
{
	char time[BERTH_TIME_TEXT_MAX];
	enum berth_storage_class storage = BERTH_STORAGE_FILE;
	enum berth_err err = describe_certificate(root, state);
	err = err ? err : berth_keystore_storage(state->key, &storage, NULL);
	err = err ? err
		  : berth_json_set_text(root, "key-storage",
					berth_text(berth_storage_class_name(storage)));
	err = err ? err
		  : berth_json_set_base64(root, "domain-id",
					  berth_bytes_of(state->domain_id, state->domain_id_bytes));
	err = err ? err
		  : berth_json_set_text(root, "registrar",
					berth_text(berth_cert_subject_text(state->registrar)));
	err = err ? err
		  : berth_json_set_text(root, "registrar-host", berth_text(state->candidate.host));
	err = err ? err : berth_json_set_i64(root, "registrar-port", state->candidate.port);
	err = err ? err : berth_json_set_bool(root, "told", state->has_told);
	if (!err && state->has_enrolled_at) {
		err = berth_json_set_text(root, "enrolled-at",
					  berth_text(berth_wall_format(state->enrolled_at, time)));
	}
	return err;
}

static enum berth_err
describe(const struct berth_device *device, json_t *root)
{
	const struct berth_cert *idevid = device->idevid.at[0];
	const bool is_enrolled = device->state.is_enrolled;
	enum berth_err err = berth_json_set_text(
		root, "state", is_enrolled ? BERTH_LIT("enrolled") : BERTH_LIT("unconfigured"));
	err = err ? err
		  : berth_json_set_text(root, "serial-number",
					berth_cert_subject_serial_number(idevid));
	err = err ? err
		  : berth_json_set_text(root, "birth-certificate",
					berth_text(berth_cert_subject_text(idevid)));
	return !err && is_enrolled ? describe_enrolment(root, &device->state) : err;
}

/* The same members as the JSON, one a line. */
static void
print_members(json_t *object)
{
	const char *key = NULL;
	json_t *value = NULL;
	json_object_foreach(object, key, value)
	{
		if (json_is_string(value)) {
			printf("%-18s %s\n", key, json_string_value(value));
		} else if (json_is_integer(value)) {
			printf("%-18s %lld\n", key, (long long)json_integer_value(value));
		} else if (json_is_boolean(value)) {
			printf("%-18s %s\n", key, json_is_true(value) ? "yes" : "no");
		}
	}
}

static int
print_status(const struct berth_device *device, bool as_json)
{
	BERTH_JSON json_t *root = json_object();
	BERTH_BUF text = {0};
	struct berth_why why = {0};
	enum berth_err err = describe(device, root);
	if (!err && as_json) {
		err = berth_json_encode(root, BERTH_JSON_AS_BUILT, &text);
	}
	if (err) {
		berth_ignore(berth_fail(&why, err, "device-status", NULL,
					"the status does not fit into memory"),
			     "said below");
		return say(&why);
	}
	if (as_json) {
		printf("%.*s\n", (int)text.n, (const char *)text.p);
		return BERTH_EXIT_DONE;
	}
	print_members(root);
	json_t *certificate = json_object_get(root, "certificate");
	if (certificate) {
		print_members(certificate);
	}
	return BERTH_EXIT_DONE;
}

static int
status(const struct berth_device_conf *conf, bool as_json)
{
	struct berth_device device;
	struct berth_why why = {0};
	if (berth_device_open(conf, false, &device, &why)) {
		return say(&why);
	}
	const int exit_status = print_status(&device, as_json);
	berth_device_close(&device);
	return exit_status;
}

static int
dispatch(const struct berth_arguments *arguments, const struct berth_device_conf *conf)
{
	const char *verb = arguments->operand[0];
	struct berth_device_run how = {.once = berth_arguments_has(arguments, "once")};
	how.again = strcmp(verb, "dpp") == 0 && berth_arguments_has(arguments, "reconfigure");
	if (!berth_arguments_number(arguments, "berth-device", "timeout", 1, TIMEOUT_MAX_S,
				    TIMEOUT_DEFAULT_S, &how.timeout_s)) {
		return BERTH_EXIT_USAGE;
	}
	if (strcmp(verb, "dpp") == 0) {
		return dpp(conf, &how);
	}
	if (strcmp(verb, "wi-fi") == 0) {
		return wifi(conf, berth_arguments_value(arguments, "config"));
	}
	if (!berth_device_conf_has_birth(conf) && strcmp(verb, "reset") == 0) {
		return reset_dpp(conf);
	}
	if (!berth_device_conf_has_birth(conf) && strcmp(verb, "check-config") != 0) {
		return say_no_birth(verb);
	}
	if (strcmp(verb, "run") == 0) {
		return run(conf, &how);
	}
	if (strcmp(verb, "status") == 0) {
		return status(conf, berth_arguments_has(arguments, "json"));
	}
	if (strcmp(verb, "reset") == 0) {
		return reset(conf);
	}
	if (strcmp(verb, "check-config") == 0) {
		return BERTH_EXIT_DONE;
	}
	(void)fprintf(stderr,
		      "berth-device: %.40s: say run, dpp, wi-fi, status, reset or check-config\n",
		      verb);
	return BERTH_EXIT_USAGE;
}

int
berth_device_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	int exit_status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &exit_status)) {
		return exit_status;
	}
	BERTH_CONF conf = {0};
	struct berth_device_conf settings = {0};
	struct berth_why why = {0};
	if (berth_device_conf_load(berth_arguments_value(&arguments, "config"), &conf, &settings,
				   &why)) {
		return say(&why);
	}
	return dispatch(&arguments, &settings);
}
