/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/pledge_world.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base64.h"
#include "pki/cms.h"
#include "pki/csrattrs.h"
#include "pki/keystore/keystore.h"
#include "pki/request.h"

#define PATH_VOUCHER "/.well-known/brski/requestvoucher"
#define PATH_VOUCHER_STATUS "/.well-known/brski/voucher_status"
#define PATH_ENROLL_STATUS "/.well-known/brski/enrollstatus"
#define PATH_CACERTS "/.well-known/est/cacerts"
#define PATH_CSRATTRS "/.well-known/est/csrattrs"
#define PATH_ENROLL "/.well-known/est/simpleenroll"
#define YEAR_S ((int64_t)365 * 86400)

static void
check(enum berth_err err, const struct berth_why *why, const char *what)
{
	if (err) {
		(void)fprintf(stderr, "pledge_world: %s: %s: %s\n", what, berth_err_name(err),
			      why ? why->sentence : "");
		abort();
	}
}

/* xorshift64*: the same numbers for the same seed, everywhere */
static void
fill(void *context, uint8_t *out, size_t n)
{
	uint64_t *seed = context;
	for (size_t i = 0; i < n; i++) {
		*seed ^= *seed >> 12;
		*seed ^= *seed << 25;
		*seed ^= *seed >> 27;
		out[i] = (uint8_t)((*seed * 2685821657736338717ULL) >> 56);
	}
}

static struct berth_key *
make_key(struct world *world)
{
	char uri[BERTH_KEY_URI_MAX];
	struct berth_key *key = NULL;
	struct berth_why why = {0};
	(void)snprintf(uri, sizeof(uri), "file:%s/%u.key", world->dir, world->key_names++);
	check(berth_keystore_generate(world->pki, uri, "P-256", &key, &why), &why, "key");
	(void)unlink(uri + strlen("file:")); /* the handle has it; a fuzzer would fill the disk */
	return key;
}

static struct berth_cert *
issue(struct world *world, const struct berth_cert_template *given, const struct identity *issuer,
      struct berth_key *self_key)
{
	struct berth_cert_template template = *given;
	struct berth_buf der = {0};
	struct berth_cert *cert = NULL;
	struct berth_why why = {0};
	berth_random_fill(&world->random, template.serial, sizeof(template.serial));
	template.serial[0] = (uint8_t)((template.serial[0] & 0x7f) | 1);
	check(berth_issue(world->pki, &template, issuer ? issuer->cert : NULL,
			  issuer ? issuer->key : self_key, &der, &why),
	      &why, "issue");
	check(berth_cert_parse(world->pki, berth_buf_view(&der), &cert, &why), &why, "parse");
	berth_buf_free(&der);
	return cert;
}

static void
make_identity(struct world *world, struct identity *ret, enum berth_cert_profile profile,
	      const char *name, const char *serial, const struct identity *issuer)
{
	const struct berth_bytes dns[] = {BERTH_LIT("registrar.example")};
	ret->key = make_key(world);
	const bool has_name = profile == BERTH_PROFILE_REGISTRAR || profile == BERTH_PROFILE_SERVER;
	const struct berth_cert_template template = {
		.profile = profile,
		.not_before = {WORLD_START_S - YEAR_S},
		.not_after = profile == BERTH_PROFILE_IDEVID
				     ? BERTH_WALL_NO_EXPIRY
				     : (struct berth_wall){WORLD_START_S + YEAR_S},
		.common_name = berth_text(name),
		.serial_number = berth_text(serial),
		.dns_names = has_name ? dns : NULL,
		.dns_name_count = has_name ? 1 : 0,
		.ocsp_url = ret == &world->registrar_ocsp ? BERTH_LIT("http://owner.example/ocsp")
							  : BERTH_BYTES_NONE,
		.masa_url = profile == BERTH_PROFILE_IDEVID ? BERTH_LIT("masa.example")
							    : BERTH_BYTES_NONE,
		.key = ret->key,
	};
	ret->cert = issue(world, &template, issuer, ret->key);
}

struct world *
world_open(void)
{
	struct world *world = calloc(1, sizeof(*world));
	struct berth_why why = {0};
	if (!world) {
		abort();
	}
	(void)snprintf(world->dir, sizeof(world->dir), "%s", "/tmp/berth-pledge-XXXXXX");
	if (!mkdtemp(world->dir)) {
		abort();
	}
	world->seed = 0x5eed5eed5eedULL;
	world->random = (struct berth_random){fill, &world->seed};
	check(berth_pki_open(&world->pki, &why), &why, "pki");
	make_identity(world, &world->maker, BERTH_PROFILE_ROOT_CA, "Maker Root", NULL, NULL);
	make_identity(world, &world->masa, BERTH_PROFILE_MASA_SIGNER, "MASA", NULL, &world->maker);
	make_identity(world, &world->idevid, BERTH_PROFILE_IDEVID, "Lamp", WORLD_SERIAL,
		      &world->maker);
	make_identity(world, &world->other_maker, BERTH_PROFILE_ROOT_CA, "Other Root", NULL, NULL);
	make_identity(world, &world->other_masa, BERTH_PROFILE_MASA_SIGNER, "Other MASA", NULL,
		      &world->other_maker);
	make_identity(world, &world->owner, BERTH_PROFILE_ROOT_CA, "Owner CA", NULL, NULL);
	make_identity(world, &world->registrar, BERTH_PROFILE_REGISTRAR, "Registrar", NULL,
		      &world->owner);
	make_identity(world, &world->registrar2, BERTH_PROFILE_REGISTRAR, "Registrar 2", NULL,
		      &world->owner);
	make_identity(world, &world->registrar_ocsp, BERTH_PROFILE_REGISTRAR, "Registrar 3", NULL,
		      &world->owner);
	make_identity(world, &world->no_ra, BERTH_PROFILE_SERVER, "No registrar", NULL,
		      &world->owner);
	make_identity(world, &world->rogue_owner, BERTH_PROFILE_ROOT_CA, "Rogue CA", NULL, NULL);
	make_identity(world, &world->rogue, BERTH_PROFILE_REGISTRAR, "Rogue", NULL,
		      &world->rogue_owner);
	check(berth_cert_list_add(&world->idevid_chain, world->idevid.cert, &why), &why, "chain");
	check(berth_cert_list_add(&world->anchors, world->maker.cert, &why), &why, "anchors");
	world_reset(world);
	return world;
}

static void
forget_peers(struct world *world)
{
	for (size_t i = 0; i < world->peer_count; i++) {
		struct peer *peer = &world->peers[i];
		for (size_t k = 0; k < peer->seen_count; k++) {
			berth_buf_free(&peer->seen[k].body);
		}
		free(peer->seen);
		*peer = (struct peer){0};
	}
	world->peer_count = 0;
}

void
world_reset(struct world *world)
{
	berth_pledge_end(world->pledge);
	world->pledge = NULL;
	berth_arena_end(&world->arena);
	berth_arena_start(&world->arena, BERTH_PLEDGE_MAX_BYTES);
	forget_peers(world);
	berth_cert_free(world->issued);
	world->issued = NULL;
	memset(world->lines, 0, sizeof(world->lines));
	memset(world->notes, 0, sizeof(world->notes));
	world->seed = 0x5eed5eed5eedULL;
	world->now = (struct berth_now){{1000}, {WORLD_START_S}, true};
	world->save_fails = false;
	world->fetched = BERTH_BYTES_NONE;
	world->fetches = 0;
	world->refusal_rule = NULL;
	world->failure_rule = NULL;
	world->keys_made = 0;
	world->keys_forgotten = 0;
	world->saves = 0;
	world->saved_ca_count = 0;
	world->is_done = false;
	world->done_err = BERTH_OK;
	world->attempts_count = 0;
	world->connections = 0;
	world->conf = (struct berth_pledge_conf){.idevid = &world->idevid_chain,
						 .idevid_key = world->idevid.key,
						 .manufacturer_anchors = &world->anchors,
						 .key_kind = "P-256"};
}

static void
remove_dir(const char *path)
{
	DIR *dir = opendir(path);
	char file[512];
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		(void)snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		(void)unlink(file);
	}
	if (dir) {
		(void)closedir(dir);
	}
	(void)rmdir(path);
}

void
world_close(struct world *world)
{
	world_reset(world);
	struct identity *all[] = {&world->maker,       &world->masa,	    &world->idevid,
				  &world->owner,       &world->registrar,   &world->registrar2,
				  &world->rogue,       &world->rogue_owner, &world->no_ra,
				  &world->other_maker, &world->other_masa,  &world->registrar_ocsp};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		berth_cert_free(all[i]->cert);
		berth_key_free(all[i]->key);
	}
	berth_cert_list_free(&world->idevid_chain);
	berth_cert_list_free(&world->anchors);
	berth_arena_end(&world->arena);
	berth_pki_close(world->pki);
	remove_dir(world->dir);
	free(world);
}

void
world_ocsp_says(struct world *world, enum berth_ocsp_status status, struct berth_wall then,
		struct berth_buf *der)
{
	struct berth_why why = {0};
	const struct berth_ocsp_single one = {
		.serial = berth_cert_serial(world->registrar_ocsp.cert),
		.status = status,
		.revoked_at = then,
	};
	const struct berth_ocsp_fields fields = {
		.singles = &one,
		.single_count = 1,
		.this_update = then,
		.next_update = {then.s + 3600},
		.produced_at = then,
	};
	berth_buf_clear(der);
	check(berth_ocsp_respond(world->pki, &fields, world->owner.cert, world->owner.cert,
				 world->owner.key, der, &why),
	      &why, "OCSP response");
}

struct peer *
world_peer(struct world *world)
{
	struct peer *peer = &world->peers[world->peer_count];
	*peer = (struct peer){.port = (uint16_t)(1000 + world->peer_count),
			      .self = &world->registrar,
			      .ca = &world->owner,
			      .voucher_status = 200,
			      .retry_after_s = 10,
			      .cacerts_status = 200,
			      .csrattrs_status = 200,
			      .enroll_status = 200};
	world->peer_count++;
	return peer;
}

struct peer *
world_rogue(struct world *world)
{
	struct peer *peer = world_peer(world);
	peer->self = &world->rogue;
	peer->ca = &world->rogue_owner;
	/* It replays what a MASA once said of the true registrar. */
	peer->tweaks.pin = world->registrar.cert;
	return peer;
}

struct berth_pledge_candidate
world_candidate(const struct peer *peer)
{
	struct berth_pledge_candidate candidate = {.port = peer->port};
	(void)snprintf(candidate.host, sizeof(candidate.host), "192.0.2.1");
	return candidate;
}

void
world_find(struct world *world, const struct peer *peer)
{
	const struct berth_pledge_candidate candidate = world_candidate(peer);
	const struct berth_pledge_input input = {.kind = BERTH_PLEDGE_FOUND,
						 .candidate = &candidate};
	berth_ignore(berth_pledge_input(world->pledge, world->now, &input, NULL),
		     "a finished pledge wants no candidates");
}

enum berth_err
world_start(struct world *world)
{
	const struct berth_pledge_env env = {
		.pki = world->pki, .arena = &world->arena, .random = world->random};
	struct berth_why why = {0};
	enum berth_err err =
		berth_pledge_start(&world->conf, &env, world->now, &world->pledge, &why);
	for (size_t i = 0; i < world->peer_count && !err; i++) {
		world_find(world, &world->peers[i]);
	}
	return err;
}

/* ---- the registrar and its MASA ---- */

struct reply {
	struct berth_http_response response;
	struct berth_buf body;
	bool is_cut;
};

static void
sign_voucher(struct world *world, const struct peer *peer, const struct berth_voucher *voucher,
	     struct berth_buf *der)
{
	const struct identity *signer = peer->tweaks.signed_by_device ? &world->idevid
					: peer->tweaks.other_maker    ? &world->other_masa
								      : &world->masa;
	struct berth_buf json = {0};
	struct berth_why why = {0};
	/* Encoded and signed apart, so that what the builder would refuse can be sent too. */
	check(berth_voucher_encode(voucher, &json, &why), &why, "voucher");
	const struct berth_cms_fields fields = {.content_type = BERTH_CMS_ANIMA_VOUCHER,
						.content = berth_buf_view(&json),
						.key = signer->key,
						.signer = signer->cert,
						.signing_time = world->now.wall};
	check(berth_cms_sign(world->pki, &fields, der, &why), &why, "sign");
	berth_buf_free(&json);
	if (peer->tweaks.broken_signature) {
		der->p[der->n - 1] ^= 1;
	}
}

static void
answer_voucher(struct world *world, struct peer *peer, struct berth_bytes request,
	       struct reply *reply)
{
	struct berth_arena arena;
	struct berth_signed_voucher pvr = {0};
	struct berth_why why = {0};
	berth_arena_start(&arena, (size_t)256 << 10);
	check(berth_voucher_open(world->pki, request, BERTH_VOUCHER_REQUEST_PLEDGE, NULL, &arena,
				 &pvr, &why),
	      &why, "the pledge's voucher-request");
	const struct tweaks *tweaks = &peer->tweaks;
	const struct berth_cert *pin = tweaks->pin ? tweaks->pin : peer->self->cert;
	struct berth_voucher voucher = {
		.kind = BERTH_VOUCHER,
		.has_created_on = true,
		.created_on = {world->now.wall.s - (tweaks->has_expired ? 86400 : 0)},
		.assertion = BERTH_ASSERTION_PROXIMITY,
		.serial_number = tweaks->other_serial ? BERTH_LIT("JADA000000000")
						      : pvr.voucher.serial_number,
		.nonce = tweaks->other_nonce ? BERTH_LIT("0123456789abcdef") : pvr.voucher.nonce,
		.pinned_domain_cert = berth_cert_der(pin),
		.has_revocation_checks = true,
		.domain_cert_revocation_checks = tweaks->revocation_checks,
	};
	if (tweaks->no_nonce || tweaks->has_expired) {
		voucher.nonce = BERTH_BYTES_NONE;
		voucher.has_expires_on = true;
		voucher.expires_on = (struct berth_wall){voucher.created_on.s + 1200};
	}
	if (tweaks->no_pin) {
		voucher.pinned_domain_cert = BERTH_BYTES_NONE;
	}
	sign_voucher(world, peer, &voucher, &reply->body);
	reply->response.media_type =
		tweaks->media ? berth_text(tweaks->media) : BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS);
	berth_signed_voucher_free(&pvr);
	berth_arena_end(&arena);
}

static void
answer_certificates(struct world *world, const struct berth_cert_list *list, struct reply *reply)
{
	struct berth_buf der = {0};
	struct berth_why why = {0};
	check(berth_cms_certs_build(world->pki, list, &der, &why), &why, "certs-only");
	check(berth_base64_encode(berth_buf_view(&der), 0, &reply->body), NULL, "base64");
	berth_buf_free(&der);
	reply->response.media_type = BERTH_LIT("application/pkcs7-mime; smime-type=certs-only");
}

static void
answer_cacerts(struct world *world, struct peer *peer, struct reply *reply)
{
	struct berth_cert_list list = {.n = 1}; /* borrows */
	list.at[0] = peer->tweaks.other_domain_ca_set ? world->rogue_owner.cert : peer->ca->cert;
	if (peer->tweaks.end_entity_in_ca_set) {
		list.at[list.n++] = peer->self->cert;
	}
	answer_certificates(world, &list, reply);
}

#define TEMPLATE_COMMON_NAME "3f9a0c11d2e4-lamp"
#define TEMPLATE_ORGANIZATION "Acme Home"
#define TEMPLATE_DNS_NAME "lamp.home.example"

static void
answer_csrattrs(const struct peer *peer, struct reply *reply)
{
	const bool by_template = peer->tweaks.gives_template;
	const struct berth_csrattrs attributes = {
		.want_serial_number = true,
		.key = peer->tweaks.wants_other_key ? "P-384" : "P-256",
		.want_sha256 = true,
		.want_common_name = true,
		.common_name = BERTH_LIT(TEMPLATE_COMMON_NAME),
		.organization = BERTH_LIT(TEMPLATE_ORGANIZATION),
		.dns_names = {BERTH_LIT(TEMPLATE_DNS_NAME)},
		.dns_name_count = by_template,
		.want_challenge_password = peer->tweaks.wants_link,
	};
	struct berth_buf der = {0};
	struct berth_why why = {0};
	check(berth_csrattrs_build(&attributes,
				   by_template ? BERTH_CSRATTRS_BOTH : BERTH_CSRATTRS_PLAIN, &der,
				   &why),
	      &why, "csrattrs");
	check(berth_base64_encode(berth_buf_view(&der), 64, &reply->body), NULL, "base64");
	berth_buf_free(&der);
	reply->response.media_type = BERTH_LIT("application/csrattrs");
}

static bool
is_linked(const struct world *world, const struct berth_request *request)
{
	BERTH_BUF right = {0};
	check(berth_base64_encode(berth_bytes_of(world->exporter, sizeof(world->exporter)), 0,
				  &right),
	      NULL, "base64");
	return berth_bytes_equal(berth_request_challenge_password(request), berth_buf_view(&right));
}

/* The same but for its last bit, which is the signature's. */
static struct berth_cert *
broken(struct world *world, struct berth_cert *cert)
{
	struct berth_buf der = {0};
	struct berth_cert *made = NULL;
	struct berth_why why = {0};
	check(berth_buf_append_bytes(&der, berth_cert_der(cert)), &why, "memory");
	der.p[der.n - 1] ^= 1;
	check(berth_cert_parse(world->pki, berth_buf_view(&der), &made, &why), &why, "certificate");
	berth_cert_free(cert);
	berth_buf_free(&der);
	return made;
}

static void
answer_enroll(struct world *world, struct peer *peer, struct berth_bytes body, struct reply *reply)
{
	const struct tweaks *tweaks = &peer->tweaks;
	struct berth_buf der = {0};
	struct berth_request *request = NULL;
	struct berth_why why = {0};
	check(berth_base64_decode(body, true, &der, &why), &why, "csr");
	check(berth_request_parse(world->pki, berth_buf_view(&der), &request, &why), &why, "csr");
	peer->template_was_followed =
		berth_bytes_equal_text(berth_request_subject_common_name(request),
				       TEMPLATE_COMMON_NAME) &&
		berth_bytes_equal_text(berth_request_subject_organization(request),
				       TEMPLATE_ORGANIZATION) &&
		berth_bytes_equal_text(berth_request_dns_name(request, 0), TEMPLATE_DNS_NAME) &&
		berth_request_dns_name(request, 1).n == 0;
	peer->linked += is_linked(world, request);
	const struct berth_cert_template template = {
		.profile = tweaks->issues_ca_certificate ? BERTH_PROFILE_ISSUING_CA
							 : BERTH_PROFILE_LDEVID,
		.not_before = {WORLD_START_S - 7200},
		.not_after = {tweaks->issues_expired ? WORLD_START_S - 3600
						     : WORLD_START_S + 86400},
		.common_name = BERTH_LIT("lamp"),
		.serial_number = tweaks->issues_for_other_serial
					 ? BERTH_LIT("JADA000000000")
					 : berth_request_subject_serial_number(request),
		.key = tweaks->issues_for_other_key ? world->rogue.key : berth_request_key(request),
	};
	const struct identity *ca = tweaks->issues_from_other_ca ? &world->rogue_owner : peer->ca;
	struct berth_cert_list list = {.n = 1};
	list.at[0] = issue(world, &template, ca, NULL);
	if (tweaks->issues_with_broken_signature) {
		list.at[0] = broken(world, list.at[0]);
	}
	answer_certificates(world, &list, reply);
	berth_cert_free(list.at[0]);
	berth_request_free(request);
	berth_buf_free(&der);
}

static void
answer(struct world *world, struct peer *peer, const struct berth_http_request *request,
       struct reply *reply)
{
	struct berth_http_response *response = &reply->response;
	const struct berth_bytes path = request->path;
	if (berth_bytes_equal_text(path, PATH_VOUCHER)) {
		response->status = peer->voucher_waits ? 202 : peer->voucher_status;
		peer->voucher_waits -= peer->voucher_waits ? 1 : 0;
		response->location = berth_text(peer->location);
		if (response->status == 200) {
			answer_voucher(world, peer, request->body, reply);
		}
	} else if (berth_bytes_equal_text(path, PATH_CACERTS)) {
		response->status = peer->cacerts_status;
		if (response->status == 200) {
			answer_cacerts(world, peer, reply);
		}
	} else if (berth_bytes_equal_text(path, PATH_CSRATTRS)) {
		response->status = peer->csrattrs_status;
		if (response->status == 200) {
			answer_csrattrs(peer, reply);
		}
	} else if (berth_bytes_equal_text(path, PATH_ENROLL)) {
		response->status = peer->enroll_waits ? 202 : peer->enroll_status;
		peer->enroll_waits -= peer->enroll_waits ? 1 : 0;
		if (response->status == 200) {
			answer_enroll(world, peer, request->body, reply);
		}
	} else {
		response->status = 200; /* telemetry */
	}
}

static void
remember(struct world *world, struct peer *peer, const struct berth_http_request *request,
	 size_t line)
{
	struct seen *more = realloc(peer->seen, (peer->seen_count + 1) * sizeof(*more));
	if (!more) {
		abort();
	}
	peer->seen = more;
	struct seen *seen = &more[peer->seen_count++];
	*seen = (struct seen){.connection = world->lines[line].connection,
			      .own = world->lines[line].own,
			      .at = world->now.mono};
	(void)snprintf(seen->path, sizeof(seen->path), "%.*s", (int)request->path.n,
		       (const char *)request->path.p);
	check(berth_buf_append_bytes(&seen->body, request->body), NULL, "memory");
}

static struct berth_tls_facts
facts_of(const struct world *world, const struct peer *peer, size_t line)
{
	const struct berth_cert *shown =
		peer->connections > 1 && peer->later ? peer->later : peer->self->cert;
	return (struct berth_tls_facts){
		.peer_chain = {berth_cert_der(shown), berth_cert_der(peer->ca->cert)},
		.peer_count = peer->hides_its_ca ? 1 : 2,
		.own_certificate = world->lines[line].own,
		.exporter = peer->tweaks.tells_no_binding
				    ? BERTH_BYTES_NONE
				    : berth_bytes_of(world->exporter, sizeof(world->exporter)),
		.version = 0x0304,
		.connection = world->lines[line].connection};
}

BERTH_PRINTF(4, 5)
static void
tell(struct world *world, uint32_t attempt, struct berth_bytes body, const char *format, ...)
{
	char what[256];
	if (!world->listen) {
		return;
	}
	va_list args;
	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	world->listen(world->listen_context, world->now.mono, attempt, what, body);
}

static void
give(struct world *world, enum berth_pledge_input_kind kind, uint32_t attempt,
     const struct berth_http_response *response, const struct berth_tls_facts *tls)
{
	const struct berth_pledge_input input = {
		.kind = kind, .attempt = attempt, .response = response, .tls = tls};
	berth_ignore(berth_pledge_input(world->pledge, world->now, &input, NULL),
		     "the attempt may have been dropped meanwhile");
}

static void
serve(struct world *world, const struct berth_pledge_output *output)
{
	size_t line = 0;
	while (line < BERTH_PLEDGE_ATTEMPTS_MAX && world->lines[line].attempt != output->attempt) {
		line++;
	}
	check(line < BERTH_PLEDGE_ATTEMPTS_MAX ? BERTH_OK : BERTH_E_INTERNAL, NULL,
	      "a request without a connection");
	struct peer *peer = world->lines[line].peer;
	remember(world, peer, &output->request, line);
	tell(world, output->attempt, output->request.body, "-> %s %.*s %.*s",
	     output->request.method == BERTH_HTTP_POST ? "POST" : "GET",
	     (int)output->request.path.n, (const char *)output->request.path.p,
	     (int)output->request.media_type.n, (const char *)output->request.media_type.p);
	if (peer->is_silent) {
		return;
	}
	if (peer->cut_at && peer->cuts &&
	    berth_bytes_equal_text(output->request.path, peer->cut_at)) {
		peer->cuts--;
		give(world, BERTH_PLEDGE_DISCONNECTED, output->attempt, NULL, NULL);
		return;
	}
	struct reply reply = {.response = {.retry_after_s = peer->retry_after_s}};
	struct berth_tls_facts facts = facts_of(world, peer, line);
	answer(world, peer, &output->request, &reply);
	reply.response.body = berth_buf_view(&reply.body);
	if (peer->raw.n && reply.response.status == 200) {
		reply.response.body = peer->raw;
	}
	static uint8_t huge[BERTH_PLEDGE_BODY_MAX_BYTES + 1];
	if (peer->tweaks.huge_body) {
		reply.response.body = berth_bytes_of(huge, sizeof(huge));
	}
	tell(world, output->attempt, reply.response.body, "<- %d %.*s", reply.response.status,
	     (int)reply.response.media_type.n, (const char *)reply.response.media_type.p);
	facts.connection += peer->tweaks.answers_over_other_connection ? 1000 : 0;
	give(world, BERTH_PLEDGE_RESPONSE, output->attempt, &reply.response, &facts);
	berth_buf_free(&reply.body);
}

static void
hang_up(struct world *world, uint32_t attempt)
{
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		if (world->lines[i].attempt == attempt) {
			world->lines[i].attempt = 0;
		}
	}
}

static void
connect_to(struct world *world, const struct berth_pledge_event *event)
{
	struct peer *peer = NULL;
	const uint32_t attempt = event->attempt;
	for (size_t i = 0; i < world->peer_count; i++) {
		if (world->peers[i].port == event->port) {
			peer = &world->peers[i];
		}
	}
	const struct berth_bytes own = berth_cert_der(event->chain->at[0]);
	const bool is_new = !berth_bytes_equal(own, berth_cert_der(world->idevid.cert));
	if (!peer || peer->is_unreachable || (is_new && peer->refuses_new_certificate)) {
		give(world, BERTH_PLEDGE_DISCONNECTED, attempt, NULL, NULL);
		return;
	}
	hang_up(world, attempt);
	size_t line = 0;
	while (line < BERTH_PLEDGE_ATTEMPTS_MAX && world->lines[line].attempt) {
		line++;
	}
	check(line < BERTH_PLEDGE_ATTEMPTS_MAX ? BERTH_OK : BERTH_E_INTERNAL, NULL,
	      "more connections than attempts");
	world->connections++;
	memset(world->exporter, (int)world->connections, sizeof(world->exporter));
	world->lines[line].attempt = attempt;
	world->lines[line].peer = peer;
	world->lines[line].connection = world->connections;
	world->lines[line].own = is_new && world->issued ? berth_cert_der(world->issued) : own;
	peer->connections++;
	peer->connected_at = world->now.mono;
	const struct berth_tls_facts facts = facts_of(world, peer, line);
	tell(world, attempt, BERTH_BYTES_NONE, "connected as %s to %s%s",
	     berth_cert_subject_text(event->chain->at[0]),
	     berth_cert_subject_text(peer->self->cert),
	     event->pinned ? ", pinned" : ", provisionally");
	give(world, BERTH_PLEDGE_CONNECTED, attempt, NULL, &facts);
}

static void
give_key(struct world *world, uint32_t attempt)
{
	struct berth_key *key = make_key(world);
	tell(world, attempt, berth_key_spki(key), "a key is made");
	world->keys_made++;
	const struct berth_pledge_answer given = {
		.kind = BERTH_PLEDGE_GENERATE_KEY, .attempt = attempt, .key = key};
	struct berth_why why = {0};
	check(berth_pledge_answer(world->pledge, world->now, &given, &why), &why, "key answer");
	berth_key_free(key);
}

static void
give_fetched(struct world *world, uint32_t attempt)
{
	struct berth_why why = {0};
	const struct berth_pledge_answer given = {
		.kind = BERTH_PLEDGE_FETCH, .attempt = attempt, .body = world->fetched};
	world->fetches++;
	check(berth_pledge_answer(world->pledge, world->now, &given, &why), &why, "fetched");
}

static void
save(struct world *world, const struct berth_pledge_event *event)
{
	world->saves++;
	tell(world, event->attempt, berth_cert_der(event->enrolment->chain->at[0]), "saved");
	const struct berth_pledge_answer given = {.kind = BERTH_PLEDGE_SAVE,
						  .attempt = event->attempt,
						  .err = world->save_fails ? BERTH_E_IO : BERTH_OK};
	berth_cert_free(world->issued);
	world->issued = berth_cert_ref(event->enrolment->chain->at[0]);
	world->saved_ca_count = event->enrolment->ca_set->n;
	struct berth_why why = {0};
	check(berth_pledge_answer(world->pledge, world->now, &given, &why), &why, "save answer");
}

static void
note(struct world *world, const struct berth_pledge_event *event)
{
	world->notes[event->note]++;
	tell(world, event->attempt, BERTH_BYTES_NONE, "note %s %s",
	     berth_pledge_note_name(event->note), event->why.rule ? event->why.rule : "");
	if (event->note == BERTH_PLEDGE_NOTE_ATTEMPT && world->attempts_count < 64) {
		world->attempts_at[world->attempts_count++] = world->now.mono;
	}
	if (event->note == BERTH_PLEDGE_NOTE_VOUCHER_REFUSED ||
	    event->note == BERTH_PLEDGE_NOTE_ENROLMENT_REFUSED) {
		world->refusal_rule = event->why.rule;
	}
	if (event->note == BERTH_PLEDGE_NOTE_FAILED) {
		world->failure_rule = event->why.rule;
	}
}

static void
handle(struct world *world, const struct berth_pledge_event *event)
{
	switch (event->kind) {
	case BERTH_PLEDGE_CONNECT:
		connect_to(world, event);
		return;
	case BERTH_PLEDGE_CLOSE:
		tell(world, event->attempt, BERTH_BYTES_NONE, "closed");
		hang_up(world, event->attempt);
		return;
	case BERTH_PLEDGE_GENERATE_KEY:
		give_key(world, event->attempt);
		return;
	case BERTH_PLEDGE_FETCH:
		give_fetched(world, event->attempt);
		return;
	case BERTH_PLEDGE_FORGET_KEY:
		world->keys_forgotten++;
		return;
	case BERTH_PLEDGE_SAVE:
		save(world, event);
		return;
	case BERTH_PLEDGE_NOTE:
		note(world, event);
		return;
	case BERTH_PLEDGE_DONE:
		tell(world, event->attempt, BERTH_BYTES_NONE, "done");
		world->is_done = true;
		world->done_err = event->why.err;
		return;
	}
}

void
world_pump(struct world *world)
{
	struct berth_pledge_event event;
	struct berth_pledge_output output;
	for (bool moves = true; moves;) {
		moves = false;
		while (berth_pledge_event(world->pledge, &event)) {
			handle(world, &event);
			moves = true;
		}
		if (berth_pledge_output(world->pledge, &output)) {
			serve(world, &output);
			moves = true;
		}
	}
}

void
world_run(struct world *world, int64_t for_s)
{
	const int64_t end_ms = world->now.mono.ms + for_s * 1000;
	world_pump(world);
	while (!world->is_done) {
		const int64_t next_ms = berth_pledge_deadline(world->pledge).ms;
		if (next_ms > end_ms) {
			const int64_t left_ms = end_ms - world->now.mono.ms;
			world->now.mono.ms = end_ms;
			world->now.wall.s += left_ms / 1000;
			return;
		}
		if (next_ms > world->now.mono.ms) {
			world->now.wall.s += (next_ms - world->now.mono.ms) / 1000;
			world->now.mono.ms = next_ms;
		}
		berth_pledge_tick(world->pledge, world->now);
		world_pump(world);
	}
}

const struct seen *
peer_saw(const struct peer *peer, const char *path, size_t i)
{
	for (size_t k = 0; k < peer->seen_count; k++) {
		if (strstr(peer->seen[k].path, path) && i-- == 0) {
			return &peer->seen[k];
		}
	}
	return NULL;
}

size_t
peer_count(const struct peer *peer, const char *path)
{
	size_t count = 0;
	while (peer_saw(peer, path, count)) {
		count++;
	}
	return count;
}
