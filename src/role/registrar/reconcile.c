/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/reconcile.h"

#include "base/base64.h"
#include "base/hex.h"
#include "codec/json.h"
#include "pki/certificate.h"
#include "role/backup/issued.h"
#include "role/registrar/addresses.h"
#include "role/registrar/judge.h"
#include "role/registrar/settings.h"
#include "role/registrar/signer_revocation.h"
#include "store/registrar_revocation.h"

#include <stdio.h>

#define ARENA_BYTES ((size_t)256 << 10)
#define DER_MAX_BYTES 16384

struct reconciling {
	struct berth_store *store;
	struct berth_pki *pki;
	struct berth_wall now;
	const char *actor;
	struct berth_backup_forgotten *forgotten;
};

static enum berth_err
describe(const struct berth_cert *cert, const struct berth_issued *issued, bool is_known,
	 struct berth_buf *json)
{
	char time[BERTH_TIME_TEXT_MAX];
	BERTH_BUF serial = {0};
	BERTH_JSON json_t *root = json_object();
	enum berth_err err = berth_hex_encode(berth_cert_serial(cert), &serial);

	err = err ? err : berth_json_set_text(root, "serial", berth_buf_view(&serial));
	err = err ? err
		  : berth_json_set_text(root, "subject", berth_text(berth_cert_subject_text(cert)));
	err = err ? err
		  : berth_json_set_text(root, "issued-at",
					berth_text(berth_wall_format(issued->at, time)));
	err = err ? err : berth_json_set_bool(root, "device-known", is_known);
	return err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, json);
}

/* The record before its effect. */
static enum berth_err
write_down(const struct reconciling *r, const struct berth_cert *cert,
	   const struct berth_issued *issued, bool is_known, const char *subject,
	   struct berth_why *why)
{
	BERTH_BUF json = {0};
	enum berth_err err = describe(cert, issued, is_known, &json);

	if (err)
		return berth_fail(why, err, "reconcile-memory", NULL, "out of memory");
	return berth_audit_append(r->store, r->now, r->actor, BERTH_EVENT_ISSUANCE_FORGOTTEN,
				  subject, berth_buf_view(&json), why);
}

/* Whose it is: the device of the serial number in the line; NOT_FOUND also where several fit. */
static enum berth_err
find_device(const struct reconciling *r, const struct berth_issued *issued,
	    struct berth_arena *arena, struct berth_registrar_device *ret, char *name, size_t cap)
{
	BERTH_BUF serial = {0};

	if (berth_hex_decode(issued->subject_hex, &serial, NULL) || serial.n == 0 ||
	    serial.n >= cap || memchr(serial.p, 0, serial.n))
		return BERTH_E_NOT_FOUND;
	memcpy(name, serial.p, serial.n);
	name[serial.n] = '\0';
	return berth_registrar_device_find_by_name(r->store, name, arena, ret, NULL);
}

static struct berth_credential
credential_of(const struct berth_cert *cert)
{
	return (struct berth_credential){
		.issuer_key_id = berth_cert_aki_key_id(cert),
		.serial = berth_cert_serial(cert),
		.subject = berth_text(berth_cert_subject_text(cert)),
		.not_after = berth_cert_not_after(cert),
		.state = BERTH_CREDENTIAL_INTENT,
	};
}

/* The list that it names, which never changes; OWN where it names none. */
static int64_t
partition_in(const struct berth_cert *cert)
{
	static const char path[] = BERTH_CRL_PATH;
	const struct berth_bytes url = berth_cert_crl_url(cert);
	struct berth_address address;

	for (size_t i = 0; i + sizeof(path) <= url.n; i++) {
		const struct berth_bytes rest = berth_bytes_of(url.p + i, url.n - i);
		if (berth_bytes_starts_with(rest, path) &&
		    berth_address_read(
			    berth_bytes_of(rest.p + sizeof(path) - 1, rest.n - (sizeof(path) - 1)),
			    ".crl", &address) &&
		    address.partition != BERTH_PARTITION_ALL)
			return address.partition;
	}
	return BERTH_PARTITION_OWN;
}

/* Of no device that this store knows: kept with those of the CA's that belong to none, so that it can be revoked. */
static enum berth_err
take_as_own(const struct reconciling *r, const struct berth_cert *cert, struct berth_wall at,
	    struct berth_why *why)
{
	const struct berth_credential credential = credential_of(cert);

	return berth_registrar_own_seen(r->store, &credential, partition_in(cert), at, why);
}

static enum berth_err
take_back(const struct reconciling *r, struct berth_cert *cert, int64_t device,
	  struct berth_wall at, struct berth_why *why)
{
	struct berth_registrar_certificate found = {
		.device = device,
		.credential = credential_of(cert),
		.der = berth_cert_der(cert),
		.made_at = at,
	};
	enum berth_err err =
		berth_registrar_certificate_row_in(r->store, partition_in(cert), &found.row, why);
	if (err)
		return err;
	if (berth_sha256(r->pki, berth_key_spki(berth_cert_key(cert)), found.key_sha256))
		return berth_fail(why, BERTH_E_CRYPTO, "reconcile-hash", NULL, "SHA-256 failed");
	return berth_registrar_certificate_found(r->store, &found, why);
}

/*
 * The backup was made while the signer was asked. A judge that starts takes such an intent for one whose answer was lost
 * before anything was released; here it may have been released since.
 */
static enum berth_err
complete(const struct reconciling *r, const struct berth_issued *issued, struct berth_cert *cert,
	 int64_t row, struct berth_why *why)
{
	char subject[BERTH_AUDIT_SUBJECT_MAX];

	(void)snprintf(subject, sizeof(subject), "%s", berth_cert_subject_text(cert));
	enum berth_err err = write_down(r, cert, issued, true, subject, why);
	r->forgotten->found += !err;
	return err ? err
		   : berth_registrar_certificate_issued(r->store, row, berth_cert_der(cert), why);
}

static enum berth_err
reconcile_certificate(const struct reconciling *r, const struct berth_issued *issued,
		      struct berth_cert *cert, struct berth_arena *arena, struct berth_why *why)
{
	struct berth_registrar_certificate known;
	struct berth_registrar_device device;
	char name[BERTH_AUDIT_SUBJECT_MAX] = "?";
	enum berth_err err = berth_registrar_certificate_find(
		r->store, berth_cert_aki_key_id(cert), berth_cert_serial(cert), arena, &known, why);

	if (!err && known.credential.state == BERTH_CREDENTIAL_INTENT)
		return complete(r, issued, cert, known.row, why);
	if (err != BERTH_E_NOT_FOUND)
		return err;
	struct berth_standing standing;
	err = berth_registrar_standing(r->store, berth_cert_aki_key_id(cert),
				       berth_cert_serial(cert), &standing, why);
	if (err || standing.is_known)
		return err;
	bool is_known = find_device(r, issued, arena, &device, name, sizeof(name)) == BERTH_OK;
	err = write_down(r, cert, issued, is_known, name, why);
	if (err)
		return err;
	if (!is_known) {
		r->forgotten->unknown++;
		return take_as_own(r, cert, issued->at, why);
	}
	r->forgotten->found++;
	return take_back(r, cert, device.row, issued->at, why);
}

/* A line that does not hold what it names is no evidence of anything: refused, for a person to look at. */
static enum berth_err
reconcile_line(const struct reconciling *r, struct berth_bytes line, struct berth_why *why)
{
	struct berth_issued issued;
	BERTH_BUF der = {.limit = DER_MAX_BYTES};
	BERTH_CERT *cert = NULL;
	uint8_t digest[BERTH_DIGEST_BYTES];

	enum berth_err err = berth_issued_parse(line, &issued, why);
	if (err || issued.certificate.n == 0)
		return err;
	err = berth_base64_decode(issued.certificate, false, &der, why);
	if (!err && (berth_sha256(r->pki, berth_buf_view(&der), digest) ||
		     memcmp(digest, issued.sha256, sizeof(digest)) != 0))
		err = berth_fail(why, BERTH_E_MISMATCH, "issuance-hash", NULL,
				 "a certificate in the signer's log is not the one that its line "
				 "names: the log was changed");
	err = err ? err : berth_cert_parse(r->pki, berth_buf_view(&der), &cert, why);
	if (err)
		return err;
	BERTH_ARENA arena;
	berth_arena_start(&arena, ARENA_BYTES);
	return reconcile_certificate(r, &issued, cert, &arena, why);
}

static enum berth_err
reconcile(struct berth_store *store, struct berth_pki *pki, const void *settings,
	  struct berth_bytes log, size_t log_of_backup, struct berth_wall now, const char *actor,
	  struct berth_backup_forgotten *ret, struct berth_why *why)
{
	const struct reconciling r = {store, pki, now, actor, ret};
	struct berth_bytes line;
	enum berth_err err = BERTH_OK;

	(void)settings;
	(void)log_of_backup; /* each certificate is looked up: the store says what it knows */
	while (!err && berth_issued_next(&log, &line) == BERTH_OK)
		err = reconcile_line(&r, line, why);
	return err;
}

const struct berth_backup_subject berth_registrar_backup = {
	.daemon = {.name = "berth-registrar",
		   .schema = &berth_registrar_schema,
		   .settings_size = sizeof(struct berth_registrar_settings),
		   .common_offset = offsetof(struct berth_registrar_settings, daemon),
		   .check_files = berth_registrar_check_files},
	.schema = BERTH_STORE_REGISTRAR,
	.store = "registrar.db",
	.witness = BERTH_REGISTRAR_WITNESS_FILE,
	.rising = BERTH_CRL_NUMBER_FILE,
	.reconcile = reconcile,
};
