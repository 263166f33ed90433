/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/state.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "role/device/state_json.h"
#include "system/files.h"

#define STATE_FILE "state.json"
#define CERTIFICATE_FILE "ldevid.pem"
#define CA_FILE "owner-ca.pem"
#define PATH_MAX_BYTES 4096

static enum berth_err
make_path(const char *directory, const char *name, char path[PATH_MAX_BYTES], struct berth_why *why)
{
	const int n = snprintf(path, PATH_MAX_BYTES, "%s/%s", directory, name);
	if (n < 0 || n >= PATH_MAX_BYTES) {
		return berth_fail(why, BERTH_E_USAGE, "device-path", NULL,
				  "the state directory's path is too long");
	}
	return BERTH_OK;
}

void
berth_device_state_free(struct berth_device_state *state)
{
	berth_cert_list_free(&state->chain);
	berth_cert_list_free(&state->ca_set);
	berth_cert_free(state->registrar);
	berth_cert_free(state->pinned);
	*state = (struct berth_device_state){0};
}

enum berth_err
berth_device_state_load(struct berth_pki *pki, const char *directory,
			struct berth_device_state *ret, struct berth_why *why)
{
	char path[PATH_MAX_BYTES];
	enum berth_err err = make_path(directory, STATE_FILE, path, why);
	if (err) {
		return err;
	}
	BERTH_BUF text = {0};
	err = berth_file_read(path, BERTH_DEVICE_STATE_MAX_BYTES, &text, why);
	if (err == BERTH_E_NOT_FOUND) {
		*ret = (struct berth_device_state){0};
		return BERTH_OK;
	}
	return err ? err : berth_device_state_read(pki, berth_buf_view(&text), ret, why);
}

enum berth_err
berth_device_state_save(const char *directory, const struct berth_device_state *state,
			struct berth_why *why)
{
	char path[PATH_MAX_BYTES];
	BERTH_BUF json = {0};
	enum berth_err err = make_path(directory, STATE_FILE, path, why);
	if (!err) {
		err = berth_device_state_encode(state, &json, why);
	}
	return err ? err : berth_file_write(path, berth_buf_view(&json), 0600, why);
}

static enum berth_err
publish_list(const char *directory, const char *name, const struct berth_cert_list *list,
	     struct berth_why *why)
{
	char path[PATH_MAX_BYTES];
	BERTH_BUF pem = {0};
	enum berth_err err = make_path(directory, name, path, why);
	if (!err && list->n == 0) {
		return berth_file_remove(path, why);
	}
	for (size_t i = 0; i < list->n && !err; i++) {
		err = berth_cert_append_pem(list->at[i], &pem);
	}
	return err ? err : berth_file_write(path, berth_buf_view(&pem), 0644, why);
}

enum berth_err
berth_device_state_publish(const char *directory, const struct berth_device_state *state,
			   struct berth_why *why)
{
	enum berth_err err = publish_list(directory, CERTIFICATE_FILE, &state->chain, why);
	return err ? err : publish_list(directory, CA_FILE, &state->ca_set, why);
}

enum berth_err
berth_device_state_intend_key(const char *directory, struct berth_device_state *state,
			      const char *uri, struct berth_why *why)
{
	if (state->pending_count == BERTH_DEVICE_PENDING_MAX || strlen(uri) >= BERTH_KEY_URI_MAX) {
		return berth_fail(why, BERTH_E_LIMIT, "device-pending-keys", NULL,
				  "too many unfinished keys, or a key URI that is too long");
	}
	memcpy(state->pending[state->pending_count], uri, strlen(uri) + 1);
	state->pending_count++;
	enum berth_err err = berth_device_state_save(directory, state, why);
	if (err) {
		state->pending_count--;
	}
	return err;
}

enum berth_err
berth_device_state_copy(const struct berth_device_state *from, struct berth_device_state *ret,
			struct berth_why *why)
{
	struct berth_device_state state = *from;
	state.chain = (struct berth_cert_list){0};
	state.ca_set = (struct berth_cert_list){0};
	state.registrar = from->registrar ? berth_cert_ref(from->registrar) : NULL;
	state.pinned = from->pinned ? berth_cert_ref(from->pinned) : NULL;
	enum berth_err err = berth_cert_list_copy(&state.chain, &from->chain, why);
	err = err ? err : berth_cert_list_copy(&state.ca_set, &from->ca_set, why);
	if (err) {
		berth_device_state_free(&state);
		return err;
	}
	*ret = state;
	return BERTH_OK;
}

static void
strike_pending(struct berth_device_state *state, const char *uri)
{
	for (size_t i = 0; i < state->pending_count; i++) {
		if (strcmp(state->pending[i], uri) == 0) {
			state->pending_count--;
			memmove(state->pending[i], state->pending[state->pending_count],
				BERTH_KEY_URI_MAX);
			return;
		}
	}
}

void
berth_device_state_take_key(struct berth_device_state *state, const char *uri)
{
	char old[BERTH_KEY_URI_MAX];
	memcpy(old, state->key, sizeof(old));
	strike_pending(state, uri); /* makes the room that the old one needs */
	(void)snprintf(state->key, sizeof(state->key), "%s", uri);
	if (old[0] && state->pending_count < BERTH_DEVICE_PENDING_MAX) {
		memcpy(state->pending[state->pending_count++], old, sizeof(old));
	}
}

enum berth_err
berth_device_state_drop_key(struct berth_pki *pki, const char *directory,
			    struct berth_device_state *state, const char *uri,
			    struct berth_why *why)
{
	char gone[BERTH_KEY_URI_MAX]; /* uri may point into the list */
	const int n = snprintf(gone, sizeof(gone), "%s", uri);
	if (n < 0 || (size_t)n >= sizeof(gone)) {
		return berth_fail(why, BERTH_E_USAGE, "device-key-uri", NULL,
				  "the key URI is too long");
	}
	enum berth_err err = berth_keystore_delete(pki, gone, why);
	if (err && err != BERTH_E_NOT_FOUND) {
		return err;
	}
	strike_pending(state, gone);
	return berth_device_state_save(directory, state, why);
}

/* What a write that the power cut short leaves: one of our names, and six characters more. */
static bool
is_leftover(const char *name)
{
	static const char *const ours[] = {STATE_FILE, CERTIFICATE_FILE, CA_FILE};
	const size_t n = strlen(name);
	if (n < 8 || name[n - 7] != '.') {
		return false;
	}
	const struct berth_bytes stem = berth_bytes_of(name, n - 7);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (berth_bytes_equal_text(stem, ours[i])) {
			return true;
		}
	}
	return berth_bytes_starts_with(stem, "ldevid-") && stem.n > 4 &&
	       memcmp(stem.p + stem.n - 4, ".key", 4) == 0;
}

/* The lock is held, so nobody is writing; a half-made key must not stay on the disk. */
static enum berth_err
sweep(const char *directory, struct berth_why *why)
{
	DIR *listing = opendir(directory);
	if (!listing) {
		return berth_fail(why, BERTH_E_IO, "device-state-directory", NULL,
				  "cannot read %.160s", directory);
	}
	enum berth_err err = BERTH_OK;
	for (struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
		if (is_leftover(entry->d_name) && unlinkat(dirfd(listing), entry->d_name, 0) != 0) {
			err = berth_fail(why, BERTH_E_IO, "device-leftover", NULL,
					 "cannot remove %.160s", entry->d_name);
		}
	}
	(void)closedir(listing);
	return err;
}

enum berth_err
berth_device_state_tidy(struct berth_pki *pki, const char *directory,
			struct berth_device_state *state, size_t *ret_count, struct berth_why *why)
{
	size_t count = 0;
	while (state->pending_count) {
		enum berth_err err =
			berth_device_state_drop_key(pki, directory, state, state->pending[0], why);
		if (err) {
			return err;
		}
		count++;
	}
	enum berth_err err = sweep(directory, why);
	if (err) {
		return err;
	}
	*ret_count = count;
	return berth_device_state_publish(directory, state, why);
}

enum berth_err
berth_device_state_reset(struct berth_pki *pki, const char *directory,
			 struct berth_device_state *state, struct berth_why *why)
{
	size_t count = 0;
	enum berth_err err = berth_device_state_tidy(pki, directory, state, &count, why);
	struct berth_device_state empty = {.pending_count = state->key[0] ? 1 : 0};
	memcpy(empty.pending[0], state->key, BERTH_KEY_URI_MAX);
	err = err ? err : berth_device_state_save(directory, &empty, why);
	if (err) {
		return err;
	}
	berth_device_state_free(state);
	*state = empty;
	return berth_device_state_tidy(pki, directory, state, &count, why);
}
