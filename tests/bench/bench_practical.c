/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: bench-practical --units=FOLDER --prefix=SERIAL --count=N --onboardings=N --concurrency=N
 *                        --acme=FOLDER --home=FOLDER [--records=FOLDER]
 *
 * The practical floor: what a registrar and a MASA cost that do the specification's CMS and X.509 work (work.h) on cached
 * certificates, in one process each, behind a bare evhttp server with Berth's TLS settings, and nothing else: no
 * store, no policy, no separation, no checks. The same number of handshakes and requests as the real thing:
 * per onboarding two handshakes and six requests of the device, and two requests of the registrar to the MASA on a
 * kept connection. COUNT units are used in turn. CPU milliseconds per onboarding, of each server process. Then the same
 * without the device's handshakes, simpleenroll alone, and the MASA asked directly, on kept connections and on fresh ones.
 *
 * With --records=FOLDER, the recording floor: what no correct server may forget is on the disk before the answer leaves,
 * and no more: a line of the MASA's log for each voucher (RFC 8995 5.6: it must be in the log that it tells, 5.8.1), and
 * each certificate that the registrar issues (what is not known to be issued cannot be revoked, and its serial number
 * could be given twice, RFC 5280 4.1.2.2). Written one after the other into a file that has its blocks already, one
 * fdatasync for all that came in one turn of the loop: the cheapest that keeps them.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "bench/bench.h"
#include "bench/work.h"
#include "net/http.h"
#include "net/listen.h"
#include "net/loop_event.h"
#include "net/tls_event.h"
#include "pki/keystore/keystore.h"
#include "pki/ossl.h"
#include "pki/request.h"
#include "protocol/voucher/voucher_cms.h"
#include "system/clock.h"

#define TIMEOUT_MS 60000
#define BODY_MAX_BYTES ((size_t)64 << 10)
#define PATH_BYTES 512
#define IDLE_MAX 256
#define RECORDS_BYTES ((size_t)4 << 20)
#define BRSKI "/.well-known/brski/"
#define EST "/.well-known/est/"

struct places {
	const char *acme, *home, *records; /* records empty: nothing is kept */
};

/* ---- the two servers ---- */

struct server {
	struct berth_pki *pki;
	struct berth_loop *loop;
	struct berth_tls_server *tls;
	struct work_party own;	   /* registrar: signs requests; MASA: signs vouchers */
	struct work_party issuing; /* registrar only */
	X509 *device_ca;
	X509 *registrar, *issuing_ca; /* MASA only */
	struct berth_cert_list chain;
	struct berth_key *key;
	struct berth_cert_list anchors;
	struct berth_tls_client *dial;
	uint16_t masa_port;
	struct berth_http_client *idle[IDLE_MAX];
	size_t idle_count;
	struct berth_buf last_rvr;
	int records; /* -1: nothing is kept */
	struct berth_buf unsynced;
	struct berth_timer *sync;
	struct held *held, **held_end;
};

/* An answer that waits for its record. */
struct held {
	struct held *next;
	struct evhttp_request *request;
	const char *media;
	struct berth_buf body;
};

/* A device's request that waits for the MASA. */
struct waiting {
	struct server *server;
	struct evhttp_request *request;
	struct berth_http_client *http;
	struct berth_buf body;
	const char *path;
	bool forward;
};

static const char *
path_in(char path[PATH_BYTES], const char *folder, const char *name)
{
	(void)snprintf(path, PATH_BYTES, "%s/%s", folder, name);
	return path;
}

static struct bufferevent *
on_accept(struct event_base *base, void *context)
{
	struct server *server = context;
	struct bufferevent *bev = NULL;
	if (berth_tls_accept(server->tls, base, NULL, &bev)) {
		bench_die("bench-practical: out of memory");
	}
	return bev;
}

static void
reply(struct evhttp_request *request, const char *media, struct berth_bytes body)
{
	struct evbuffer *out = evbuffer_new();
	if (!out || evbuffer_add(out, body.p, body.n) != 0) {
		bench_die("bench-practical: out of memory");
	}
	(void)evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", media);
	evhttp_send_reply(request, 200, "OK", out);
	evbuffer_free(out);
}

static void
write_records(const struct server *server)
{
	struct berth_bytes left = berth_buf_view(&server->unsynced);
	while (left.n > 0) {
		ssize_t n = write(server->records, left.p, left.n);
		if (n <= 0) {
			bench_die("bench-practical: cannot write its records");
		}
		left = berth_bytes_of(left.p + n, left.n - (size_t)n);
	}
	if (fdatasync(server->records) != 0) {
		bench_die("bench-practical: cannot keep its records");
	}
}

/* As SQLite's log has it after a while: no block is looked for while somebody waits. */
static void
make_room(struct server *server)
{
	uint8_t *zeroes = calloc(1, RECORDS_BYTES);
	if (!zeroes || berth_buf_append(&server->unsynced, zeroes, RECORDS_BYTES)) {
		bench_die("bench-practical: out of memory");
	}
	write_records(server);
	berth_buf_clear(&server->unsynced);
	free(zeroes);
	if (lseek(server->records, 0, SEEK_SET) != 0) {
		bench_die("bench-practical: cannot keep its records");
	}
}

static void
on_sync(void *context)
{
	struct server *server = context;
	struct held *held = server->held;
	write_records(server);
	berth_buf_clear(&server->unsynced);
	server->held = NULL;
	server->held_end = &server->held;
	while (held) {
		struct held *next = held->next;
		reply(held->request, held->media, berth_buf_view(&held->body));
		berth_buf_free(&held->body);
		free(held);
		held = next;
	}
}

/* Takes body. */
static void
reply_recorded(struct server *server, struct evhttp_request *request, const char *media,
	       struct berth_buf *body, struct berth_bytes record)
{
	if (server->records < 0) {
		reply(request, media, berth_buf_view(body));
		berth_buf_free(body);
		return;
	}
	struct held *held = malloc(sizeof(*held));
	if (!held || berth_buf_append_bytes(&server->unsynced, record)) {
		bench_die("bench-practical: out of memory");
	}
	if (!server->held) {
		berth_timer_start(server->sync, 0);
	}
	*held = (struct held){.request = request, .media = media, .body = *body};
	*body = (struct berth_buf){0};
	*server->held_end = held;
	server->held_end = &held->next;
}

static struct berth_bytes
body_of(struct evhttp_request *request)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	size_t n = evbuffer_get_length(in);
	return berth_bytes_of(evbuffer_pullup(in, -1), n);
}

static X509 *
peer_of(struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	SSL *ssl = bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(connection));
	X509 *peer = SSL_get0_peer_certificate(ssl);
	if (!peer) {
		bench_die("bench-practical: no client certificate");
	}
	return peer;
}

static void
on_masa_answer(void *context, const struct berth_http_response *response,
	       const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct waiting *waiting = context;
	struct server *server = waiting->server;
	(void)tls;
	if (response->status != 200 || server->idle_count == IDLE_MAX) {
		bench_die("bench-practical: the MASA answered %d: %s", response->status,
			  response->status ? "" : why->sentence);
	}
	reply(waiting->request, BERTH_MEDIA_VOUCHER_CMS,
	      waiting->forward ? response->body : BERTH_BYTES_NONE);
	server->idle[server->idle_count++] = waiting->http;
	berth_buf_free(&waiting->body);
	free(waiting);
}

static void
send_to_masa(struct waiting *waiting)
{
	const struct berth_http_request request = {.method = BERTH_HTTP_POST,
						   .path = berth_text(waiting->path),
						   .media_type = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
						   .body = berth_buf_view(&waiting->body)};
	berth_http_client_send(waiting->http, &request, on_masa_answer, waiting);
}

static void
on_masa_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	if (!tls) {
		bench_die("bench-practical: %s", why->sentence);
	}
	send_to_masa(context);
}

static void
ask_masa(struct server *server, struct evhttp_request *request, const char *path, bool forward)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));
	if (!waiting) {
		bench_die("bench-practical: out of memory");
	}
	*waiting = (struct waiting){
		.server = server, .request = request, .path = path, .forward = forward};
	if (berth_buf_append_bytes(&waiting->body, berth_buf_view(&server->last_rvr))) {
		bench_die("bench-practical: out of memory");
	}
	if (server->idle_count > 0) {
		waiting->http = server->idle[--server->idle_count];
		send_to_masa(waiting);
		return;
	}
	const struct berth_http_client_conf conf = {.address = "127.0.0.1",
						    .port = server->masa_port,
						    .host = "localhost",
						    .tls = server->dial,
						    .connect_timeout_ms = TIMEOUT_MS,
						    .request_timeout_ms = TIMEOUT_MS,
						    .body_limit_bytes = BODY_MAX_BYTES};
	bench_call(berth_http_client_open(server->loop, &conf, &waiting->http, &why));
	berth_http_client_connect(waiting->http, on_masa_connected, waiting);
}

static void
serve_voucher_request(struct server *server, struct evhttp_request *request)
{
	struct berth_buf pvr = {0};
	struct berth_buf json = {0};
	X509 *peer = peer_of(request);
	struct berth_bytes body = body_of(request);
	work_check_cert(peer, server->device_ca);
	work_cms_check(server->pki, body, peer, NULL, &pvr);
	berth_buf_clear(&server->last_rvr);
	if (berth_buf_append_text(&json, "{\"ietf-voucher-request:voucher\":{\"prior\":\"") ||
	    berth_base64_encode(body, 0, &json) || berth_buf_append_text(&json, "\"}}")) {
		bench_die("bench-practical: out of memory");
	}
	work_cms_sign(server->pki, &server->own, berth_buf_view(&json), &server->last_rvr);
	berth_buf_free(&json);
	berth_buf_free(&pvr);
	ask_masa(server, request, BRSKI "requestvoucher", true);
}

static void
serve_device(struct evhttp_request *request, void *context)
{
	struct server *server = context;
	struct berth_buf out = {0};
	const char *path = evhttp_request_get_uri(request);
	if (strcmp(path, BRSKI "requestvoucher") == 0) {
		serve_voucher_request(server, request);
	} else if (strcmp(path, BRSKI "voucher_status") == 0) {
		ask_masa(server, request, BRSKI "requestauditlog", false);
	} else if (strcmp(path, EST "simpleenroll") == 0) {
		work_enrol(server->pki, &server->issuing, body_of(request), &out);
		reply_recorded(server, request, "application/pkcs7-mime", &out,
			       berth_buf_view(&out));
	} else if (strcmp(path, EST "simplereenroll") == 0) {
		/* Who renews is on a connection of its own: its certificate has not been seen before. */
		work_check_cert(peer_of(request), server->device_ca);
		work_enrol(server->pki, &server->issuing, body_of(request), &out);
		reply_recorded(server, request, "application/pkcs7-mime", &out,
			       berth_buf_view(&out));
	} else { /* cacerts, csrattrs, enrollstatus: bytes that are at hand */
		reply(request, "application/pkcs7-mime", berth_cert_der(server->chain.at[0]));
	}
}

static void
serve_registrar(struct evhttp_request *request, void *context)
{
	struct server *server = context;
	struct berth_buf rvr = {0};
	struct berth_buf pvr_der = {0};
	struct berth_buf pvr = {0};
	struct berth_buf voucher = {0};
	if (strcmp(evhttp_request_get_uri(request), BRSKI "requestvoucher") != 0) {
		reply(request, "application/json", BERTH_LIT("{\"version\":1,\"events\":[]}"));
		return;
	}
	work_cms_check(server->pki, body_of(request), server->registrar, NULL, &rvr);
	work_check_cert(server->registrar, server->issuing_ca);
	/* The one member that is longer than a line: the device's request. */
	struct berth_bytes json = berth_buf_view(&rvr);
	size_t end = json.n;
	while (end > 0 && json.p[end - 1] != '"') {
		end--;
	}
	size_t start = end > 0 ? end - 1 : 0;
	while (start > 0 && json.p[start - 1] != '"') {
		start--;
	}
	bench_call(berth_base64_decode(berth_bytes_of(json.p + start, end - 1 - start), false,
				       &pvr_der, &why));
	work_cms_check(server->pki, berth_buf_view(&pvr_der), NULL, server->device_ca, &pvr);
	work_cms_sign(server->pki, &server->own, berth_buf_view(&pvr), &voucher);
	/* as long as the event that it tells; the request has the serial number, the nonce and the date */
	reply_recorded(server, request, BERTH_MEDIA_VOUCHER_CMS, &voucher, berth_buf_view(&pvr));
	berth_buf_free(&pvr);
	berth_buf_free(&pvr_der);
	berth_buf_free(&rvr);
}

static void
listen_on(struct server *server, int fd, void (*serve)(struct evhttp_request *, void *))
{
	const struct berth_tls_server_conf tls = {.pki = server->pki,
						  .chain = &server->chain,
						  .key = server->key,
						  .ask_client_certificate = true};
	bench_call(berth_tls_server_open(&tls, &server->tls, &why));
	struct evhttp *http = evhttp_new(berth_loop_base(server->loop));
	if (!http || evhttp_accept_socket(http, fd) != 0) {
		bench_die("bench-practical: cannot serve");
	}
	evhttp_set_bevcb(http, on_accept, server);
	evhttp_set_gencb(http, serve, server);
	berth_loop_run(server->loop); /* until it is killed */
}

static void
open_server(struct server *server, const struct places *at, const char *folder, const char *cert,
	    const char *key)
{
	char path[PATH_BYTES];
	char uri[PATH_BYTES + 8];
	*server = (struct server){.records = -1, .held_end = &server->held};
	bench_call(berth_pki_open(&server->pki, &why));
	bench_call(berth_loop_open(&server->loop, &why));
	bench_chain_read(server->pki, path_in(path, folder, cert), &server->chain);
	(void)snprintf(uri, sizeof(uri), "file:%s", path_in(path, folder, key));
	bench_call(berth_keystore_load(server->pki, uri, &server->key, &why));
	server->device_ca = work_cert_read(server->pki, path_in(path, at->acme, "device-ca.pem"));
	server->registrar = work_cert_read(server->pki, path_in(path, at->home, "registrar.pem"));
	server->issuing_ca = work_cert_read(server->pki, path_in(path, at->home, "issuing.pem"));
	bench_chain_read(server->pki, path_in(path, at->acme, "root-ca.pem"), &server->anchors);
	if (at->records[0] == '\0') {
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/records-%d", at->records, (int)getpid());
	server->records = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (server->records < 0 || berth_timer_open(server->loop, on_sync, server, &server->sync)) {
		bench_die("bench-practical: cannot keep records in %s", at->records);
	}
	make_room(server);
}

static void
run_registrar(const struct places *at, int fd, uint16_t masa_port)
{
	static struct server server;
	char cert[PATH_BYTES];
	char above[PATH_BYTES];
	char key[PATH_BYTES];
	open_server(&server, at, at->home, "registrar.pem", "keys/registrar.key");
	work_party_open(server.pki, path_in(cert, at->home, "registrar.pem"),
			path_in(above, at->home, "issuing.pem"),
			path_in(key, at->home, "keys/registrar.key"), &server.own);
	work_party_open(server.pki, path_in(cert, at->home, "issuing.pem"), NULL,
			path_in(key, at->home, "keys/issuing.key"), &server.issuing);
	const struct berth_tls_client_conf dial = {.pki = server.pki,
						   .chain = &server.chain,
						   .key = server.key,
						   .anchors = &server.anchors,
						   .server_name = "localhost",
						   .wall = berth_clock_wall};
	bench_call(berth_tls_client_open(&dial, &server.dial, &why));
	server.masa_port = masa_port;
	listen_on(&server, fd, serve_device);
}

static void
run_masa(const struct places *at, int fd)
{
	static struct server server;
	char cert[PATH_BYTES];
	char above[PATH_BYTES];
	char key[PATH_BYTES];
	open_server(&server, at, at->acme, "masa/tls.pem", "masa/tls.key");
	work_party_open(server.pki, path_in(cert, at->acme, "masa/voucher.pem"),
			path_in(above, at->acme, "voucher-ca.pem"),
			path_in(key, at->acme, "masa/voucher.key"), &server.own);
	listen_on(&server, fd, serve_registrar);
}

static pid_t
start_server(const struct places *at, int fd, uint16_t masa_port)
{
	pid_t pid = fork();
	if (pid < 0) {
		bench_die("bench-practical: cannot fork");
	}
	if (pid > 0) {
		(void)close(fd);
		return pid;
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) { /* when the load dies, so do they */
		_exit(1);
	}
	if (masa_port) {
		run_registrar(at, fd, masa_port);
	} else {
		run_masa(at, fd);
	}
	_exit(0);
}

/* ---- the devices ---- */

struct device {
	struct bench_unit unit;
	struct berth_buf pvr, rvr, csr;
};

enum server_index { REGISTRAR, MASA, SERVERS };
struct script;

struct load {
	struct berth_pki *pki;
	struct berth_loop *loop;
	struct device *devices;
	size_t device_count;
	struct berth_cert_list registrar;
	struct berth_key *registrar_key;
	uint16_t ports[SERVERS];
	const struct script *script;
	const pid_t *servers;
	double *began_s; /* of each server, when the connections that are kept are up */
	size_t count, next, running, connected, concurrency;
	struct slot *slots;
};

struct slot {
	struct load *load;
	struct device *device;
	struct berth_tls_client *tls;
	struct berth_http_client *http;
	struct berth_timer
		*again; /* a connection must not be closed in its own callback's caller */
	size_t step;
};

struct step {
	const char *path, *media; /* media NULL: GET */
	size_t body;		  /* offset in struct device; 0: a status */
	bool reconnect;
};
static const struct step fresh_steps[] = {
	{BRSKI "requestvoucher", BERTH_MEDIA_VOUCHER_CMS, offsetof(struct device, pvr), true},
	{BRSKI "voucher_status", "application/json", 0, false},
	{EST "cacerts", NULL, 0, false},
	{EST "csrattrs", NULL, 0, false},
	{EST "simpleenroll", "application/pkcs10", offsetof(struct device, csr), false},
	{BRSKI "enrollstatus", "application/json", 0, true},
};
static const struct step kept_steps[] = {
	{BRSKI "requestvoucher", BERTH_MEDIA_VOUCHER_CMS, offsetof(struct device, pvr), false},
	{BRSKI "voucher_status", "application/json", 0, false},
	{EST "cacerts", NULL, 0, false},
	{EST "csrattrs", NULL, 0, false},
	{EST "simpleenroll", "application/pkcs10", offsetof(struct device, csr), false},
	{BRSKI "enrollstatus", "application/json", 0, false},
};
static const struct step enrol_steps[] = {
	{EST "simpleenroll", "application/pkcs10", offsetof(struct device, csr), false},
};
static const struct step renew_steps[] = {
	{EST "simplereenroll", "application/pkcs10", offsetof(struct device, csr), false},
};
static const struct step masa_steps[] = {
	{BRSKI "requestvoucher", BERTH_MEDIA_VOUCHER_CMS, offsetof(struct device, rvr), false},
	{BRSKI "requestauditlog", BERTH_MEDIA_VOUCHER_CMS, offsetof(struct device, rvr), false},
};
static const struct step masa_fresh_steps[] = {
	{BRSKI "requestvoucher", BERTH_MEDIA_VOUCHER_CMS, offsetof(struct device, rvr), true},
	{BRSKI "requestauditlog", BERTH_MEDIA_VOUCHER_CMS, offsetof(struct device, rvr), false},
};

/* With a first step that connects anew each device has connections of its own; else a slot is one device with one. */
static const struct script {
	const char *name;
	enum server_index server; /* asked, and counted */
	const struct step *steps;
	size_t n;
} scripts[] = {
	{"registrar_ms", REGISTRAR, fresh_steps, sizeof(fresh_steps) / sizeof(struct step)},
	{"registrar_kept_ms", REGISTRAR, kept_steps, sizeof(kept_steps) / sizeof(struct step)},
	{"enrol_ms", REGISTRAR, enrol_steps, 1},
	{"renew_ms", REGISTRAR, renew_steps, 1},
	{"masa_alone_ms", MASA, masa_steps, 2},
	{"masa_voucher_ms", MASA, masa_steps, 1},
	{"masa_fresh_ms", MASA, masa_fresh_steps, 2},
};
#define SCRIPT_COUNT (sizeof(scripts) / sizeof(scripts[0]))

static void
on_answer(void *context, const struct berth_http_response *response,
	  const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct slot *slot = context;
	(void)tls;
	if (response->status != 200) {
		bench_die("bench-practical: %d %s", response->status,
			  response->status ? "" : why->sentence);
	}
	slot->step++;
	berth_timer_start(slot->again, 0);
}

static void
ask(struct slot *slot)
{
	const struct step *step = &slot->load->script->steps[slot->step];
	struct berth_bytes body = BERTH_LIT("{\"version\":1,\"status\":true}");
	if (step->body) {
		const struct berth_buf *buf =
			(const void *)((const char *)slot->device + step->body);
		body = berth_buf_view(buf);
	}
	const struct berth_http_request request = {.method = step->media ? BERTH_HTTP_POST
									 : BERTH_HTTP_GET,
						   .path = berth_text(step->path),
						   .media_type = berth_text(step->media),
						   .body = step->media ? body : BERTH_BYTES_NONE};
	berth_http_client_send(slot->http, &request, on_answer, slot);
}

static double cpu_of(pid_t pid);

/* The clock starts when nothing but the steps is left to do. */
static void
start_clock(struct load *load)
{
	for (size_t i = 0; i < SERVERS; i++) {
		load->began_s[i] = cpu_of(load->servers[i]);
	}
	for (size_t i = 0; i < load->concurrency; i++) {
		berth_timer_start(load->slots[i].again, 0);
	}
}

static bool
is_kept(const struct load *load)
{
	return !load->script->steps[0].reconnect;
}

static void
on_connected(void *context, const struct berth_tls_facts *tls, const struct berth_why *why)
{
	struct slot *slot = context;
	if (!tls) {
		bench_die("bench-practical: %s", why->sentence);
	}
	if (!is_kept(slot->load)) {
		ask(slot);
	} else if (++slot->load->connected == slot->load->concurrency) {
		start_clock(slot->load);
	}
}

static void
disconnect(struct slot *slot)
{
	berth_http_client_close(slot->http);
	berth_tls_client_close(slot->tls);
	slot->http = NULL;
	slot->tls = NULL;
}

static void
connect_to(struct slot *slot)
{
	struct load *load = slot->load;
	bool is_registrar = load->script->server == MASA;
	const struct berth_tls_client_conf tls = {
		.pki = load->pki,
		.chain = is_registrar ? &load->registrar : &slot->device->unit.chain,
		.key = is_registrar ? load->registrar_key : slot->device->unit.key,
		.provisional = true};
	disconnect(slot);
	bench_call(berth_tls_client_open(&tls, &slot->tls, &why));
	const struct berth_http_client_conf http = {.address = "127.0.0.1",
						    .port = load->ports[load->script->server],
						    .host = "localhost",
						    .tls = slot->tls,
						    .connect_timeout_ms = TIMEOUT_MS,
						    .request_timeout_ms = TIMEOUT_MS,
						    .body_limit_bytes = BODY_MAX_BYTES};
	bench_call(berth_http_client_open(load->loop, &http, &slot->http, &why));
	berth_http_client_connect(slot->http, on_connected, slot);
}

static void
on_again(void *context)
{
	struct slot *slot = context;
	struct load *load = slot->load;
	if (slot->step == load->script->n) {
		if (load->next == load->count) {
			if (--load->running == 0) {
				berth_loop_stop(load->loop);
			}
			return;
		}
		size_t i = load->next++;
		if (!is_kept(load)) {
			slot->device = &load->devices[i % load->device_count];
		}
		slot->step = 0;
	}
	if (load->script->steps[slot->step].reconnect) {
		connect_to(slot);
		return;
	}
	ask(slot);
}

/* CPU seconds of each server, from the moment that the connections are up. */
static void
play(struct load *load, const struct script *script, size_t count, size_t concurrency,
     double cpu_s[SERVERS])
{
	struct slot *slots = calloc(concurrency, sizeof(*slots));
	if (!slots) {
		bench_die("bench-practical: out of memory");
	}
	load->script = script;
	load->slots = slots;
	load->count = count;
	load->next = 0;
	load->connected = 0;
	load->running = concurrency;
	load->concurrency = concurrency;
	load->began_s = cpu_s;
	for (size_t i = 0; i < concurrency; i++) {
		slots[i] = (struct slot){.load = load,
					 .device = &load->devices[i % load->device_count],
					 .step = script->n};
		if (berth_timer_open(load->loop, on_again, &slots[i], &slots[i].again)) {
			bench_die("bench-practical: no timer");
		}
		if (is_kept(load)) {
			connect_to(&slots[i]);
		}
	}
	if (!is_kept(load)) {
		start_clock(load);
	}
	berth_loop_run(load->loop);
	for (size_t i = 0; i < SERVERS; i++) {
		cpu_s[i] = cpu_of(load->servers[i]) - cpu_s[i];
	}
	for (size_t i = 0; i < concurrency; i++) {
		disconnect(&slots[i]);
		berth_timer_close(slots[i].again);
	}
	free(slots);
}

static void
make_device(struct load *load, struct device *device)
{
	bench_requests_make(load->pki, &device->unit, &load->registrar, load->registrar_key,
			    &device->pvr, &device->rvr);
	struct berth_buf der = {0};
	const struct berth_request_fields fields = {.serial_number = device->unit.serial};
	bench_call(berth_request_build(load->pki, &fields, device->unit.key, &der, &why));
	bench_call(berth_base64_encode(berth_buf_view(&der), 0, &device->csr));
	berth_buf_free(&der);
}

static double
cpu_of(pid_t pid)
{
	clockid_t clock;
	struct timespec t;
	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0) {
		bench_die("bench-practical: a server has ended");
	}
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
open_load(struct load *load, const struct places *at, int argc, char **argv)
{
	char path[PATH_BYTES];
	char uri[PATH_BYTES + 8];
	load->device_count = bench_number(argc, argv, "count", NULL);
	load->devices = calloc(load->device_count, sizeof(load->devices[0]));
	if (!load->devices) {
		bench_die("bench-practical: out of memory");
	}
	bench_call(berth_pki_open(&load->pki, &why));
	bench_call(berth_loop_open(&load->loop, &why));
	bench_chain_read(load->pki, path_in(path, at->home, "registrar.pem"), &load->registrar);
	(void)snprintf(uri, sizeof(uri), "file:%s", path_in(path, at->home, "keys/registrar.key"));
	bench_call(berth_keystore_load(load->pki, uri, &load->registrar_key, &why));
	for (size_t i = 0; i < load->device_count; i++) {
		bench_unit_open(load->pki, bench_text(argc, argv, "units", NULL),
				bench_text(argc, argv, "prefix", NULL), i + 1,
				&load->devices[i].unit);
		make_device(load, &load->devices[i]);
	}
}

static void
close_load(struct load *load)
{
	for (size_t i = 0; i < load->device_count; i++) {
		bench_unit_close(&load->devices[i].unit);
		berth_buf_free(&load->devices[i].pvr);
		berth_buf_free(&load->devices[i].rvr);
		berth_buf_free(&load->devices[i].csr);
	}
	free(load->devices);
	berth_cert_list_free(&load->registrar);
	berth_key_free(load->registrar_key);
	berth_loop_close(load->loop);
	berth_pki_close(load->pki);
}

static void
stop_server(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
	}
}

int
main(int argc, char **argv)
{
	const struct places at = {bench_text(argc, argv, "acme", NULL),
				  bench_text(argc, argv, "home", NULL),
				  bench_text(argc, argv, "records", "")};
	size_t count = bench_number(argc, argv, "onboardings", NULL);
	size_t concurrency = bench_number(argc, argv, "concurrency", "4");
	int masa_fd = -1;
	int registrar_fd = -1;
	struct load load = {0};
	double cpu_s[SERVERS];
	bench_call(berth_listen("127.0.0.1:0", &masa_fd, 1, &load.ports[MASA], &why));
	bench_call(berth_listen("127.0.0.1:0", &registrar_fd, 1, &load.ports[REGISTRAR], &why));
	const pid_t masa = start_server(&at, masa_fd, 0);
	const pid_t registrar = start_server(&at, registrar_fd, load.ports[MASA]);
	const pid_t servers[SERVERS] = {[REGISTRAR] = registrar, [MASA] = masa};
	/* cppcheck-suppress autoVariables ; the load ends before it does */
	load.servers = servers;
	open_load(&load, &at, argc, argv);

	/* connections to the MASA, and all that is made once */
	play(&load, &scripts[0], concurrency * 2, concurrency, cpu_s);
	double per_ms = 1e3 / (double)count;
	(void)printf("{");
	for (size_t i = 0; i < SCRIPT_COUNT; i++) {
		play(&load, &scripts[i], count, concurrency, cpu_s);
		if (i == 0) {
			(void)printf("\"masa_ms\": %.6f, ", cpu_s[MASA] * per_ms);
		}
		(void)printf("\"%s\": %.6f%s", scripts[i].name, cpu_s[scripts[i].server] * per_ms,
			     i + 1 < SCRIPT_COUNT ? ", " : "}\n");
	}
	stop_server(registrar);
	stop_server(masa);
	close_load(&load);
	return 0;
}
