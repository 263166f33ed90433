/* SPDX-License-Identifier: BSD-2-Clause */
/* berth-mean --config FILE */
#include "role/mean/mean.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/listen.h"
#include "pki/keystore/keystore.h"
#include "role/options.h"
#include "role/verb.h"
#include "system/clock.h"
#include "system/files.h"

#define CONF_MAX_BYTES ((size_t)64 << 10)
#define PEM_MAX_BYTES ((size_t)1 << 20)
#define CONNECTIONS_MAX 4096
#define REQUEST_MS 30000
#define BODY_MAX 65536
#define TEST_WORD "TEST"

#ifndef BERTH_VERSION
#define BERTH_VERSION "0"
#endif

/* ---- the dice: xorshift64*, which is no secret's source and need not be ---- */

static void
roll(void *context, uint8_t *out, size_t n)
{
	uint64_t *state = context;
	for (size_t i = 0; i < n; i++) {
		*state ^= *state >> 12;
		*state ^= *state << 25;
		*state ^= *state >> 27;
		out[i] = (uint8_t)((*state * 0x2545f4914f6cdd1dULL) >> 56);
	}
}

struct berth_mean_device *
berth_mean_device(struct berth_mean *mean, struct berth_bytes serial)
{
	if (serial.n == 0 || serial.n > BERTH_DEVICE_SERIAL_MAX)
		return NULL;
	for (struct berth_mean_device *device = mean->devices; device != NULL;
	     device = device->next)
		if (berth_bytes_equal_text(serial, device->serial_number))
			return device;
	struct berth_mean_device *device =
		mean->device_count < BERTH_MEAN_DEVICES_MAX ? calloc(1, sizeof(*device)) : NULL;
	if (device == NULL)
		return NULL;
	memcpy(device->serial_number, serial.p, serial.n);
	device->next = mean->devices;
	mean->devices = device;
	mean->device_count++;
	return device;
}

/* ---- what it is given, and that it is for tests ---- */

static bool
has_word(struct berth_bytes text, const char *word)
{
	size_t n = strlen(word);
	for (size_t i = 0; i + n <= text.n; i++)
		if (memcmp(text.p + i, word, n) == 0 && (i == 0 || text.p[i - 1] == ' ') &&
		    (i + n == text.n || text.p[i + n] == ' '))
			return true;
	return false;
}

static enum berth_err
load(struct berth_mean *mean, const char *key, const char *path, struct berth_cert_list *list,
     struct berth_why *why)
{
	BERTH_BUF pem = {0};
	struct berth_why cause = {0};
	enum berth_err err = berth_file_read(path, PEM_MAX_BYTES, &pem, &cause);
	if (!err)
		err = berth_cert_list_parse(mean->pki, berth_buf_view(&pem), list, &cause);
	if (err)
		return berth_fail(why, BERTH_E_USAGE, "mean-certificates", NULL,
				  "%s = %.90s: %.110s", key, path, cause.sentence);
	for (size_t i = 0; i < list->n; i++)
		if (!has_word(berth_cert_subject_organization(list->at[i]), TEST_WORD))
			return berth_fail(
				why, BERTH_E_DENIED, "mean-not-a-test", NULL,
				"%s: %.120s is not for tests: its organizationName does not "
				"hold the word " TEST_WORD,
				key, berth_cert_subject_text(list->at[i]));
	return BERTH_OK;
}

static enum berth_err
load_key(struct berth_mean *mean, const char *uri, const struct berth_cert_list *chain,
	 struct berth_key **ret, struct berth_why *why)
{
	enum berth_err err = berth_keystore_load(mean->pki, uri, ret, why);
	if (err || berth_key_equal(berth_cert_key(chain->at[0]), *ret))
		return err;
	return berth_fail(why, BERTH_E_USAGE, "mean-keys", NULL, "%s is not the key of %s", uri,
			  berth_cert_subject_text(chain->at[0]));
}

static enum berth_err
above(const struct berth_cert_list *chain, struct berth_cert_list *ret, struct berth_why *why)
{
	enum berth_err err = BERTH_OK;
	for (size_t i = 1; i < chain->n && !err; i++)
		err = berth_cert_list_add(ret, chain->at[i], why);
	return err;
}

static enum berth_err
load_all(struct berth_mean *mean, struct berth_why *why)
{
	const struct berth_mean_settings *s = mean->settings;
	enum berth_err err =
		load(mean, "tls-certificates", s->tls_certificates, &mean->tls_chain, why);
	err = err ? err
		  : load(mean, "issuing-certificates", s->issuing_certificates, &mean->issuing,
			 why);
	err = err ? err
		  : load(mean, "signer-certificates", s->signer_certificates, &mean->signer, why);
	err = err ? err : load(mean, "anchors", s->anchors, &mean->maker.anchors, why);
	err = err ? err : load_key(mean, s->tls_key, &mean->tls_chain, &mean->tls_key, why);
	err = err ? err : load_key(mean, s->issuing_key, &mean->issuing, &mean->issuing_key, why);
	err = err ? err : load_key(mean, s->signer_key, &mean->signer, &mean->signer_key, why);
	err = err ? err : above(&mean->tls_chain, &mean->tls_above, why);
	return err ? err : above(&mean->signer, &mean->signer_above, why);
}

static enum berth_err
prepare(struct berth_mean *mean, struct berth_why *why)
{
	mean->maker.name = "the maker";
	mean->maker.content_type = BERTH_CMS_ANIMA_VOUCHER;
	mean->maker.has_masa_url = true;
	mean->trust = (struct berth_peer_trust){
		.manufacturers = &mean->maker, .manufacturer_count = 1, .domain = &mean->issuing};
	mean->registrar =
		(struct berth_registrar_conf){.pki = mean->pki, .own_chain = &mean->tls_chain};
	mean->est_profile = (struct berth_est_profile){
		.name = "", .attrs = {.want_serial_number = true, .key = "P-256"}};
	mean->est = (struct berth_est_conf){
		.pki = mean->pki,
		.cacerts = &mean->issuing,
		.organization = berth_cert_subject_organization(mean->issuing.at[0]),
		.profiles = &mean->est_profile,
		.profile_count = 1,
	};
	mean->masa_policy = (struct berth_masa_policy){
		.manufacturer_anchors = &mean->maker.anchors,
		.pinning = BERTH_MASA_PIN_FARTHEST,
		.revocation = BERTH_MASA_REVOCATION_IGNORED,
	};
	enum berth_err err =
		berth_masa_url_parse(BERTH_LIT("localhost"), &mean->maker.masa_url, why);
	return err ? err : berth_est_conf_build(&mean->est, why);
}

/* ---- serving ---- */

static void
on_request(void *context, struct berth_http_exchange *exchange,
	   const struct berth_http_request *http, const struct berth_tls_facts *tls,
	   struct berth_bytes peer_address)
{
	struct berth_mean_listener *listener = context;
	struct berth_mean_reply reply = {0};
	bool is_log = berth_bytes_equal_text(http->path, "/.well-known/brski/requestauditlog");
	(void)peer_address;
	berth_http_exchange_set(exchange, NULL);
	if (listener->is_masa)
		berth_mean_masa(listener->mean,
				is_log ? BERTH_MASA_REQUEST_AUDIT_LOG : BERTH_MASA_REQUEST_VOUCHER,
				http, tls, &reply);
	else
		berth_mean_registrar(listener->mean, http, tls, &reply);
	berth_mean_answer(listener, exchange, http, &reply);
	berth_buf_free(&reply.body);
}

static void
on_gone(void *context, struct berth_http_exchange *exchange)
{
	(void)context;
	berth_mean_forget(exchange);
}

static enum berth_err
serve(struct berth_mean *mean, size_t i, const char *listen, struct berth_why *why)
{
	struct berth_mean_listener *listener = &mean->listeners[i];
	const struct berth_tls_server_conf tls = {
		.pki = mean->pki,
		.chain = &mean->tls_chain,
		.key = mean->tls_key,
		.ask_client_certificate = true,
		.only_tls_1_2 = i == 1,
	};
	int fd = -1;
	listener->mean = mean;
	listener->is_masa = i == 2;
	enum berth_err err = berth_tls_server_open(&tls, &listener->tls, why);
	if (!err)
		err = berth_listen(listen, &fd, 1, &listener->port, why);
	if (err)
		return err;
	const struct berth_http_server_conf http = {
		.tls = listener->tls,
		.body_limit_bytes = BODY_MAX,
		.request_timeout_ms = REQUEST_MS,
		.idle_timeout_ms = REQUEST_MS,
		.pending_timeout_ms = 2 * REQUEST_MS,
		.connections_max = CONNECTIONS_MAX,
		.on_request = on_request,
		.on_gone = on_gone,
		.context = listener,
	};
	return berth_http_server_open(mean->loop, &http, fd, &listener->http, why);
}

static void
on_stop(void *context)
{
	berth_loop_stop(context);
}

static enum berth_err
write_ports(const struct berth_mean *mean, struct berth_why *why)
{
	char text[64];
	if (mean->settings->port_file == NULL)
		return BERTH_OK;
	int n = snprintf(text, sizeof(text), "%u\n%u\n%u\n", mean->listeners[0].port,
			 mean->listeners[1].port, mean->listeners[2].port);
	return berth_file_write(mean->settings->port_file, berth_bytes_of(text, (size_t)n), 0644,
				why);
}

static enum berth_err
open_all(struct berth_mean *mean, struct berth_why *why)
{
	const struct berth_mean_settings *s = mean->settings;
	mean->dice_state = (uint64_t)s->seed * 0x9e3779b97f4a7c15ULL;
	mean->dice = (struct berth_random){.fill = roll, .context = &mean->dice_state};
	enum berth_err err = berth_pki_open(&mean->pki, why);
	err = err ? err : load_all(mean, why);
	return err ? err : prepare(mean, why);
}

static enum berth_err
serve_all(struct berth_mean *mean, struct berth_why *why)
{
	const struct berth_mean_settings *s = mean->settings;
	enum berth_err err = berth_loop_open(&mean->loop, why);
	err = err ? err : serve(mean, 0, s->listen, why);
	err = err ? err : serve(mean, 1, s->listen_second, why);
	err = err ? err : serve(mean, 2, s->listen_masa, why);
	err = err ? err : berth_loop_on_signal(mean->loop, SIGTERM, on_stop, mean->loop);
	err = err ? err : berth_loop_on_signal(mean->loop, SIGINT, on_stop, mean->loop);
	return err ? err : write_ports(mean, why);
}

static void
print_counts(const struct berth_mean *mean)
{
	const struct berth_mean_counts *c = &mean->counts;
	printf("devices %zu, told their success %" PRIu64 ", requests %" PRIu64 ": failed %" PRIu64
	       " (connection ended %" PRIu64 "), told to wait %" PRIu64 ", sent elsewhere %" PRIu64
	       ", written oddly %" PRIu64 "\n",
	       mean->device_count, c->enrolled, c->requests, c->failures, c->drops, c->waits,
	       c->redirects, c->odd);
}

static void
close_all(struct berth_mean *mean)
{
	for (size_t i = 0; i < BERTH_MEAN_LISTENERS; i++) {
		berth_http_server_close(mean->listeners[i].http);
		berth_tls_server_close(mean->listeners[i].tls);
	}
	while (mean->devices != NULL) {
		struct berth_mean_device *device = mean->devices;
		mean->devices = device->next;
		berth_buf_free(&device->rvr);
		berth_buf_free(&device->voucher);
		berth_buf_free(&device->certificate);
		free(device);
	}
	if (mean->loop != NULL)
		berth_loop_close(mean->loop);
	berth_est_conf_free(&mean->est);
	berth_manufacturer_free(&mean->maker);
	berth_key_free(mean->tls_key);
	berth_key_free(mean->issuing_key);
	berth_key_free(mean->signer_key);
	berth_cert_list_free(&mean->tls_chain);
	berth_cert_list_free(&mean->tls_above);
	berth_cert_list_free(&mean->issuing);
	berth_cert_list_free(&mean->signer);
	berth_cert_list_free(&mean->signer_above);
	berth_pki_close(mean->pki);
}

static const struct berth_option options[] = {
	{.name = "config", .argument = "FILE", .help = "configuration", .required = true},
	{.name = "check-config", .help = "read it and the files it names, and end"},
	{0},
};
static const struct berth_usage usage = {
	.about = "A registrar and MASA for testing devices: they do what the specifications allow "
		 "and devices\nrarely meet. For test keys only. Ends with SIGTERM and prints what "
		 "it "
		 "did.",
	.options = options,
};

int
berth_mean_main(int argc, char **argv)
{
	struct berth_arguments arguments;
	struct berth_mean_settings settings = {0};
	struct berth_mean mean = {.settings = &settings};
	struct berth_why why = {0};
	BERTH_CONF conf = {0};
	BERTH_BUF text = {0};
	int status = 0;
	if (!berth_arguments_parse(&usage, argc, argv, &arguments, &status))
		return status;
	const char *path = berth_arguments_value(&arguments, "config");
	enum berth_err err = berth_file_read(path, CONF_MAX_BYTES, &text, &why);
	if (!err)
		err = berth_conf_parse(
			&berth_mean_schema,
			&(struct berth_conf_text){.name = path, .text = berth_buf_view(&text)}, 1,
			&conf, &settings, &why);
	mean.log = berth_log_open("berth-mean", settings.log == 1);
	if (!err)
		err = open_all(&mean, &why);
	bool is_check = berth_arguments_has(&arguments, "check-config");
	if (!err && !is_check)
		err = serve_all(&mean, &why);
	if (!err && !is_check) {
		berth_loop_run(mean.loop);
		print_counts(&mean);
	}
	close_all(&mean);
	return err ? berth_print_why("berth-mean", NULL, &why) : BERTH_EXIT_DONE;
}
