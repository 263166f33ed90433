/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A renewal's effects that last, in an order that the power may cut anywhere: the new key is noted, then made; the state
 * that names key and certificate replaces the old one as a whole, and lists the old key as one to delete; then that
 * goes. Before that write the old certificate is whole, after it the new one.
 */
#include <stdio.h>

#include "role/device/keeper.h"
#include "role/device/key_name.h"
#include "system/random.h"

static void
answer(struct keeper *keeper, const struct berth_renewal_answer *given)
{
	struct berth_why why = {0};
	if (berth_renewal_answer(keeper->renewal, keeper_now(keeper), given, &why)) {
		berth_log_why(&keeper->device->log, BERTH_LOG_WARNING, "renewal.answer-refused",
			      &why, NULL);
	}
	keeper_wake(keeper);
}

void
keeper_generate_key(struct keeper *keeper, const struct berth_renewal_event *event)
{
	struct berth_device *device = keeper->device;
	struct berth_why why = {0};
	BERTH_KEY *key = NULL;
	const struct berth_random random = berth_system_random();
	enum berth_err err = berth_device_key_name(device->pki, device->ldevid_pattern, &random,
						   keeper->key_uri, &why);
	err = err ? err
		  : berth_device_state_intend_key(device->conf->state_directory, &device->state,
						  keeper->key_uri, &why);
	if (err) {
		keeper->key_uri[0] = 0;
	} else {
		err = berth_keystore_generate(device->pki, keeper->key_uri, event->key_kind, &key,
					      &why);
	}
	answer(keeper, &(struct berth_renewal_answer){.kind = BERTH_RENEWAL_GENERATE_KEY,
						      .err = err,
						      .key = key,
						      .why = err ? &why : NULL});
}

static void
drop_key(struct keeper *keeper, const char *uri)
{
	struct berth_device *device = keeper->device;
	struct berth_why why = {0};
	if (berth_device_state_drop_key(device->pki, device->conf->state_directory, &device->state,
					uri, &why)) {
		berth_log_why(&device->log, BERTH_LOG_WARNING, "renewal.key-not-deleted", &why,
			      NULL);
	}
}

void
keeper_forget_key(struct keeper *keeper)
{
	if (keeper->key_uri[0]) {
		drop_key(keeper, keeper->key_uri);
		keeper->key_uri[0] = 0;
	}
}

/* The state with what the machine wants kept; the key that it replaces is listed to be deleted. */
static enum berth_err
describe(struct keeper *keeper, const struct berth_renewal_event *event,
	 struct berth_device_state *state, struct berth_why *why)
{
	const struct berth_now now = keeper_now(keeper);
	enum berth_err err = berth_device_state_copy(&keeper->device->state, state, why);
	if (err) {
		return err;
	}
	state->candidate.port = event->place->port;
	(void)snprintf(state->candidate.host, sizeof(state->candidate.host), "%s",
		       event->place->host);
	err = berth_cert_list_copy(&state->ca_set, event->ca_set, why);
	if (err || !event->is_renewed) {
		return err;
	}
	err = berth_cert_list_copy(&state->chain, event->chain, why);
	berth_device_state_take_key(state, keeper->key_uri);
	state->has_enrolled_at = now.wall_is_trusted;
	state->enrolled_at = now.wall;
	return err;
}

static void
finish(struct keeper *keeper, bool is_renewed, const char *old_key)
{
	struct berth_device *device = keeper->device;
	struct berth_why why = {0};
	if (berth_device_state_publish(device->conf->state_directory, &device->state, &why)) {
		berth_log_why(&device->log, BERTH_LOG_WARNING, "renewal.not-published", &why, NULL);
	}
	if (is_renewed) {
		keeper->key_uri[0] = 0;
		drop_key(keeper, old_key);
	}
}

void
keeper_save(struct keeper *keeper, const struct berth_renewal_event *event)
{
	struct berth_device *device = keeper->device;
	const bool is_renewed = event->is_renewed;
	struct berth_device_state state = {0};
	struct berth_why why = {0};
	char old_key[BERTH_KEY_URI_MAX];
	memcpy(old_key, device->state.key, sizeof(old_key));
	enum berth_err err = describe(keeper, event, &state, &why);
	err = err ? err : berth_device_state_save(device->conf->state_directory, &state, &why);
	if (err) {
		berth_device_state_free(&state);
	} else {
		berth_device_state_free(&device->state);
		device->state = state;
		finish(keeper, is_renewed, old_key);
	}
	answer(keeper, &(struct berth_renewal_answer){
			       .kind = BERTH_RENEWAL_SAVE, .err = err, .why = err ? &why : NULL});
}
