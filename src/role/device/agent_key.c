/* SPDX-License-Identifier: BSD-2-Clause */
/* Effects that last: the order is always intent on disk, then effect, then the answer to the pledge. */
#include "role/device/agent.h"

#include <stdio.h>

#include "role/device/key_name.h"
#include "system/random.h"

static void
answer(struct agent *agent, const struct berth_pledge_answer *given)
{
	struct berth_why why = {0};
	if (berth_pledge_answer(agent->pledge, agent_now(agent), given, &why)) {
		berth_log_why(&agent->device->log, BERTH_LOG_WARNING, "pledge.answer-refused", &why,
			      NULL);
	}
	agent_wake(agent);
}

void
agent_generate_key(struct agent *agent, const struct berth_pledge_event *event)
{
	struct berth_device *device = agent->device;
	const uint32_t attempt = event->attempt;
	struct berth_why why = {0};
	BERTH_KEY *key = NULL;
	const struct berth_random random = berth_system_random();
	enum berth_err err = berth_device_key_name(device->pki, device->ldevid_pattern, &random,
						   agent->key_uri, &why);
	err = err ? err
		  : berth_device_state_intend_key(device->conf->state_directory, &device->state,
						  agent->key_uri, &why);
	if (!err) {
		agent->key_attempt = attempt;
		err = berth_keystore_generate(device->pki, agent->key_uri, event->key_kind, &key,
					      &why);
	}
	const struct berth_pledge_answer given = {.kind = BERTH_PLEDGE_GENERATE_KEY,
						  .attempt = attempt,
						  .err = err,
						  .key = key,
						  .why = err ? &why : NULL};
	answer(agent, &given);
}

void
agent_forget_key(struct agent *agent, uint32_t attempt)
{
	struct berth_device *device = agent->device;
	struct berth_why why = {0};
	if (agent->key_attempt != attempt) {
		return; /* none was made */
	}
	agent->key_attempt = 0;
	if (berth_device_state_drop_key(device->pki, device->conf->state_directory, &device->state,
					agent->key_uri, &why)) {
		berth_log_why(&device->log, BERTH_LOG_WARNING, "pledge.key-not-deleted", &why,
			      NULL);
	}
}

static struct berth_cert *
keep(const struct berth_cert *cert)
{
	return berth_cert_ref((struct berth_cert *)(uintptr_t)cert);
}

static enum berth_err
describe(struct agent *agent, const struct berth_pledge_event *event,
	 struct berth_device_state *state, struct berth_why *why)
{
	const struct berth_pledge_enrolment *enrolment = event->enrolment;
	const struct berth_now now = agent_now(agent);
	state->is_enrolled = true;
	state->has_enrolled_at = now.wall_is_trusted;
	state->enrolled_at = now.wall;
	memcpy(state->key, agent->device->state.key,
	       sizeof(state->key)); /* of a certificate that was over */
	berth_device_state_take_key(state, agent->key_uri);
	memcpy(state->domain_id, enrolment->domain_id, sizeof(state->domain_id));
	state->domain_id_bytes = enrolment->domain_id_bytes;
	state->candidate.port = event->port;
	(void)snprintf(state->candidate.host, sizeof(state->candidate.host), "%s", event->host);
	state->registrar = keep(enrolment->registrar);
	state->pinned = keep(enrolment->pinned);
	enum berth_err err = berth_cert_list_copy(&state->chain, enrolment->chain, why);
	return err ? err : berth_cert_list_copy(&state->ca_set, enrolment->ca_set, why);
}

static void
drop_old_key(struct agent *agent, const char *uri)
{
	struct berth_device *device = agent->device;
	struct berth_why why = {0};
	if (berth_device_state_drop_key(device->pki, device->conf->state_directory, &device->state,
					uri, &why)) {
		berth_log_why(&device->log, BERTH_LOG_WARNING, "pledge.key-not-deleted", &why,
			      NULL);
	}
}

void
agent_save(struct agent *agent, const struct berth_pledge_event *event)
{
	struct berth_device *device = agent->device;
	const char *directory = device->conf->state_directory;
	const uint32_t attempt = event->attempt;
	struct berth_why why = {0};
	struct berth_device_state state = {0};
	char old_key[BERTH_KEY_URI_MAX];
	memcpy(old_key, device->state.key, sizeof(old_key));
	/* The one file says both: enrolled with this key, and the key pending no more. */
	enum berth_err err = describe(agent, event, &state, &why);
	err = err ? err : berth_device_state_save(directory, &state, &why);
	if (err) {
		berth_device_state_free(&state);
	} else {
		berth_device_state_free(&device->state);
		device->state = state;
		agent->key_attempt = 0;
		if (berth_device_state_publish(directory, &device->state, &why)) {
			berth_log_why(&device->log, BERTH_LOG_WARNING, "pledge.not-published", &why,
				      NULL);
		}
		if (old_key[0]) {
			drop_old_key(agent, old_key);
		}
	}
	const struct berth_pledge_answer given = {.kind = BERTH_PLEDGE_SAVE,
						  .attempt = attempt,
						  .err = err,
						  .why = err ? &why : NULL};
	answer(agent, &given);
}

void
agent_done(struct agent *agent, const struct berth_pledge_event *event)
{
	struct berth_device *device = agent->device;
	struct berth_why why = {0};
	if (event->why.err) {
		berth_log_why(&device->log, BERTH_LOG_WARNING, "pledge.not-told", &event->why,
			      NULL);
	} else {
		device->state.has_told = true;
		if (berth_device_state_save(device->conf->state_directory, &device->state, &why)) {
			berth_log_why(&device->log, BERTH_LOG_WARNING, "pledge.not-saved", &why,
				      NULL);
		}
	}
	berth_log(&device->log, BERTH_LOG_NOTICE, "pledge.enrolled", "registrar", event->host,
		  "subject", berth_cert_subject_text(device->state.chain.at[0]), NULL);
	agent_end(agent, BERTH_OK, NULL);
}
