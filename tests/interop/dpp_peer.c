/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * usage: dpp-peer connect=ADDRESS:PORT|listen=PORT role=enrollee|configurator [KEY=VALUE ...]
 *
 * Our DPP machines on one TCP connection, in every role and as initiator or responder, for foreign peers to judge. What happens
 * is told in lines on standard output; the first is "uri DPP:…", with listen= then "port NUMBER". Exit 0: authenticated
 * and configured.
 *
 *	init=1			begin the authentication (default: who connects does)
 *	peer=URI		the other's bootstrapping URI (with init=1 needed; else makes it mutual)
 *	mutual=1		take no less than mutual authentication
 *	own=HEX			our bootstrapping key's scalar (default: a new key)
 *	curve=P-256 version=3	of our bootstrapping key; highest version that we speak
 *	chirp=1			enrollee: announce ourselves and wait for a request
 *	akm=dpp ssid=net-x pass=…  second=psk	what a configurator gives
 *	csign=P-256 new-key=P-384 status=1	its C-sign key, another netAccessKey's curve, whether joining is to be told
 *	csr=own|other|none	the challengePassword of a certification request that is wanted: the session's, another, none
 *	wait=1			for a line on standard input, before it connects
 *	net-role=sta name=…	what an enrollee asks for; configurator: the other's keys ("backup CURVE C-SIGN-SCALAR")
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/hex.h"
#include "pki/keystore/keystore.h"
#include "pki/request.h"
#include "protocol/dpp/backup.h"
#include "protocol/dpp/configurator.h"
#include "protocol/dpp/enrollee.h"

#define TIME_MAX_MS 30000

static struct {
	struct berth_pki *pki;
	struct berth_random random;
	int argc;
	char **argv;
	struct berth_secret scalar;
	struct berth_dpp_bootstrapping own, peer;
	bool has_peer;
	int fd;
	struct berth_dpp_auth *auth;
	struct berth_dpp_enrollee *enrollee;
	struct berth_dpp_configurator *configurator;
	struct berth_key *c_sign;
	struct berth_ec_point c_sign_point;
	bool is_configurator, is_finished;
} my;

static void
die(const char *what, const struct berth_why *why)
{
	printf("failed %s: %s %s\n", what, why == NULL || why->rule == NULL ? "" : why->rule,
	       why == NULL ? "" : why->sentence);
	fflush(stdout);
	_exit(1);
}

static const char *
option(const char *key, const char *fallback)
{
	size_t n = strlen(key);

	for (int i = 1; i < my.argc; i++) {
		if (strncmp(my.argv[i], key, n) == 0 && my.argv[i][n] == '=')
			return my.argv[i] + n + 1;
	}
	return fallback;
}

static struct berth_mono
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (struct berth_mono){t.tv_sec * 1000 + t.tv_nsec / 1000000};
}

static enum berth_ec_curve
curve_of(const char *key, const char *fallback)
{
	enum berth_ec_curve curve;

	if (!berth_ec_curve_named(berth_text(option(key, fallback)), &curve))
		die(key, NULL);
	return curve;
}

/* The value of K: in a URI. */
static void
read_peer(const char *uri)
{
	struct berth_why why = {0};
	BERTH_BUF spki = {0};
	const char *k = strstr(uri, "K:");

	if (k == NULL || strchr(k, ';') == NULL)
		die("peer", NULL);
	k += 2;
	if (berth_base64_decode(berth_bytes_of(k, (size_t)(strchr(k, ';') - k)), false, &spki,
				&why) ||
	    berth_dpp_bootstrapping_parse(my.pki, berth_buf_view(&spki), &my.peer, &why))
		die("peer", &why);
	my.has_peer = true;
}

static void
make_own(void)
{
	struct berth_why why = {0};
	struct berth_ec_point point;
	BERTH_BUF spki = {0};
	BERTH_BUF text = {0};
	enum berth_ec_curve curve = my.has_peer ? my.peer.point.curve : curve_of("curve", "P-256");
	const char *hex = option("own", NULL);
	BERTH_BUF own = {0};

	if (hex != NULL && (berth_hex_decode(berth_text(hex), &own, &why) ||
			    berth_secret_copy(&my.scalar, berth_buf_view(&own)) ||
			    berth_ec_public(my.pki, curve, &my.scalar, &point, &why)))
		die("own", &why);
	if ((hex == NULL &&
	     berth_ec_generate(my.pki, curve, &my.random, &my.scalar, &point, &why)) ||
	    berth_dpp_bootstrapping_of(my.pki, &point, &my.own, &why) ||
	    berth_ec_build_spki(&point, BERTH_EC_COMPRESSED, &spki) ||
	    berth_base64_encode(berth_buf_view(&spki), 0, &text))
		die("own key", &why);
	printf("uri DPP:V:2;K:%.*s;;\n", (int)text.n, (const char *)text.p);
	fflush(stdout);
}

static void
send_body(struct berth_bytes body)
{
	uint8_t message[4 + BERTH_DPP_BODY_MAX_BYTES];

	for (int i = 0; i < 4; i++)
		message[i] = (uint8_t)(body.n >> (24 - 8 * i));
	memcpy(message + 4, body.p, body.n);
	if (write(my.fd, message, 4 + body.n) != (ssize_t)(4 + body.n))
		die("write", NULL);
}

static bool
receive_exactly(uint8_t *p, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t k = read(my.fd, p + got, n - got);
		if (k <= 0)
			return false;
		got += (size_t)k;
	}
	return true;
}

static struct berth_dpp_auth_conf
auth_conf(void)
{
	return (struct berth_dpp_auth_conf){
		.pki = my.pki,
		.random = my.random,
		.version = (uint8_t)atoi(option("version", "3")),
		.roles = my.is_configurator ? BERTH_DPP_CONFIGURATOR : BERTH_DPP_ENROLLEE,
		.own = my.own,
		.has_peer = my.has_peer,
		.peer = my.peer,
		.requires_mutual = atoi(option("mutual", "0")) != 0,
	};
}

static void
print_point(const char *name, const struct berth_ec_point *point)
{
	char hex[2 * 2 * BERTH_EC_COORDINATE_MAX + 1];

	printf("%s %s\n", name, berth_hex_text(berth_ec_xy(point), hex, sizeof(hex)));
}

static void
start_configuration(void)
{
	struct berth_dpp_secrets secrets = {0};
	struct berth_why why = {0};
	enum berth_dpp_net_role role = BERTH_DPP_STA;

	berth_dpp_auth_take(my.auth, &secrets);
	printf("authenticated %s version %u\n", secrets.is_mutual ? "mutually" : "responder",
	       secrets.version);
	if (secrets.role == BERTH_DPP_CONFIGURATOR) {
		const struct berth_dpp_configurator_conf conf = {
			.pki = my.pki,
			.random = my.random,
			.wants_connection_status = atoi(option("status", "0")) != 0,
		};
		if (berth_dpp_configurator_start(&conf, &secrets, now(), &my.configurator, &why))
			die("configurator", &why);
		return;
	}
	if (!berth_dpp_net_role_named(berth_text(option("net-role", "sta")), &role))
		die("net-role", NULL);
	const struct berth_dpp_enrollee_conf conf = {
		.pki = my.pki,
		.random = my.random,
		.request = {.name = berth_text(option("name", "berth")), .net_role = role},
		.trusts_clock = true,
		.now = {time(NULL)},
	};
	if (berth_dpp_enrollee_start(&conf, &secrets, now(), &my.enrollee, &why))
		die("enrollee", &why);
}

static void
answer_auth(const struct berth_dpp_auth_event *event)
{
	struct berth_ec_point product;
	struct berth_why why = {0};
	enum berth_err err = berth_ec_multiply(my.pki, &my.scalar, &event->point, &product, &why);

	if (err || berth_dpp_auth_answer(my.auth, now(), BERTH_OK, &product, &why))
		die("authentication", &why);
}

static bool
move_auth(void)
{
	struct berth_dpp_auth_event event;
	struct berth_bytes body;
	bool has_moved = false;
	bool is_done = false;

	while (my.auth != NULL && berth_dpp_auth_event(my.auth, &event)) {
		has_moved = true;
		switch (event.kind) {
		case BERTH_DPP_AUTH_MULTIPLY:
			answer_auth(&event);
			break;
		case BERTH_DPP_AUTH_PENDING:
			printf("pending\n");
			break;
		case BERTH_DPP_AUTH_PEER_WANTED:
			printf("peer-wanted\n");
			break;
		case BERTH_DPP_AUTH_DONE:
			is_done = true;
			break;
		case BERTH_DPP_AUTH_FAILED:
			if (berth_dpp_auth_output(my.auth, &body))
				send_body(body);
			die("authentication", &event.why);
		}
	}
	while (my.auth != NULL && berth_dpp_auth_output(my.auth, &body)) {
		has_moved = true;
		send_body(body);
	}
	if (is_done)
		start_configuration();
	return has_moved;
}

static void
build_object(const char *akm, const struct berth_ec_point *key, enum berth_dpp_net_role role,
	     struct berth_buf *json)
{
	struct berth_why why = {0};
	BERTH_BUF payload = {0};
	BERTH_BUF jws = {0};
	struct berth_dpp_connector connector = {
		.groups = {{"*", role}},
		.group_count = 1,
		.key = *key,
		.expiry = {time(NULL) + 3600},
	};
	struct berth_dpp_object object = {
		.ssid = berth_text(option("ssid", "net-x")),
		.pass = berth_text(option("pass", "correct horse")),
		.has_c_sign = true,
		.c_sign = my.c_sign_point,
	};

	if (berth_dpp_akm_read(berth_text(akm), &object.akm, &why) ||
	    berth_dpp_connector_write(&connector, &payload, &why) ||
	    berth_dpp_connector_sign(my.pki, my.c_sign, berth_buf_view(&payload), &jws, NULL, &why))
		die("object", &why);
	object.connector = berth_buf_view(&jws);
	if (berth_dpp_object_write(my.pki, &object, json, &why))
		die("object", &why);
}

static void
print_backup(const struct berth_dpp_backup *backup)
{
	char hex[2 * BERTH_EC_COORDINATE_MAX + 1];

	printf("backup %s %s\n", berth_ec_facts(backup->curve)->name,
	       berth_hex_text(berth_bytes_of(backup->c_sign.p, backup->c_sign.n), hex,
			      sizeof(hex)));
	printf("template %s\n", backup->configuration_template);
}

/* New keys: the other is to become a Configurator with them. */
static void
give_backup(void)
{
	struct berth_why why = {0};
	struct berth_ec_point point;
	struct berth_dpp_backup backup = {
		.curve = my.c_sign_point.curve,
		.configuration_template =
			"{\"wi-fi_tech\":\"infra\",\"discovery\":{\"ssid\":\"net-x\"},"
			"\"cred\":{\"akm\":\"dpp\"}}",
	};
	BERTH_BUF der = {0};

	if (berth_ec_generate(my.pki, backup.curve, &my.random, &backup.c_sign, &point, &why) ||
	    berth_ec_generate(my.pki, backup.curve, &my.random, &backup.pp, &point, &why) ||
	    berth_dpp_backup_seal(my.pki, &my.random,
				  berth_dpp_configurator_secrets(my.configurator), &backup, &der,
				  &why) ||
	    berth_dpp_configurator_answer(
		    my.configurator, now(),
		    &(struct berth_dpp_configurator_answer){.status = BERTH_DPP_OK,
							    .enveloped = berth_buf_view(&der)},
		    &why))
		die("backup", &why);
	print_backup(&backup);
	berth_dpp_backup_free(&backup);
}

static void
take_backup(struct berth_bytes der)
{
	struct berth_why why = {0};
	struct berth_dpp_backup backup = {0};

	if (berth_dpp_backup_open(my.pki, berth_dpp_enrollee_secrets(my.enrollee), der, &backup,
				  &why))
		die("backup", &why);
	print_backup(&backup);
	berth_dpp_backup_free(&backup);
}

static void
configure(const struct berth_dpp_configurator_event *event)
{
	struct berth_why why = {0};
	BERTH_BUF first = {0};
	BERTH_BUF second = {0};
	struct berth_bytes objects[2];
	enum berth_ec_curve wanted =
		curve_of("new-key", berth_ec_facts(event->net_access_key->curve)->name);
	struct berth_dpp_configurator_answer answer = {.status = BERTH_DPP_OK,
						       .objects = objects,
						       .object_count = 1,
						       .new_key_curve = wanted};

	printf("request name=%.*s role=%s mudurl=%.*s\n", (int)event->request->name.n,
	       (const char *)event->request->name.p,
	       berth_dpp_net_role_name(event->request->net_role), (int)event->request->mud_url.n,
	       event->request->mud_url.p == NULL ? "" : (const char *)event->request->mud_url.p);
	if (event->request->net_role == BERTH_DPP_NET_CONFIGURATOR) {
		give_backup();
		return;
	}
	if (wanted != event->net_access_key->curve) {
		answer.status = BERTH_DPP_NEW_KEY_NEEDED;
	} else {
		build_object(option("akm", "dpp"), event->net_access_key, event->request->net_role,
			     &first);
		objects[0] = berth_buf_view(&first);
		if (option("second", NULL) != NULL) {
			build_object(option("second", NULL), event->net_access_key,
				     event->request->net_role, &second);
			objects[1] = berth_buf_view(&second);
			answer.object_count = 2;
		}
	}
	if (berth_dpp_configurator_answer(my.configurator, now(), &answer, &why))
		die("configuration", &why);
}

static bool
move_configurator(void)
{
	struct berth_dpp_configurator_event event;
	struct berth_bytes body;
	bool has_moved = false;

	while (my.configurator != NULL && berth_dpp_configurator_event(my.configurator, &event)) {
		has_moved = true;
		switch (event.kind) {
		case BERTH_DPP_CONFIGURE:
			configure(&event);
			break;
		case BERTH_DPP_RESULT:
			printf("result %s\n", berth_dpp_status_name(event.status));
			break;
		case BERTH_DPP_CONNECTION:
			printf("connection %s\n", berth_dpp_status_name(event.status));
			break;
		case BERTH_DPP_CONFIGURED:
			printf("configured\n");
			my.is_finished = true;
			break;
		case BERTH_DPP_CONFIGURATION_FAILED:
			die("configuration", &event.why);
		}
	}
	while (my.configurator != NULL && berth_dpp_configurator_output(my.configurator, &body)) {
		has_moved = true;
		send_body(body);
	}
	return has_moved;
}

static void
take_offer(const struct berth_dpp_offer *offer)
{
	struct berth_why why = {0};
	BERTH_BUF akm = {0};

	for (size_t i = 0; i < offer->count; i++) {
		const struct berth_dpp_object *object = &offer->objects[i];
		berth_buf_clear(&akm);
		if (berth_dpp_akm_write(object->akm, false, &akm, &why))
			die("offer", &why);
		printf("object akm=%.*s ssid=%.*s pass=%.*s connector=%d group=%s\n", (int)akm.n,
		       (const char *)akm.p, (int)object->ssid.n, (const char *)object->ssid.p,
		       (int)object->pass.n,
		       object->pass.p == NULL ? "" : (const char *)object->pass.p,
		       object->connector.n > 0, offer->connectors[i].groups[0].id);
	}
	if (offer->enveloped.n > 0)
		take_backup(offer->enveloped);
	print_point("net-access-key", &offer->net_access_key);
	if (berth_dpp_enrollee_decide(my.enrollee, now(), true, &why))
		die("decision", &why);
}

static void
send_request(const char *password)
{
	const char *which = option("csr", "own");
	struct berth_request_fields fields = {.common_name = berth_text(option("name", "berth"))};
	struct berth_why why = {0};
	BERTH_KEY *key = NULL;
	BERTH_BUF der = {0};

	if (strcmp(which, "own") == 0)
		fields.challenge_password = berth_text(password);
	else if (strcmp(which, "other") == 0)
		fields.challenge_password = BERTH_LIT("of another session");
	if (berth_keystore_ephemeral(my.pki, "P-256", &key, &why) ||
	    berth_request_build(my.pki, &fields, key, &der, &why) ||
	    berth_dpp_enrollee_csr(my.enrollee, now(), berth_buf_view(&der), &why))
		die("request", &why);
	printf("csr\n");
}

static bool
move_enrollee(void)
{
	struct berth_dpp_enrollee_event event;
	struct berth_bytes body;
	struct berth_why why = {0};
	bool has_moved = false;

	while (my.enrollee != NULL && berth_dpp_enrollee_event(my.enrollee, &event)) {
		has_moved = true;
		switch (event.kind) {
		case BERTH_DPP_CSR_WANTED:
			send_request(event.password);
			break;
		case BERTH_DPP_OFFERED:
			take_offer(event.offer);
			break;
		case BERTH_DPP_ENROLLED:
			printf("enrolled\n");
			my.is_finished = true;
			break;
		case BERTH_DPP_ENROLMENT_FAILED:
			if (berth_dpp_enrollee_output(my.enrollee, &body))
				send_body(body);
			die("enrolment", &event.why);
		}
	}
	while (my.enrollee != NULL && berth_dpp_enrollee_output(my.enrollee, &body)) {
		has_moved = true;
		send_body(body);
	}
	if (my.is_finished && my.enrollee != NULL && atoi(option("connected", "0")) != 0 &&
	    berth_dpp_enrollee_connected(my.enrollee, BERTH_DPP_OK, BERTH_LIT("net-x"), &why) ==
		    BERTH_OK &&
	    berth_dpp_enrollee_output(my.enrollee, &body))
		send_body(body);
	return has_moved;
}

static void
move(void)
{
	while (move_auth() || move_configurator() || move_enrollee())
		;
	fflush(stdout);
}

static void
take_frame(struct berth_bytes body)
{
	struct berth_dpp_frame frame;
	struct berth_why why = {0};
	enum berth_err err = berth_dpp_frame_parse(body, &frame, &why);

	if (err)
		die("frame", &why);
	if (my.auth == NULL && frame.type == BERTH_DPP_PRESENCE_ANNOUNCEMENT &&
	    my.is_configurator) {
		struct berth_dpp_auth_conf conf = auth_conf();
		printf("chirp\n");
		err = berth_dpp_auth_initiate(&conf, now(), &my.auth, &why);
	} else if (my.auth == NULL) {
		struct berth_dpp_auth_conf conf = auth_conf();
		err = berth_dpp_auth_respond(&conf, now(), &frame, &my.auth, &why);
	} else if (my.configurator != NULL) {
		err = berth_dpp_configurator_input(my.configurator, now(), &frame, &why);
	} else if (my.enrollee != NULL) {
		err = berth_dpp_enrollee_input(my.enrollee, now(), &frame, &why);
	} else {
		err = berth_dpp_auth_input(my.auth, now(), &frame, &why);
	}
	if (err)
		die("frame", &why);
	move();
}

static void
tick(void)
{
	if (my.configurator != NULL)
		berth_dpp_configurator_tick(my.configurator, now());
	else if (my.enrollee != NULL)
		berth_dpp_enrollee_tick(my.enrollee, now());
	else if (my.auth != NULL)
		berth_dpp_auth_tick(my.auth, now());
	move();
}

static void
run(void)
{
	static uint8_t body[BERTH_DPP_BODY_MAX_BYTES];
	struct berth_mono end = berth_mono_after_ms(now(), TIME_MAX_MS);
	uint8_t head[4];

	while (!my.is_finished && now().ms < end.ms) {
		struct pollfd fd = {.fd = my.fd, .events = POLLIN};
		if (poll(&fd, 1, 100) == 0) {
			tick();
			continue;
		}
		if (!receive_exactly(head, 4))
			die("closed by the other", NULL);
		size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 |
			   head[3];
		if (n == 0 || n > sizeof(body) || !receive_exactly(body, n))
			die("length", NULL);
		take_frame(berth_bytes_of(body, n));
	}
}

static void
open_socket(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	const char *connect_to = option("connect", NULL);
	char host[64];
	socklen_t n = sizeof(address);
	int port = 0;
	int yes = 1;

	my.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect_to != NULL) {
		if (sscanf(connect_to, "%63[^:]:%d", host, &port) != 2)
			die("connect", NULL);
		address.sin_port = htons((uint16_t)port);
		if (inet_pton(AF_INET, host, &address.sin_addr) != 1 ||
		    connect(my.fd, (struct sockaddr *)&address, sizeof(address)) != 0)
			die("connect", NULL);
		return;
	}
	address.sin_port = htons((uint16_t)atoi(option("listen", "0")));
	address.sin_addr.s_addr = htonl(INADDR_ANY);
	setsockopt(my.fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(my.fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(my.fd, 4) != 0 || getsockname(my.fd, (struct sockaddr *)&address, &n) != 0)
		die("listen", NULL);
	printf("port %d\n", ntohs(address.sin_port));
	fflush(stdout);
	struct pollfd fd = {.fd = my.fd, .events = POLLIN};
	if (poll(&fd, 1, TIME_MAX_MS) != 1)
		die("nobody came", NULL);
	int listener = my.fd;
	my.fd = accept(listener, NULL, NULL);
	close(listener);
}

static void
begin(void)
{
	struct berth_why why = {0};
	BERTH_BUF body = {0};
	BERTH_BUF attributes = {0};

	if (atoi(option("chirp", "0")) != 0) {
		const struct berth_bytes chirp = berth_bytes_of(my.own.chirp, sizeof(my.own.chirp));
		if (berth_dpp_put(&attributes, BERTH_DPP_RESPONDER_KEY_HASH, chirp) ||
		    berth_dpp_frame_build(
			    &(struct berth_dpp_frame){.kind = BERTH_DPP_FRAME_ACTION,
						      .type = BERTH_DPP_PRESENCE_ANNOUNCEMENT,
						      .attributes = berth_buf_view(&attributes)},
			    &body))
			die("chirp", NULL);
		send_body(berth_buf_view(&body));
		return;
	}
	bool is_initiator = option("connect", NULL) != NULL;
	if (atoi(option("init", is_initiator ? "1" : "0")) == 0)
		return;
	struct berth_dpp_auth_conf conf = auth_conf();
	if (berth_dpp_auth_initiate(&conf, now(), &my.auth, &why))
		die("authentication", &why);
	move();
}

int
main(int argc, char **argv)
{
	struct berth_why why = {0};

	my.argc = argc;
	my.argv = argv;
	if (berth_pki_open(&my.pki, &why))
		die("start", &why);
	my.random = berth_pki_random(my.pki);
	my.is_configurator = strcmp(option("role", "enrollee"), "configurator") == 0;
	if (my.is_configurator &&
	    (berth_keystore_ephemeral(my.pki, option("csign", "P-256"), &my.c_sign, &why) ||
	     berth_ec_of_key(my.pki, my.c_sign, &my.c_sign_point, &why)))
		die("csign", &why);
	if (option("peer", NULL) != NULL)
		read_peer(option("peer", NULL));
	make_own();
	if (atoi(option("wait", "0")) != 0 && getchar() == EOF)
		die("wait", NULL);
	open_socket();
	begin();
	run();
	berth_dpp_enrollee_end(my.enrollee);
	berth_dpp_configurator_end(my.configurator);
	berth_dpp_auth_end(my.auth);
	berth_secret_free(&my.scalar);
	berth_key_free(my.c_sign);
	close(my.fd);
	berth_pki_close(my.pki);
	return my.is_finished ? 0 : 1;
}
