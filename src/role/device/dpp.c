/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/dpp.h"

#include <signal.h>
#include <stdio.h>

#include "codec/dpp_uri.h"
#include "protocol/dpp/reconfiguration.h"
#include "role/device/dpp_agent.h"
#include "role/device/wifi_profile.h"
#include "system/clock.h"
#include "system/files.h"
#include "system/process.h"
#include "system/random.h"
#include "system/sandbox.h"

#define PROVE_MS 1500 /* an honest one takes a tenth of that */
#define LEAVE_MS 3000 /* for the last frame to be acknowledged, or the connection to be closed */

void
dpp_agent_end(struct dpp_agent *agent, enum berth_err outcome, const struct berth_why *why)
{
	agent->outcome = outcome;
	if (why != NULL)
		agent->why = *why;
	berth_loop_stop(agent->loop);
}

void
dpp_agent_wake(struct dpp_agent *agent)
{
	berth_timer_start(agent->timer, 0);
}

bool
dpp_agent_offers(const struct dpp_agent *agent)
{
	struct berth_why why = {0};

	return agent->attempt_conf.pkex_code != NULL && agent->attempt_conf.kept == NULL &&
	       agent->conf->pkex_role == BERTH_DEVICE_PKEX_INITIATOR &&
	       berth_dpp_pkex_code_check(&agent->code, &why) == BERTH_OK;
}

/* Another key each time: who answers the last one is not who answers this. */
static enum berth_err
offer(struct dpp_agent *agent, struct berth_buf *body)
{
	struct berth_bytes request = BERTH_BYTES_NONE;
	struct berth_why why = {0};

	berth_dpp_attempt_end(agent->offer);
	agent->offer = NULL;
	enum berth_err err = berth_dpp_attempt_offer(&agent->attempt_conf, berth_clock_now(),
						     agent->tells_version_1, &agent->offer, &why);
	agent->tells_version_1 = agent->attempt_conf.has_address && !agent->tells_version_1;
	if (err) {
		berth_log_why(&agent->log, BERTH_LOG_WARNING, "dpp.pkex", &why, NULL);
		return err;
	}
	return berth_dpp_attempt_output(agent->offer, &request)
		       ? berth_buf_append_bytes(body, request)
		       : BERTH_E_INTERNAL;
}

enum berth_err
dpp_agent_announcement(struct dpp_agent *agent, struct berth_buf *body)
{
	const struct berth_dpp_bootstrapping *own = &agent->attempt_conf.own;
	const struct berth_dpp_kept *kept = agent->attempt_conf.kept;
	BERTH_BUF attributes = {0};

	if (dpp_agent_offers(agent))
		return offer(agent, body);
	if (kept != NULL)
		return berth_dpp_reconfig_announce(agent->pki, &agent->attempt_conf.random,
						   &kept->c_sign, &kept->pp_key, &kept->e_id,
						   kept->net_access_key.curve, body, NULL);
	enum berth_err err = berth_dpp_put(&attributes, BERTH_DPP_RESPONDER_KEY_HASH,
					   berth_bytes_of(own->chirp, sizeof(own->chirp)));
	const struct berth_dpp_frame frame = {
		.kind = BERTH_DPP_FRAME_ACTION,
		.type = BERTH_DPP_PRESENCE_ANNOUNCEMENT,
		.attributes = berth_buf_view(&attributes),
	};
	return err ? err : berth_dpp_frame_build(&frame, body);
}

static void
send_all(struct dpp_agent *agent)
{
	struct berth_bytes body = BERTH_BYTES_NONE;

	while (agent->attempt != NULL && berth_dpp_attempt_output(agent->attempt, &body))
		agent->way->send(agent, body);
}

/* Keys of attempts that came to nothing, and of what was replaced. */
static void
tidy(struct dpp_agent *agent)
{
	const struct berth_buf *kept = &agent->kept.key_path;
	char keep[BERTH_KEY_URI_MAX];
	struct berth_why why = {0};

	berth_dpp_wifi_key_free(&agent->wifi_key);
	(void)snprintf(keep, sizeof(keep), "%.*s", (int)kept->n,
		       kept->n > 0 ? (const char *)kept->p : "");
	if (berth_dpp_certificate_tidy(agent->conf->state_directory, keep, &why))
		berth_log_why(&agent->log, BERTH_LOG_WARNING, "dpp.not-tidied", &why, NULL);
}

void
dpp_agent_drop(struct dpp_agent *agent, const struct berth_why *why)
{
	if (agent->attempt == NULL || agent->is_enrolled)
		return;
	berth_log_why(&agent->log, BERTH_LOG_WARNING, "dpp.failed", why, NULL);
	agent->why = *why;
	berth_dpp_attempt_end(agent->attempt);
	agent->attempt = NULL;
	tidy(agent);
	agent->way->resume(agent);
	dpp_agent_wake(agent);
}

static enum berth_err
write_profile(const struct dpp_agent *agent, const struct berth_dpp_kept *kept,
	      struct berth_why *why)
{
	return berth_file_write(agent->profile, berth_buf_view(&kept->profile), 0600, why);
}

/* Sealed first: what was said to be taken is there after a power cut, and the profile is made of it. */
static enum berth_err
keep(struct dpp_agent *agent, const struct berth_dpp_offer *offer, struct berth_why *why)
{
	const struct berth_dpp_attempt_conf *conf = &agent->attempt_conf;
	const struct berth_now now = berth_clock_now();
	const bool trusts_clock = conf->trusts_clock && now.wall_is_trusted;
	BERTH_WIFI_CERTIFICATE certificate = {0};
	BERTH_DPP_KEPT kept = {0};
	BERTH_BUF sealed = {0};

	enum berth_err err =
		berth_dpp_certificate_take(agent->pki, offer, &agent->wifi_key,
					   trusts_clock ? &now.wall : NULL, &certificate, why);
	err = err ? err
		  : berth_dpp_kept_make(agent->pki, &conf->random, offer, &certificate,
					agent->way->frequency(agent), &kept, why);
	if (!err && conf->kept != NULL && kept.has_pp_key &&
	    berth_ec_equal(&kept.pp_key, &conf->kept->pp_key))
		kept.e_id = conf->kept->e_id;
	err = err ? err
		  : berth_dpp_kept_seal(agent->pki, &conf->random, &conf->own.point, &kept, &sealed,
					why);
	err = err ? err : berth_file_write(agent->sealed, berth_buf_view(&sealed), 0600, why);
	err = err ? err : write_profile(agent, &kept, why);
	if (err)
		return err;
	/* attempt_conf.kept, which the attempt still reads, stays where it is */
	berth_dpp_kept_free(&agent->given);
	agent->given = kept;
	kept = (struct berth_dpp_kept){0};
	return BERTH_OK;
}

static void
give_request(struct dpp_agent *agent, const char *password)
{
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	enum berth_err err =
		berth_dpp_certificate_request(agent->pki, &agent->attempt_conf.random, agent->conf,
					      password, &agent->wifi_key, &der, &why);
	err = err ? err
		  : berth_dpp_attempt_csr(agent->attempt, berth_clock_now(), berth_buf_view(&der),
					  &why);
	if (err)
		dpp_agent_drop(agent, &why);
}

static void
take_offer(struct dpp_agent *agent, const struct berth_dpp_offer *offer)
{
	struct berth_why refused = {0};
	struct berth_why why = {0};
	bool is_kept = keep(agent, offer, &refused) == BERTH_OK;

	if (!is_kept)
		berth_log_why(&agent->log, BERTH_LOG_ERROR, "dpp.refused", &refused, NULL);
	if (berth_dpp_attempt_decide(agent->attempt, berth_clock_now(), is_kept, &why))
		dpp_agent_drop(agent, &why);
}

static void
take_event(struct dpp_agent *agent, const struct berth_dpp_attempt_event *event)
{
	switch (event->kind) {
	case BERTH_DPP_ATTEMPT_AUTHENTICATED:
		agent->is_authenticated = true;
		berth_log(&agent->log, BERTH_LOG_INFO, "dpp.authenticated", NULL);
		return;
	case BERTH_DPP_ATTEMPT_CSR_WANTED:
		give_request(agent, event->password);
		return;
	case BERTH_DPP_ATTEMPT_OFFERED:
		take_offer(agent, event->offer);
		return;
	case BERTH_DPP_ATTEMPT_ENROLLED:
		berth_log(&agent->log, BERTH_LOG_NOTICE, "dpp.configured", "profile",
			  agent->profile, NULL);
		agent->is_enrolled = true;
		agent->leave_by = berth_mono_after_ms(berth_clock_mono(), LEAVE_MS);
		return;
	case BERTH_DPP_ATTEMPT_FAILED:
		send_all(agent);
		dpp_agent_drop(agent, &event->why);
		return;
	}
}

static void
move(struct dpp_agent *agent)
{
	struct berth_dpp_attempt_event event;

	while (agent->attempt != NULL &&
	       berth_dpp_attempt_event(agent->attempt, berth_clock_now(), &event))
		take_event(agent, &event);
	send_all(agent);
}

/* Somebody answers what was announced. What is no proper answer leaves it as it is: another may come. */
static bool
take_answer(struct dpp_agent *agent, const struct berth_dpp_frame *frame)
{
	struct berth_why why = {0};

	if (frame->kind != BERTH_DPP_FRAME_ACTION ||
	    frame->type != BERTH_DPP_PKEX_EXCHANGE_RESPONSE)
		return false;
	if (berth_dpp_attempt_input(agent->offer, berth_clock_now(), frame, &why)) {
		berth_log_why(&agent->log, BERTH_LOG_INFO, "dpp.frame-refused", &why, NULL);
		agent->why = why;
		return false;
	}
	agent->attempt = agent->offer;
	agent->offer = NULL;
	agent->is_authenticated = false;
	agent->begun = berth_clock_mono();
	dpp_agent_wake(agent);
	return true;
}

bool
dpp_agent_take(struct dpp_agent *agent, const struct berth_dpp_frame *frame)
{
	struct berth_why why = {0};

	if (agent->attempt == NULL && agent->offer != NULL && take_answer(agent, frame))
		return true;
	const bool is_first = agent->attempt == NULL;

	if (is_first && !berth_dpp_attempt_is_asked(&agent->attempt_conf, frame))
		return false;
	enum berth_err err =
		is_first ? berth_dpp_attempt_start(&agent->attempt_conf, berth_clock_now(), frame,
						   &agent->attempt, &why)
			 : berth_dpp_attempt_input(agent->attempt, berth_clock_now(), frame, &why);
	if (err) /* anybody can send anything: said, and passed over */
		berth_log_why(&agent->log, BERTH_LOG_INFO, "dpp.frame-refused", &why, NULL);
	if (err && is_first)
		agent->why = why; /* what a person hears when it was for nothing */
	if (is_first && !err) {
		agent->is_authenticated = false;
		agent->begun = berth_clock_mono();
	}
	dpp_agent_wake(agent);
	return is_first && !err;
}

bool
dpp_agent_gives_way(const struct dpp_agent *agent)
{
	return agent->attempt != NULL && !agent->is_authenticated &&
	       berth_clock_mono().ms - agent->begun.ms >= PROVE_MS;
}

static int64_t
until(struct berth_mono deadline)
{
	const int64_t ms = deadline.ms - berth_clock_mono().ms;

	return ms < 0 ? 0 : ms;
}

static void
sleep_until(struct dpp_agent *agent)
{
	struct berth_mono next = agent->way->deadline(agent);

	if (agent->is_enrolled) {
		next = next.ms < agent->leave_by.ms ? next : agent->leave_by;
	} else if (agent->attempt != NULL) {
		struct berth_mono own = berth_dpp_attempt_deadline(agent->attempt);
		next = own.ms < next.ms ? own : next;
	}
	if (next.ms != BERTH_MONO_NEVER.ms)
		berth_timer_start(agent->timer, until(next));
}

static void
on_timer(void *context)
{
	struct dpp_agent *agent = context;

	move(agent); /* what came before its time was up */
	if (agent->attempt != NULL && !agent->is_enrolled)
		berth_dpp_attempt_tick(agent->attempt, berth_clock_now());
	move(agent);
	if (agent->is_enrolled && (agent->way->has_left(agent) || until(agent->leave_by) == 0)) {
		dpp_agent_end(agent, BERTH_OK, NULL);
		return;
	}
	agent->way->announce(agent);
	sleep_until(agent);
}

static void
on_timeout(void *context)
{
	struct dpp_agent *agent = context;
	struct berth_why why = agent->why;

	if (why.rule == NULL) {
		berth_ignore(berth_fail(&why, BERTH_E_UNREACHABLE, "dpp-nobody", NULL,
					"Nobody has answered the device's announcements: does a "
					"Configurator know its code, and approve it?"),
			     "told by the end");
		dpp_agent_end(agent, BERTH_E_UNREACHABLE, &why);
		return;
	}
	dpp_agent_end(agent, BERTH_E_DENIED, &why);
}

static void
on_signal(void *context)
{
	dpp_agent_end(context, BERTH_E_PENDING, NULL);
}

static enum berth_err
read_configurator(struct dpp_agent *agent, struct berth_why *why)
{
	struct berth_dpp_uri uri;

	if (agent->conf->dpp_configurator == NULL)
		return BERTH_OK;
	enum berth_err err =
		berth_dpp_uri_parse(berth_text(agent->conf->dpp_configurator), &uri, why);
	err = err ? err
		  : berth_dpp_bootstrapping_parse(agent->pki, berth_bytes_of(uri.spki, uri.spki_n),
						  &agent->attempt_conf.configurator, why);
	agent->attempt_conf.has_configurator = !err;
	return err;
}

/* The line end is the editor's. */
static enum berth_err
read_code(struct dpp_agent *agent, struct berth_why *why)
{
	const char *path = agent->conf->pkex_code_file;
	const char *identifier = agent->conf->pkex_identifier;
	BERTH_BUF text = {0};

	if (path == NULL)
		return BERTH_OK;
	enum berth_err err = berth_file_read_private(path, BERTH_DPP_PKEX_CODE_MAX + 2, &text, why);
	struct berth_bytes line = berth_buf_view(&text);
	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	err = err ? err : berth_dpp_pkex_code_judge(line, why);
	err = err ? err
		  : berth_dpp_pkex_code_set(&agent->code, line,
					    berth_text(identifier == NULL ? "" : identifier), why);
	if (text.p != NULL)
		berth_wipe(text.p, text.n);
	if (!err)
		agent->attempt_conf.pkex_code = &agent->code;
	return err;
}

static enum berth_err
prepare(struct dpp_agent *agent, struct berth_why *why)
{
	const struct berth_device_conf *conf = agent->conf;
	struct berth_ec_point point;

	enum berth_err err = berth_pki_open(&agent->pki, why);
	err = err ? err : berth_keystore_use_tpm(agent->pki, conf->tpm, why);
	err = err ? err : berth_keystore_load(agent->pki, conf->dpp_key, &agent->key, why);
	err = err ? err : berth_ec_of_key(agent->pki, agent->key, &point, why);
	agent->attempt_conf = (struct berth_dpp_attempt_conf){
		.pki = agent->pki,
		.random = berth_system_random(),
		.key = agent->key,
		.request = {.name = berth_text(conf->dpp_name),
			    .net_role = BERTH_DPP_STA,
			    .mud_url = berth_text(conf->dpp_mud_url)},
		.trusts_clock = conf->clock == BERTH_DEVICE_CLOCK_TRUSTED,
	};
	err = err ? err
		  : berth_dpp_bootstrapping_of(agent->pki, &point, &agent->attempt_conf.own, why);
	err = err ? err : read_code(agent, why);
	return err ? err : read_configurator(agent, why);
}

/* What is open stays: the radio's sockets among it. A Controller is dialled again and again. */
static enum berth_err
give_up_privilege(const struct dpp_agent *agent, struct berth_why *why)
{
	struct berth_keystore_needs needs;
	struct berth_sandbox_report report;

	enum berth_err err =
		berth_keystore_needs(agent->conf->dpp_key, agent->conf->tpm, &needs, why);
	if (err || needs.is_unknown)
		return err; /* a token's module opens what it needs, where we do not know */
	struct berth_sandbox sandbox = {
		.read = {"/"},
		.write = {agent->conf->state_directory, agent->profile_folder},
		.sockets = BERTH_SANDBOX_INET,
		.holds_secrets = true,
	};
	if (needs.device[0] != '\0')
		sandbox.write[2] = needs.device;
	return berth_sandbox_enter(&sandbox, &report, why);
}

/* *is_done: the device has a configuration that still holds. */
static enum berth_err
read_kept(struct dpp_agent *agent, const struct berth_device_run *run, bool *is_done,
	  struct berth_why *why)
{
	const struct berth_now now = berth_clock_now();
	BERTH_BUF sealed = {0};

	enum berth_err err =
		berth_file_read_private(agent->sealed, BERTH_DPP_KEPT_MAX_BYTES, &sealed, why);
	if (err == BERTH_E_NOT_FOUND)
		return BERTH_OK;
	err = err ? err
		  : berth_dpp_kept_open(agent->pki, agent->key, berth_buf_view(&sealed),
					&agent->kept, why);
	err = err ? err : write_profile(agent, &agent->kept, why);
	if (err)
		return err;
	const bool has_ended = agent->attempt_conf.trusts_clock && now.wall_is_trusted &&
			       agent->kept.expiry.s <= now.wall.s;
	*is_done = !has_ended && !run->again;
	if (*is_done) {
		berth_log(&agent->log, BERTH_LOG_INFO, "dpp.already-configured", "profile",
			  agent->profile, NULL);
		return BERTH_OK;
	}
	if (!berth_dpp_kept_can_reconfigure(&agent->kept))
		return berth_fail(why, BERTH_E_STATE, "dpp-no-reconfiguration", "DPP 6.5",
				  "The configuration came without what it takes to get another one "
				  "from the same Configurator: \"reset\", and the device is "
				  "configured anew.");
	agent->attempt_conf.kept = &agent->kept;
	berth_log(&agent->log, BERTH_LOG_NOTICE, "dpp.reconfigures", "reason",
		  has_ended ? "the Connector has ended" : "asked for", NULL);
	return BERTH_OK;
}

static enum berth_err
start(struct dpp_agent *agent, const struct berth_device_run *run, struct berth_why *why)
{
	enum berth_err err = berth_loop_open(&agent->loop, why);

	err = err ? err : berth_timer_open(agent->loop, on_timer, agent, &agent->timer);
	err = err ? err : berth_timer_open(agent->loop, on_timeout, agent, &agent->timeout);
	err = err ? err : berth_loop_on_signal(agent->loop, SIGTERM, on_signal, agent);
	err = err ? err : berth_loop_on_signal(agent->loop, SIGINT, on_signal, agent);
	agent->way = agent->conf->dpp_controller != NULL ? &dpp_way_wire : &dpp_way_air;
	err = err ? err : agent->way->open(agent, why);
	err = err ? err : give_up_privilege(agent, why);
	if (!err && run->once)
		berth_timer_start(agent->timeout, run->timeout_s * 1000);
	if (!err)
		dpp_agent_wake(agent);
	return err;
}

static void
stop(struct dpp_agent *agent)
{
	berth_dpp_attempt_end(agent->attempt);
	berth_dpp_attempt_end(agent->offer);
	berth_dpp_pkex_code_free(&agent->code);
	if (agent->way != NULL)
		agent->way->close(agent);
	if (agent->timer != NULL)
		berth_timer_close(agent->timer);
	if (agent->timeout != NULL)
		berth_timer_close(agent->timeout);
	if (agent->loop != NULL)
		berth_loop_close(agent->loop);
	berth_dpp_kept_free(&agent->kept);
	berth_dpp_kept_free(&agent->given);
	berth_dpp_wifi_key_free(&agent->wifi_key);
	berth_key_free(agent->key);
	berth_pki_close(agent->pki);
	berth_fd_close(&agent->lock);
}

/* Its folder is made; that is in memory as a rule, and gone after a start. */
static enum berth_err
name_profile(struct dpp_agent *agent, struct berth_why *why)
{
	agent->profile = agent->conf->dpp_profile;
	const char *slash = strrchr(agent->profile, '/');
	const size_t n = slash == NULL ? 0 : (size_t)(slash - agent->profile);

	if (n == 0 || n >= sizeof(agent->profile_folder))
		return berth_fail(why, BERTH_E_USAGE, "device-path", NULL,
				  "the profile must be in a folder of its own");
	memcpy(agent->profile_folder, agent->profile, n);
	agent->profile_folder[n] = '\0';
	enum berth_err err = berth_folder_make(agent->profile_folder, 0700, why);
	if (!err && !berth_folder_is_in_memory(agent->profile_folder))
		berth_log(&agent->log, BERTH_LOG_NOTICE, "dpp.profile-on-disk", "profile",
			  agent->profile, "reason",
			  "it holds secrets: put it on a file system in memory", NULL);
	return err;
}

static enum berth_err
name_sealed(struct dpp_agent *agent, struct berth_why *why)
{
	const int n = snprintf(agent->sealed, sizeof(agent->sealed), "%s/dpp.sealed",
			       agent->conf->state_directory);

	if (n < 0 || (size_t)n >= sizeof(agent->sealed))
		return berth_fail(why, BERTH_E_USAGE, "device-path", NULL,
				  "the state directory's path is too long");
	return BERTH_OK;
}

static enum berth_err
take_lock(struct dpp_agent *agent, struct berth_why *why)
{
	char path[BERTH_KEY_URI_MAX];
	const char *folder = agent->conf->state_directory;

	enum berth_err err = berth_folder_make(folder, 0700, why);
	if (err)
		return err;
	const int n = snprintf(path, sizeof(path), "%s/lock", folder);
	if (n < 0 || (size_t)n >= sizeof(path))
		return berth_fail(why, BERTH_E_USAGE, "device-path", NULL,
				  "the state directory's path is too long");
	err = berth_file_lock(path, &agent->lock, why);
	if (err == BERTH_E_EXISTS)
		return berth_fail(why, err, "device-running", NULL,
				  "another berth-device works on %.120s: stop it first", folder);
	return err;
}

static enum berth_err
name_files(struct dpp_agent *agent, struct berth_why *why)
{
	if (agent->conf->dpp_key == NULL)
		return berth_fail(why, BERTH_E_USAGE, "device-dpp", NULL,
				  "the configuration has no section [dpp] with a "
				  "bootstrapping-key");
	enum berth_err err = name_profile(agent, why);
	err = err ? err : name_sealed(agent, why);
	return err ? err : take_lock(agent, why);
}

enum berth_err
berth_device_dpp(const struct berth_device_conf *conf, const struct berth_device_run *run,
		 struct berth_why *why)
{
	struct dpp_agent agent = {.conf = conf,
				  .lock = -1,
				  .outcome = BERTH_E_PENDING,
				  .log = berth_log_open("berth-device", conf->log == 1)};
	bool is_done = false;

	enum berth_err err = name_files(&agent, why);
	err = err ? err : prepare(&agent, why);
	err = err ? err : read_kept(&agent, run, &is_done, why);
	if (!err)
		tidy(&agent);
	if (!err && !is_done)
		err = start(&agent, run, why);
	if (!err && !is_done) {
		berth_loop_run(agent.loop);
		err = agent.outcome;
		*why = agent.why;
		why->err = err;
	}
	if (err == BERTH_OK && agent.is_enrolled) {
		berth_dpp_attempt_end(agent.attempt);
		agent.attempt = NULL;
		berth_dpp_kept_free(&agent.kept);
		agent.kept = agent.given;
		agent.given = (struct berth_dpp_kept){0};
		tidy(&agent);
	}
	stop(&agent);
	return err;
}

enum berth_err
berth_device_dpp_reset(const struct berth_device_conf *conf, struct berth_why *why)
{
	struct dpp_agent agent = {
		.conf = conf, .lock = -1, .log = berth_log_open("berth-device", conf->log == 1)};

	enum berth_err err = name_files(&agent, why);
	err = err ? err : berth_file_remove(agent.sealed, why);
	err = err ? err : berth_file_remove(agent.profile, why);
	err = err ? err : berth_dpp_certificate_tidy(conf->state_directory, "", why);
	berth_fd_close(&agent.lock);
	return err;
}
