/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/operator/print.h"

#include <stdio.h>
#include <string.h>

#define ID_WIDTH 28
#define STATE_WIDTH 16
#define MAKER_WIDTH 16
#define MODEL_WIDTH 16
#define SEGMENT_WIDTH 12

/* The text of a member, "" when it is not there. */
static const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text == NULL ? "" : text;
}

/* Returns how many characters were printed. */
static int
put(const char *text)
{
	int n = 0;
	for (; *text != '\0'; text++, n++) {
		unsigned char c = (unsigned char)*text;
		putchar(c < ' ' || c == 0x7f ? '?' : c);
	}
	return n;
}

static void
column(const char *text, int width)
{
	for (int n = put(*text == '\0' ? "-" : text); n < width; n++)
		putchar(' ');
	putchar(' ');
}

static void
line(const char *name, const char *text)
{
	if (*text == '\0')
		return;
	printf("%-18s", name);
	put(text);
	putchar('\n');
}

/* A word of the operator that the device has not come back to hear is what people want to see. */
static void
state_column(const json_t *device)
{
	const char *state = text_of(device, "state");
	const char *said = text_of(json_object_get(device, "approval"), "state");
	bool is_decided = strcmp(said, "denied") == 0 || strcmp(said, "approved") == 0;
	if (is_decided && (strcmp(state, "pending") == 0 || strcmp(state, "known") == 0)) {
		column(said, STATE_WIDTH);
		return;
	}
	char both[64];
	bool is_held = strcmp(said, "denied") == 0;
	(void)snprintf(both, sizeof(both), "%.40s%s", state, is_held ? ", denied" : "");
	column(both, STATE_WIDTH);
}

void
berth_print_devices(const json_t *reply)
{
	const json_t *devices = json_object_get(reply, "devices");
	if (json_array_size(devices) == 0) {
		puts("no devices yet");
		return;
	}
	printf("%-*s %-*s %-*s %-*s %-*s %s\n", ID_WIDTH, "DEVICE", STATE_WIDTH, "STATE",
	       MAKER_WIDTH, "MANUFACTURER", MODEL_WIDTH, "MODEL", SEGMENT_WIDTH, "SEGMENT",
	       "LAST SEEN");
	size_t i;
	json_t *device;
	json_array_foreach(devices, i, device)
	{
		column(text_of(device, "id"), ID_WIDTH);
		state_column(device);
		column(text_of(device, "manufacturer"), MAKER_WIDTH);
		column(text_of(device, "model"), MODEL_WIDTH);
		column(text_of(device, "segment"), SEGMENT_WIDTH);
		put(text_of(device, "last-seen"));
		/* devices without a role are nearly all */
		if (*text_of(device, "role") != '\0') {
			fputs("  ", stdout);
			put(text_of(device, "role"));
		}
		putchar('\n');
	}
}

static void
print_head(const json_t *reply)
{
	line("device", text_of(reply, "id"));
	line("state", text_of(reply, "state"));
	line("serial number", text_of(reply, "serial-number"));
	line("manufacturer", text_of(reply, "manufacturer"));
	line("model", text_of(reply, "model"));
	line("segment", text_of(reply, "segment"));
	line("role", text_of(reply, "role"));
	line("MUD URL", text_of(reply, "mud-url"));
	line("birth key", text_of(reply, "birth-key-sha256"));
	line("first seen", text_of(reply, "first-seen"));
	line("last seen", text_of(reply, "last-seen"));
	const json_t *approval = json_object_get(reply, "approval");
	line("approval", text_of(approval, "state"));
	line("  by", text_of(approval, "by"));
	line("  at", text_of(approval, "at"));
	line("  reason", text_of(approval, "reason"));
}

void
berth_print_device(const json_t *reply)
{
	print_head(reply);
	size_t i;
	json_t *entry;
	json_array_foreach(json_object_get(reply, "certificates"), i, entry)
	{
		line("certificate", text_of(entry, "serial"));
		line("  state", text_of(entry, "state"));
		line("  not after", text_of(entry, "not-after"));
		line("  revoked at", text_of(entry, "revoked-at"));
	}
	json_array_foreach(json_object_get(reply, "telemetry"), i, entry)
	{
		bool ok = json_is_true(json_object_get(entry, "status"));
		bool is_new = json_is_true(json_object_get(entry, "session-used-new-certificate"));
		line(text_of(entry, "kind"),
		     ok ? (is_new ? "success, on its new certificate" : "success") : "failure");
		line("  reason", text_of(entry, "reason"));
		line("  at", text_of(entry, "at"));
	}
}

static void
print_checks(const json_t *trace)
{
	size_t i;
	json_t *check;
	json_array_foreach(json_object_get(trace, "checks"), i, check)
	{
		printf("  %s ", json_is_true(json_object_get(check, "passed")) ? "ok  " : "FAIL");
		column(text_of(check, "rule"), 34);
		put(text_of(check, "evidence"));
		const char *section = text_of(check, "section");
		if (*section != '\0') {
			printf(" (");
			put(section);
			putchar(')');
		}
		putchar('\n');
	}
}

void
berth_print_decisions(const json_t *reply)
{
	print_head(reply);
	size_t i;
	json_t *decision;
	json_array_foreach(json_object_get(reply, "decisions"), i, decision)
	{
		const json_t *trace = json_object_get(decision, "trace");
		const char *rule = text_of(trace, "rule");
		putchar('\n');
		put(text_of(decision, "at"));
		putchar(' ');
		put(text_of(decision, "about"));
		printf(": ");
		put(text_of(decision, "outcome"));
		if (*rule != '\0') {
			printf(" by rule \"");
			put(rule);
			putchar('"');
		}
		putchar('\n');
		print_checks(trace);
	}
}

void
berth_print_act(const json_t *reply)
{
	put(text_of(reply, "id"));
	printf(": ");
	put(text_of(reply, "state"));
	const char *approval = text_of(json_object_get(reply, "approval"), "state");
	if (*approval != '\0') {
		printf(", ");
		put(approval);
	}
	putchar('\n');
}

void
berth_print_import(const json_t *reply)
{
	printf("%lld units, %lld new, of ",
	       (long long)json_integer_value(json_object_get(reply, "units")),
	       (long long)json_integer_value(json_object_get(reply, "added")));
	put(text_of(reply, "manufacturer"));
	printf(", batch ");
	put(text_of(reply, "batch"));
	putchar('\n');
}

void
berth_print_audit(const json_t *reply)
{
	bool holds = json_is_true(json_object_get(reply, "holds"));
	printf("%s: %lld entries", holds ? "the audit log holds" : "THE AUDIT LOG DOES NOT HOLD",
	       (long long)json_integer_value(json_object_get(reply, "entries")));
	if (holds) {
		printf(json_is_true(json_object_get(reply, "witness")) ? ", the witness agrees\n"
								       : ", no witness\n");
		return;
	}
	printf("; broken at entry %lld: ",
	       (long long)json_integer_value(json_object_get(reply, "broken-at")));
	put(text_of(reply, "reason"));
	putchar('\n');
}

#define TIME_WIDTH 22

void
berth_print_voucher(const json_t *voucher)
{
	line("serial number", text_of(voucher, "serial-number"));
	line("manufacturer", text_of(voucher, "manufacturer"));
	line("created on", text_of(voucher, "created-on"));
	line("expires on", text_of(voucher, "expires-on"));
	line("renewable until", text_of(voucher, "last-renewal-date"));
}

void
berth_print_vouchers(const json_t *reply)
{
	const json_t *vouchers = json_object_get(reply, "vouchers");
	size_t i;
	json_t *voucher;
	if (json_array_size(vouchers) == 0) {
		puts("no vouchers are kept");
		return;
	}
	printf("%-*s %-*s %-*s %s\n", ID_WIDTH, "SERIAL NUMBER", MAKER_WIDTH, "MANUFACTURER",
	       TIME_WIDTH, "EXPIRES ON", "RENEWABLE UNTIL");
	json_array_foreach(vouchers, i, voucher)
	{
		column(text_of(voucher, "serial-number"), ID_WIDTH);
		column(text_of(voucher, "manufacturer"), MAKER_WIDTH);
		column(text_of(voucher, "expires-on"), TIME_WIDTH);
		column(text_of(voucher, "last-renewal-date"), 0);
		putchar('\n');
	}
}

static long long
number_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

void
berth_print_rekey(const json_t *reply)
{
	size_t i;
	json_t *device;
	line("campaign", text_of(reply, "campaign"));
	line("devices", text_of(reply, "match"));
	line("started at", text_of(reply, "started-at"));
	line("started by", text_of(reply, "started-by"));
	line("ended at", text_of(reply, "ended-at"));
	printf("%-18s%lld of %lld; told %lld, waiting %lld, gone %lld; %lld a minute\n", "done",
	       number_of(reply, "done"), number_of(reply, "devices"), number_of(reply, "told"),
	       number_of(reply, "waiting"), number_of(reply, "gone"),
	       number_of(reply, "rate-per-minute"));
	json_array_foreach(json_object_get(reply, "open"), i, device)
	{
		column(text_of(device, "device"), ID_WIDTH);
		column(text_of(device, "told-at"), TIME_WIDTH);
		column(text_of(device, "last-seen"), 0);
		putchar('\n');
	}
}

void
berth_print_ownership(const json_t *reply)
{
	line("serial number", text_of(reply, "serial-number"));
	line("manufacturer", text_of(reply, "manufacturer"));
	line("model", text_of(reply, "model"));
	line("ownership", text_of(reply, "ownership"));
	line("owner", text_of(reply, "owner"));
}
