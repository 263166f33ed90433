/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/gateway/held.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/json.h"
#include "system/clock.h"
#include "system/files.h"

#define PATH_BYTES 1024
#define STATUS_MAX_BYTES 4096
#define HELD_MAX_BYTES BERTH_GATEWAY_STATE_BYTES(BERTH_GATEWAY_DEVICES_MAX)
#define HELD_MAX_VALUES 65536 /* 4096 devices of six values, and what stands around them */
#define ID_WIDTH 40
#define STATE_WIDTH 12

static const char *const stream_names[] = {
	[BERTH_GATEWAY_STREAM_ONBOARDING] = "onboarding",
	[BERTH_GATEWAY_STREAM_AWAY] = "away",
	[BERTH_GATEWAY_STREAM_UP] = "up",
	[BERTH_GATEWAY_STREAM_REFUSED] = "refused",
};

const char *
berth_gateway_stream_state_name(enum berth_gateway_stream_state state)
{
	return stream_names[state];
}

static enum berth_err
join(const char *directory, const char *name, char path[PATH_BYTES], struct berth_why *why)
{
	int n = snprintf(path, PATH_BYTES, "%s/%s", directory, name);

	return n > 0 && n < PATH_BYTES ? BERTH_OK
				       : berth_fail(why, BERTH_E_USAGE, "gateway-directory", NULL,
						    "the directory's name is too long");
}

enum berth_err
berth_gateway_held_load(const char *directory, struct berth_desired_state *ret,
			struct berth_why *why)
{
	char path[PATH_BYTES];
	BERTH_BUF json = {0};
	enum berth_err err = join(directory, "desired-state.json", path, why);

	err = err ? err : berth_file_read(path, HELD_MAX_BYTES, &json, why);
	if (err == BERTH_E_NOT_FOUND)
		return BERTH_OK;
	return err ? err
		   : berth_desired_state_parse(berth_buf_view(&json), BERTH_GATEWAY_DEVICES_MAX,
					       ret, why);
}

enum berth_err
berth_gateway_held_save(const char *directory, const struct berth_desired_state *state,
			struct berth_why *why)
{
	char path[PATH_BYTES];
	BERTH_BUF json = {0};
	enum berth_err err = join(directory, "desired-state.json", path, why);

	err = err ? err : berth_desired_state_build(state, &json, why);
	return err ? err : berth_file_write(path, berth_buf_view(&json), 0600, why);
}

enum berth_err
berth_gateway_status_save(const char *directory, const struct berth_gateway_status *status,
			  struct berth_why *why)
{
	char path[PATH_BYTES];
	BERTH_BUF json = {0};
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = join(directory, "status.json", path, why);

	err = err ? err
		  : berth_json_set_text(
			    root, "stream",
			    berth_text(berth_gateway_stream_state_name(status->stream)));
	err = err ? err : berth_json_set_bool(root, "proxying", status->is_proxying);
	err = err ? err : berth_json_set_i64(root, "lease-until-ms", status->lease_until.ms);
	err = err ? err : berth_json_set_i64(root, "not-reported", status->never_told);
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, &json);
	return err ? err : berth_file_write(path, berth_buf_view(&json), 0600, why);
}

bool
berth_gateway_status_was_refused(const char *directory)
{
	char path[PATH_BYTES];
	BERTH_BUF json = {0};
	BERTH_JSON json_t *root = NULL;
	struct berth_bytes stream = BERTH_BYTES_NONE;
	enum berth_err err = join(directory, "status.json", path, NULL);

	err = err ? err : berth_file_read(path, STATUS_MAX_BYTES, &json, NULL);
	err = err ? err : berth_json_parse(berth_buf_view(&json), NULL, &root, NULL);
	err = err ? err : berth_json_get_text(root, "stream", BERTH_JSON_REQUIRED, &stream, NULL);
	return !err && berth_bytes_equal_text(stream, stream_names[BERTH_GATEWAY_STREAM_REFUSED]);
}

enum berth_err
berth_gateway_held_lock(const char *directory, int *ret_fd, struct berth_why *why)
{
	char path[PATH_BYTES];
	enum berth_err err = berth_folder_make(directory, 0700, why);

	err = err ? err : join(directory, "lock", path, why);
	err = err ? err : berth_file_lock(path, ret_fd, why);
	if (err == BERTH_E_EXISTS)
		return berth_fail(why, err, "gateway-running", NULL,
				  "another berth-gateway works on %.120s: stop it first",
				  directory);
	return err;
}

/* ---- for people and programs ---- */

struct reading {
	json_t *root;
	struct berth_bytes stream;
	bool is_proxying;
	int64_t left_s;
	int64_t never_told;
};

/* What a gateway that has ended, or that the machine's restart has ended, said last does not count. */
static enum berth_err
read_status(const char *directory, struct reading *ret, struct berth_why *why)
{
	char path[PATH_BYTES];
	BERTH_BUF json = {0};
	BERTH_FD lock = -1;
	int64_t until_ms = 0;
	enum berth_err err = join(directory, "status.json", path, why);

	ret->stream = BERTH_LIT("stopped");
	if (!err && berth_gateway_held_lock(directory, &lock, NULL) == BERTH_OK)
		return BERTH_OK;
	err = err ? err : berth_file_read(path, STATUS_MAX_BYTES, &json, why);
	err = err ? err : berth_json_parse(berth_buf_view(&json), NULL, &ret->root, why);
	err = err ? err
		  : berth_json_get_text(ret->root, "stream", BERTH_JSON_REQUIRED, &ret->stream,
					why);
	err = err ? err
		  : berth_json_get_bool(ret->root, "proxying", BERTH_JSON_REQUIRED,
					&ret->is_proxying, why);
	err = err ? err
		  : berth_json_get_i64(ret->root, "lease-until-ms", BERTH_JSON_REQUIRED, 0,
				       INT64_MAX, &until_ms, why);
	err = err ? err
		  : berth_json_get_i64(ret->root, "not-reported", BERTH_JSON_REQUIRED, 0, INT64_MAX,
				       &ret->never_told, why);
	ret->left_s = (until_ms - berth_clock_mono().ms) / 1000;
	if (ret->left_s < 0)
		ret->left_s = 0;
	return err;
}

static enum berth_err
describe(const char *directory, const struct berth_desired_state *held, json_t *root,
	 struct berth_why *why)
{
	struct reading status = {0};
	const struct berth_json_limits limits = {.max_bytes = HELD_MAX_BYTES,
						 .max_values = HELD_MAX_VALUES};
	BERTH_JSON json_t *told = NULL;
	BERTH_BUF json = {0};
	json_t *devices = NULL;
	enum berth_err err = read_status(directory, &status, why);

	err = err ? err : berth_json_set_text(root, "stream", status.stream);
	err = err ? err : berth_json_set_bool(root, "proxying", status.is_proxying);
	err = err ? err : berth_json_set_i64(root, "not-reported", status.never_told);
	json_decref(status.root);
	err = err ? err : berth_json_set_i64(root, "generation", held->generation);
	err = err ? err : berth_json_set_i64(root, "lease-left-s", status.left_s);
	err = err ? err : berth_json_set_i64(root, "devices-total", (int64_t)held->total);
	if (err || !held->generation)
		return err ? err : berth_json_set(root, "devices", json_array());
	err = berth_desired_state_build(held, &json, why);
	err = err ? err : berth_json_parse(berth_buf_view(&json), &limits, &told, why);
	err = err ? err : berth_json_get_array(told, "devices", BERTH_JSON_REQUIRED, &devices, why);
	return err ? err : berth_json_set(root, "devices", json_incref(devices));
}

static void
print_people(const json_t *root, const struct berth_desired_state *held)
{
	printf("stream        %s\n", json_string_value(json_object_get(root, "stream")));
	printf("proxying      %s\n",
	       json_is_true(json_object_get(root, "proxying")) ? "yes" : "no");
	printf("generation    %lld\n", (long long)held->generation);
	printf("lease left    %lld s\n",
	       (long long)json_integer_value(json_object_get(root, "lease-left-s")));
	printf("not reported  %lld\n",
	       (long long)json_integer_value(json_object_get(root, "not-reported")));
	printf("devices       %zu", held->count);
	if (held->count < held->total)
		printf(" of %zu: a gateway keeps no more", held->total);
	printf("\n");
	for (size_t i = 0; i < held->count; i++)
		printf("%-*s %-*s %s\n", ID_WIDTH, held->devices[i].id, STATE_WIDTH,
		       berth_device_state_name(held->devices[i].state), held->devices[i].segment);
}

enum berth_err
berth_gateway_held_print(const char *directory, bool as_json, struct berth_why *why)
{
	BERTH_DESIRED_STATE held = {0};
	BERTH_JSON json_t *root = json_object();
	BERTH_BUF json = {0};

	enum berth_err err = berth_gateway_held_load(directory, &held, why);

	err = err ? err : describe(directory, &held, root, why);
	if (!err && !as_json)
		print_people(root, &held);
	if (!err && as_json) {
		err = berth_json_encode(root, BERTH_JSON_AS_BUILT, &json);
		printf("%.*s\n", (int)json.n, (const char *)json.p);
	}
	return err;
}
