/* SPDX-License-Identifier: BSD-2-Clause */
/* What the Controller knows: its code, who announced itself, what devices have and what access points must know of them. */
#include "role/operator/dpp_verbs.h"

#include <stdio.h>

#include "role/verb.h"

static const struct berth_option options[] = {BERTH_DPP_OPTION_SOCKET, BERTH_OPTION_JSON, {0}};
static const struct berth_option password_options[] = {
	{.name = "format",
	 .argument = "FORM",
	 .help = "wpa_psk_file or sae_password, as hostapd reads them; else a table"},
	BERTH_DPP_OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};
static const struct berth_option renew_options[] = {
	{.name = "reason", .argument = "TEXT", .help = "for the audit log"},
	BERTH_DPP_OPTION_SOCKET,
	BERTH_OPTION_JSON,
	{0},
};

static const struct berth_usage uri_usage = {
	.about = "Prints the Controller's own DPP URI, for devices that begin by themselves.",
	.options = options,
};
static const struct berth_usage chirps_usage = {
	.about = "Lists who announced itself and is not known, or not allowed yet.",
	.options = options,
};
static const struct berth_usage devices_usage = {
	.about = "Lists the devices that are known by a DPP code, and what they were given.",
	.options = options,
};
static const struct berth_usage passwords_usage = {
	.about = "Prints the password of each device that has one of its own, for the access "
		 "points.\nThese are secrets; that you asked stands in the audit log.",
	.options = password_options,
};
static const struct berth_usage renew_usage = {
	.operands = "DEVICE",
	.operands_min = 1,
	.operands_max = 1,
	.about =
		"Marks a device that is to be configured again. It comes by itself when its "
		"Connector ends or\nits network refuses it; the mark goes when it took what it was "
		"given.",
	.options = renew_options,
};

static const json_t *
object_of(const json_t *object, const char *key)
{
	return json_object_get(object, key);
}

static void
print_uri(const json_t *reply)
{
	printf("%s\n", berth_dpp_text(reply, "uri"));
}

static void
print_chirps(const json_t *reply)
{
	const json_t *chirps = object_of(reply, "unknown");

	if (json_array_size(chirps) == 0)
		printf("No unknown device announced itself.\n");
	for (size_t i = 0; i < json_array_size(chirps); i++) {
		const json_t *chirp = json_array_get(chirps, i);
		printf("%s  %5lld times, last %s, from %s\n", berth_dpp_text(chirp, "hash"),
		       (long long)json_integer_value(object_of(chirp, "count")),
		       berth_dpp_text(chirp, "last-seen"), berth_dpp_text(chirp, "from"));
	}
}

static void
print_devices(const json_t *reply)
{
	const json_t *devices = object_of(reply, "devices");

	printf("%-26s %-12s %-16s %-12s %-10s %s\n", "DEVICE", "STATE", "NETWORK", "AKM",
	       "CONNECTOR", "EXPIRES");
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *device = json_array_get(devices, i);
		const json_t *dpp = object_of(device, "dpp");
		const char *expires = berth_dpp_text(dpp, "expires");
		printf("%-26s %-12s %-16s %-12s %-10s %s%s\n", berth_dpp_text(device, "id"),
		       berth_dpp_text(device, "state"), berth_dpp_text(dpp, "ssid"),
		       berth_dpp_text(dpp, "akm"), berth_dpp_text(dpp, "connector"),
		       expires[0] == '\0' ? "never" : expires,
		       object_of(dpp, "renewal-wanted-at") == NULL ? "" : ", renewal wanted");
	}
}

static void
print_passwords(const json_t *reply)
{
	const json_t *passwords = object_of(reply, "passwords");

	for (size_t i = 0; i < json_array_size(passwords); i++) {
		const json_t *one = json_array_get(passwords, i);
		printf("%-26s %-16s %-12s %s\n", berth_dpp_text(one, "id"),
		       berth_dpp_text(one, "ssid"), berth_dpp_text(one, "akm"),
		       berth_dpp_text(one, "password"));
	}
}

/* An address of zeros is any device's: hostapd tries each line. */
static void
print_psk_file(const json_t *reply)
{
	const json_t *passwords = object_of(reply, "passwords");

	for (size_t i = 0; i < json_array_size(passwords); i++) {
		const json_t *one = json_array_get(passwords, i);
		if (strstr(berth_dpp_text(one, "akm"), "psk") != NULL)
			printf("keyid=%s 00:00:00:00:00:00 %s\n", berth_dpp_text(one, "id"),
			       berth_dpp_text(one, "password"));
	}
}

/* SAE cannot try: the device says which by the password's identifier, or its address is added here by hand. */
static void
print_sae(const json_t *reply)
{
	const json_t *passwords = object_of(reply, "passwords");

	for (size_t i = 0; i < json_array_size(passwords); i++) {
		const json_t *one = json_array_get(passwords, i);
		if (strstr(berth_dpp_text(one, "akm"), "sae") != NULL)
			printf("sae_password=%s|id=%s\n", berth_dpp_text(one, "password"),
			       berth_dpp_text(one, "id"));
	}
}

static int
ask(const struct berth_usage *usage, int argc, char **argv, const char *method, const char *path,
    void (*print)(const json_t *reply))
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	BERTH_JSON json_t *reply = NULL;
	int status = 0;

	if (!berth_arguments_parse(usage, argc, argv, &arguments, &status))
		return status;
	enum berth_err err =
		berth_admin_ask(berth_admin_socket(berth_arguments_value(&arguments, "socket")),
				method, path, BERTH_BYTES_NONE, &reply, &why);
	return berth_dpp_finish(argv[0], &arguments, err, &why, reply, print);
}

int
berth_dpp_uri_main(int argc, char **argv)
{
	return ask(&uri_usage, argc, argv, "GET", "/v1/dpp", print_uri);
}

int
berth_dpp_chirps_main(int argc, char **argv)
{
	return ask(&chirps_usage, argc, argv, "GET", "/v1/dpp", print_chirps);
}

int
berth_dpp_devices_main(int argc, char **argv)
{
	return ask(&devices_usage, argc, argv, "GET", "/v1/dpp/devices", print_devices);
}

int
berth_dpp_passwords_main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(const json_t *reply);
	} forms[] = {
		{"wpa_psk_file", print_psk_file},
		{"sae_password", print_sae},
		{"", print_passwords},
	};
	struct berth_arguments arguments;
	int status = 0;

	if (!berth_arguments_parse(&passwords_usage, argc, argv, &arguments, &status))
		return status;
	const char *form = berth_arguments_value_or(&arguments, "format", "");
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(form, forms[i].name) == 0)
			return ask(&passwords_usage, argc, argv, "POST", "/v1/dpp/passwords",
				   forms[i].print);
	}
	fprintf(stderr, "%s: there is no form %s; use wpa_psk_file or sae_password\n", argv[0],
		form);
	return BERTH_EXIT_USAGE;
}

static void
print_renewed(const json_t *reply)
{
	printf("%s is to be configured again\n", berth_dpp_text(reply, "id"));
}

static enum berth_err
build_renewal(const struct berth_arguments *arguments, struct berth_buf *path,
	      struct berth_buf *body, struct berth_why *why)
{
	const char *reason = berth_arguments_value(arguments, "reason");
	BERTH_JSON json_t *root = json_object();

	enum berth_err err = berth_buf_append_text(path, "/v1/devices/");
	err = err ? err : berth_admin_append_segment(path, arguments->operand[0]);
	err = err ? err : berth_buf_append(path, "/renew", sizeof("/renew"));
	if (!err && reason != NULL) {
		err = berth_json_set_text(root, "reason", berth_text(reason));
		err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, body);
	}
	return err ? berth_fail(why, BERTH_E_USAGE, "dpp-renew", NULL, "that is no proper text")
		   : BERTH_OK;
}

int
berth_dpp_renew_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_why why = {0};
	BERTH_BUF path = {0};
	BERTH_BUF body = {0};
	BERTH_JSON json_t *reply = NULL;
	int status = 0;

	if (!berth_arguments_parse(&renew_usage, argc, argv, &arguments, &status))
		return status;
	enum berth_err err = build_renewal(&arguments, &path, &body, &why);
	err = err ? err
		  : berth_admin_ask(berth_admin_socket(berth_arguments_value(&arguments, "socket")),
				    "POST", (const char *)path.p, berth_buf_view(&body), &reply,
				    &why);
	return berth_dpp_finish(argv[0], &arguments, err, &why, reply, print_renewed);
}
