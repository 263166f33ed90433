/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a device is given, once it is authenticated and the policy says yes: a Connector, perhaps a password, perhaps a
 * certificate for the key that it shows. Each is an intent in the store before the signer is asked.
 */
#include "role/registrar/dpp_session.h"

#include <stdio.h>

#include "pki/cms.h"
#include "pki/csrattrs.h"
#include "protocol/dpp/configuration.h"
#include "role/registrar/signing.h"
#include "store/registrar_revocation.h"

#define LABEL "dpp" /* of certificate requests that came this way */

static struct berth_now
now_of(const struct berth_dpp_session *s)
{
	return berth_judge_now(s->role->judge);
}

static enum berth_err
answer_status(struct berth_dpp_session *s, enum berth_dpp_status status)
{
	struct berth_why why = {0};

	return berth_dpp_configurator_answer(
		s->configurator, now_of(s).mono,
		&(struct berth_dpp_configurator_answer){.status = status}, &why);
}

/* The device is told, and it is over. */
static enum berth_err
refuse(struct berth_dpp_session *s, enum berth_dpp_status status, const struct berth_why *why)
{
	berth_dpp_session_fail(s, why);
	return answer_status(s, status);
}

static unsigned
akm_of(const struct berth_dpp_session *s)
{
	unsigned akm = 0;

	/* the policy has these words from a list of ours */
	return berth_dpp_akm_read(berth_text(s->network.akm), &akm, NULL) ? BERTH_DPP_AKM_DPP : akm;
}

/* ---- the Connector ---- */

static struct berth_dpp_connector
plan_connector(const struct berth_dpp_session *s, const struct berth_ec_point *key)
{
	const struct berth_policy_network *network = &s->network;
	struct berth_dpp_connector connector = {.key = *key, .expiry = BERTH_WALL_NO_EXPIRY};
	size_t n = network->group_count == 0 ? 1 : network->group_count;

	for (size_t i = 0; i < n && i < BERTH_DPP_GROUPS_MAX; i++) {
		const char *id = network->group_count == 0 ? network->group : network->groups[i];
		struct berth_dpp_group *group = &connector.groups[connector.group_count++];
		(void)snprintf(group->id, sizeof(group->id), "%s", id);
		group->role = s->net_role;
	}
	if (network->lifetime_s > 0)
		connector.expiry.s = now_of(s).wall.s + network->lifetime_s;
	const struct berth_dpp_secrets *secrets = berth_dpp_configurator_secrets(s->configurator);
	if (secrets->version >= 3)
		connector.version = secrets->version;
	return connector;
}

/* req: dpp-controller-intent */
static enum berth_err
put_intent(struct berth_dpp_session *s, const struct berth_dpp_connector *connector, unsigned akm,
	   struct berth_why *why)
{
	struct berth_registrar_connector wanted = {
		.device = s->device,
		.ssid = berth_text(s->network.ssid),
		.akm = (int64_t)akm,
		.expires = connector->expiry,
		.made_at = now_of(s).wall,
	};

	if (berth_sha256(s->role->pki, berth_ec_xy(&connector->key), wanted.net_access_sha256))
		return berth_fail(why, BERTH_E_CRYPTO, "sha256", NULL,
				  "the key's digest could not be made");
	enum berth_err err = berth_dpp_session_note(s, BERTH_EVENT_CONNECTOR_INTENT,
						    "a Connector is to be signed", why);
	return err ? err
		   : berth_registrar_connector_intent(s->role->store, &wanted, &s->connector, why);
}

static enum berth_err
ask_connector(struct berth_dpp_session *s, struct berth_why *why)
{
	BERTH_BUF payload = {0};
	const struct berth_dpp_connector connector = plan_connector(s, &s->net_access_key);

	enum berth_err err = berth_dpp_connector_write(&connector, &payload, why);
	err = err ? err : put_intent(s, &connector, akm_of(s), why);
	if (!err)
		berth_dpp_session_ask(s, BERTH_DPP_CONNECTOR_OF_DEVICE,
				      BERTH_REGISTRAR_DPP_CONNECTOR, berth_buf_view(&payload));
	return err;
}

/* ---- the certificate ---- */

static enum berth_err
want_request(struct berth_dpp_session *s, struct berth_why *why)
{
	const struct berth_csrattrs attrs = {.want_challenge_password = true};
	BERTH_BUF der = {0};
	enum berth_err err = berth_csrattrs_build(&attrs, BERTH_CSRATTRS_PLAIN, &der, why);

	return err ? err
		   : berth_dpp_configurator_answer(s->configurator, now_of(s).mono,
						   &(struct berth_dpp_configurator_answer){
							   .status = BERTH_DPP_CSR_NEEDED,
							   .csr_attributes = berth_buf_view(&der)},
						   why);
}

/* req: dpp-controller-csr-password */
static enum berth_err
check_request(struct berth_dpp_session *s, struct berth_bytes der, struct berth_request **ret,
	      struct berth_why *why)
{
	char password[BERTH_DPP_CSR_PASSWORD_CHARS + 1];
	enum berth_err err = berth_request_parse(s->role->pki, der, ret, why);

	if (!err &&
	    berth_dpp_csr_password(s->role->pki, berth_dpp_configurator_secrets(s->configurator),
				   password))
		return berth_fail(why, BERTH_E_CRYPTO, "dpp-csr-password", "DPP 6.4.5",
				  "the password of the request could not be derived");
	if (!err && !berth_bytes_equal_secretly(berth_request_challenge_password(*ret),
						berth_text(password)))
		err = berth_fail(
			why, BERTH_E_MISMATCH, "dpp-csr-password", "DPP 6.4.5",
			"the certification request does not carry the challengePassword of "
			"this session: it may be another's");
	berth_wipe(password, sizeof(password));
	return err;
}

/* What the same request got before; s->certificate_der is set, or the row is free for another intent. */
static enum berth_err
take_earlier(struct berth_dpp_session *s, int64_t row, struct berth_why *why)
{
	struct berth_registrar_certificate certificate;
	enum berth_err err =
		berth_registrar_certificate_get(s->role->store, row, &s->arena, &certificate, why);
	if (err)
		return err;
	switch (certificate.credential.state) {
	case BERTH_CREDENTIAL_ISSUED:
		s->certificate_der = certificate.der;
		return BERTH_OK;
	case BERTH_CREDENTIAL_FAILED:
		return BERTH_OK;
	case BERTH_CREDENTIAL_INTENT: /* its answer was lost, and nothing was released */
		return berth_registrar_certificate_failed(s->role->store, row, why);
	case BERTH_CREDENTIAL_REVOKED:
		break;
	}
	return berth_fail(
		why, BERTH_E_DENIED, "credential-revoked", NULL,
		"the certificate for this request was revoked; the device must make another");
}

static enum berth_err
put_certificate_intent(struct berth_dpp_session *s, const struct berth_issue_ldevid *ask,
		       const uint8_t key_sha256[32], int64_t request, struct berth_why *why)
{
	struct berth_wall now = now_of(s).wall;
	struct berth_registrar_certificate wanted = {
		.device = s->device,
		.est_request = request,
		.credential =
			{
				.issuer_key_id = ask->issuer,
				.serial = berth_bytes_of(ask->serial, sizeof(ask->serial)),
				.subject = berth_text(s->device_id),
				.not_after = {now.s + ask->lifetime_s},
				.state = BERTH_CREDENTIAL_INTENT,
			},
		.made_at = now,
	};

	memcpy(wanted.key_sha256, key_sha256, sizeof(wanted.key_sha256));
	enum berth_err err = berth_dpp_session_note(s, BERTH_EVENT_CERTIFICATE_INTENT,
						    "asked of the signer", why);
	return err ? err
		   : berth_registrar_certificate_intent(s->role->store, &wanted, &s->certificate,
							why);
}

static enum berth_err
ask_certificate(struct berth_dpp_session *s, const struct berth_request *request,
		const struct berth_registrar_est_request *row, struct berth_why *why)
{
	struct berth_registrar_role *role = s->role;
	struct berth_registrar_device device;
	BERTH_BUF payload = {0};

	enum berth_err err =
		berth_registrar_device_get(role->store, s->device, &s->arena, &device, why);
	if (err)
		return err;
	struct berth_issue_ldevid ask = {
		.request = berth_request_der(request),
		.lifetime_s = role->labels[0].lifetime_s,
		.issuer = berth_cert_ski(role->issuing.at[0]),
		.manufacturer_key = device.identity.manufacturer_key,
		.serial_number = device.identity.serial_number,
		.is_dpp = true,
	};
	berth_registrar_choose_serial(role->judge, ask.serial);
	err = put_certificate_intent(s, &ask, row->key_sha256, row->row, why);
	if (err)
		return err;
	ask.partition = berth_partition_of(s->certificate);
	if (berth_issue_ldevid_encode(&ask, &payload))
		return berth_fail(why, BERTH_E_LIMIT, "signer-frame", NULL,
				  "the request is too large for the signer");
	berth_dpp_session_ask(s, BERTH_DPP_CERTIFICATE, BERTH_REGISTRAR_ISSUE_LDEVID,
			      berth_buf_view(&payload));
	return BERTH_OK;
}

static enum berth_err
take_request(struct berth_dpp_session *s, struct berth_bytes der, struct berth_why *why)
{
	struct berth_registrar_role *role = s->role;
	struct berth_registrar_est_request row;
	struct berth_registrar_est_request wanted = {.device = s->device,
						     .label = BERTH_LIT(LABEL)};
	BERTH_REQUEST *request = NULL;

	enum berth_err err = check_request(s, der, &request, why);
	if (err)
		return err;
	if (berth_sha256(role->pki, der, wanted.csr_sha256) ||
	    berth_sha256(role->pki, berth_key_spki(berth_request_key(request)), wanted.key_sha256))
		return berth_fail(why, BERTH_E_CRYPTO, "sha256", NULL,
				  "the request's digest could not be made");
	err = berth_registrar_est_request_take(role->store, &wanted, now_of(s).wall, &row, why);
	if (!err && row.certificate != 0)
		err = take_earlier(s, row.certificate, why);
	if (err)
		return err;
	return s->certificate_der.n > 0 ? ask_connector(s, why)
					: ask_certificate(s, request, &row, why);
}

enum berth_err
berth_dpp_give_certificate(struct berth_dpp_session *s, enum berth_err err, struct berth_bytes der,
			   struct berth_why *why)
{
	struct berth_store *store = s->role->store;
	struct berth_registrar_certificate certificate;
	struct berth_why cause = {0};

	if (err) {
		berth_ignore(berth_registrar_certificate_failed(store, s->certificate, &cause),
			     "closed at the next start otherwise");
		return refuse(s, BERTH_DPP_CSR_BAD, why);
	}
	err = berth_registrar_certificate_get(store, s->certificate, &s->arena, &certificate, why);
	if (!err && certificate.credential.state == BERTH_CREDENTIAL_REVOKED)
		err = berth_fail(
			why, BERTH_E_DENIED, "credential-revoked", NULL,
			"the device was denied or revoked while its certificate was signed");
	err = err ? err : berth_dpp_session_note(s, BERTH_EVENT_CERTIFICATE_ISSUED, "issued", why);
	err = err ? err : berth_registrar_certificate_issued(store, s->certificate, der, why);
	s->certificate_der = berth_arena_copy(&s->arena, der);
	if (!err && s->certificate_der.p == NULL)
		err = berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	err = err ? err : ask_connector(s, why);
	return err ? refuse(s, BERTH_DPP_CONFIGURE_FAILURE, why) : BERTH_OK;
}

/* The certificate, first, and what it chains to, without the root: that is in caCert. */
static enum berth_err
build_bag(struct berth_dpp_session *s, struct berth_buf *der, struct berth_why *why)
{
	const struct berth_cert_list *issuing = &s->role->issuing;
	BERTH_CERT *leaf = NULL;
	BERTH_CERT_LIST bag = {0};

	enum berth_err err = berth_cert_parse(s->role->pki, s->certificate_der, &leaf, why);
	err = err ? err : berth_cert_list_add(&bag, leaf, why);
	for (size_t i = 0; !err && i + 1 < issuing->n; i++)
		err = berth_cert_list_add(&bag, issuing->at[i], why);
	return err ? err : berth_cms_certs_bag(&bag, der, why);
}

/* ---- the object ---- */

static enum berth_err
add_password(struct berth_dpp_session *s, struct berth_dpp_password *password,
	     struct berth_dpp_object *object, struct berth_why *why)
{
	struct berth_registrar_dpp_key key;

	if ((object->akm & (BERTH_DPP_AKM_PSK | BERTH_DPP_AKM_SAE)) == 0)
		return BERTH_OK;
	enum berth_err err =
		berth_registrar_dpp_key_of(s->role->store, s->device, &s->arena, &key, why);
	err = err ? err
		  : berth_dpp_password_of(s->role->pki, &s->role->passwords, &s->network,
					  key.key_hash, password, why);
	object->pass = err ? BERTH_BYTES_NONE : berth_text(password->text);
	return err;
}

static enum berth_err
build_object(struct berth_dpp_session *s, struct berth_bytes connector, struct berth_buf *json,
	     struct berth_why *why)
{
	const struct berth_registrar_role *role = s->role;
	const struct berth_cert_list *issuing = &role->issuing;
	struct berth_dpp_password password = {0};
	BERTH_BUF bag = {0};
	struct berth_dpp_object object = {
		.akm = akm_of(s),
		.ssid = berth_text(s->network.ssid),
		.connector = connector,
		.has_c_sign = true,
		.c_sign = role->dpp->keys.c_sign,
		.has_pp_key = true,
		.pp_key = role->dpp->keys.pp,
	};

	/* who speaks version 1 knows Connectors for its own AKM alone */
	if (berth_dpp_configurator_secrets(s->configurator)->version < 2 &&
	    (object.akm & (BERTH_DPP_AKM_DPP | BERTH_DPP_AKM_DOT1X)) == 0)
		object.connector = BERTH_BYTES_NONE;
	enum berth_err err = add_password(s, &password, &object, why);
	if (!err && object.akm == BERTH_DPP_AKM_DOT1X) {
		err = build_bag(s, &bag, why);
		object.cert_bag = berth_buf_view(&bag);
		object.ca_cert = berth_cert_der(issuing->at[issuing->n - 1]);
		object.server_name = berth_text(s->network.eap_server);
	}
	err = err ? err : berth_dpp_object_write(role->pki, &object, json, why);
	berth_wipe(&password, sizeof(password));
	return err;
}

enum berth_err
berth_dpp_give_connector(struct berth_dpp_session *s, enum berth_err err,
			 struct berth_bytes connector, struct berth_why *why)
{
	BERTH_BUF json = {0};

	err = err ? err : build_object(s, connector, &json, why);
	err = err ? err
		  : berth_registrar_connector_set(s->role->store, s->connector,
						  BERTH_DPP_CONNECTOR_GIVEN, now_of(s).wall, why);
	if (err)
		return refuse(s, BERTH_DPP_CONFIGURE_FAILURE, why);
	struct berth_bytes view = berth_buf_view(&json);
	err = berth_dpp_configurator_answer(
		s->configurator, now_of(s).mono,
		&(struct berth_dpp_configurator_answer){
			.status = BERTH_DPP_OK, .objects = &view, .object_count = 1},
		why);
	berth_wipe(json.p, json.n);
	return err;
}

/* ---- the request ---- */

static enum berth_err
check_role(struct berth_dpp_session *s, enum berth_dpp_net_role wanted, struct berth_why *why)
{
	s->net_role = wanted;
	if (strcmp(berth_dpp_net_role_name(wanted), s->network.net_role) == 0)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_DENIED, "dpp-net-role", "DPP 4.4",
			  "the device asks to be \"%s\", and the policy has it as \"%s\" "
			  "(dpp.net-role)",
			  berth_dpp_net_role_name(wanted), s->network.net_role);
}

/* Keys of one network are on one curve, or its members cannot agree: the C-sign key's. Who speaks version 3 makes another. */
/* req: dpp-controller-one-curve */
static bool
wants_new_key(const struct berth_dpp_session *s)
{
	return berth_dpp_configurator_secrets(s->configurator)->version >= 3 &&
	       s->net_access_key.curve != s->role->dpp->keys.c_sign.curve;
}

/* The device is who it says; what it says of itself is its word alone. */
static enum berth_err
hear(struct berth_dpp_session *s, const struct berth_dpp_request *request, struct berth_why *why)
{
	const struct berth_bytes https = BERTH_LIT("https://");
	struct berth_bytes mud_url = request->mud_url;
	struct berth_bytes name = request->name;
	bool is_other = false;

	/* a terminal will show them */
	if (!berth_bytes_is_printable(name))
		name = BERTH_BYTES_NONE;

	/* RFC 8520 5: another scheme is none */
	if (mud_url.n < https.n || memcmp(mud_url.p, https.p, https.n) != 0 ||
	    !berth_bytes_is_printable(mud_url))
		mud_url = BERTH_BYTES_NONE;
	enum berth_err err =
		berth_registrar_dpp_said(s->role->store, s->device, name, mud_url, &is_other, why);
	if (!err && is_other)
		berth_log(&s->role->log, BERTH_LOG_WARNING, "device.other-mud-url", "device",
			  s->device_id, "from", s->address, (const char *)NULL);
	return err;
}

enum berth_err
berth_dpp_give(struct berth_dpp_session *s, const struct berth_dpp_configurator_event *event)
{
	struct berth_why why = {0};

	/* once more: somebody may have spoken since the authentication began */
	enum berth_err err = berth_dpp_session_decide(s, &why);
	err = err ? err : check_role(s, event->request->net_role, &why);
	err = err ? err : hear(s, event->request, &why);
	if (err)
		return refuse(s, BERTH_DPP_CONFIGURE_FAILURE, &why);
	s->net_access_key = *event->net_access_key;
	if (wants_new_key(s))
		return berth_dpp_configurator_answer(
			s->configurator, now_of(s).mono,
			&(struct berth_dpp_configurator_answer){
				.status = BERTH_DPP_NEW_KEY_NEEDED,
				.new_key_curve = s->role->dpp->keys.c_sign.curve},
			&why);
	if (akm_of(s) != BERTH_DPP_AKM_DOT1X)
		err = ask_connector(s, &why);
	else if (event->request->csr.n == 0)
		return want_request(s, &why);
	else if (take_request(s, event->request->csr, &why))
		return refuse(s, BERTH_DPP_CSR_BAD, &why);
	return err ? refuse(s, BERTH_DPP_CONFIGURE_FAILURE, &why) : BERTH_OK;
}

enum berth_err
berth_dpp_give_result(struct berth_dpp_session *s, unsigned status, struct berth_why *why)
{
	bool is_accepted = status == BERTH_DPP_OK;
	char sentence[96];

	(void)snprintf(sentence, sizeof(sentence), "the device says %s",
		       berth_dpp_status_name(status));
	enum berth_err err = berth_dpp_session_note(s, BERTH_EVENT_CONNECTOR_RESULT, sentence, why);
	err = err ? err
		  : berth_registrar_connector_set(s->role->store, s->connector,
						  is_accepted ? BERTH_DPP_CONNECTOR_ACCEPTED
							      : BERTH_DPP_CONNECTOR_REJECTED,
						  now_of(s).wall, why);
	return err || !is_accepted
		       ? err
		       : berth_registrar_dpp_renew_clear(s->role->store, s->device, why);
}
