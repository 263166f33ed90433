/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/registrar_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pki/issue.h"
#include "pki/keystore/keystore.h"

#define YEAR_S ((int64_t)365 * 86400)

static const uint8_t nonce[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

void
fixture_must(enum berth_err err, const struct berth_why *why, const char *what)
{
	if (!err)
		return;
	(void)fprintf(stderr, "fixture: %s: %s: %s\n", what, berth_err_name(err),
		      why == NULL ? "" : why->sentence);
	abort();
}

struct berth_key *
fixture_key(struct fixture *f, const char *kind)
{
	char uri[BERTH_KEY_URI_MAX];
	struct berth_key *key = NULL;
	struct berth_why why = {0};
	(void)snprintf(uri, sizeof(uri), "file:%s/%u.key", f->directory, f->keys++);
	fixture_must(berth_keystore_generate(f->pki, uri, kind, &key, &why), &why, "key");
	return key;
}

static void
issue(struct fixture *f, struct berth_cert_template *what, const struct person *issuer,
      struct berth_key *key, struct berth_buf *der)
{
	struct berth_random random = berth_pki_random(f->pki);
	struct berth_why why = {0};
	berth_random_fill(&random, what->serial, sizeof(what->serial));
	what->serial[0] = (uint8_t)((what->serial[0] & 0x7f) | 0x40);
	what->key = key;
	if (what->not_before.s == 0)
		what->not_before = (struct berth_wall){FIXTURE_NOW_S - YEAR_S};
	if (what->not_after.s == 0)
		what->not_after = (struct berth_wall){FIXTURE_NOW_S + YEAR_S};
	fixture_must(berth_issue(f->pki, what, issuer == NULL ? NULL : issuer->cert,
				 issuer == NULL ? key : issuer->key, der, &why),
		     &why, "issue");
}

static void
make(struct fixture *f, struct person *ret, struct berth_cert_template what,
     const struct person *issuer)
{
	BERTH_BUF der = {0};
	struct berth_why why = {0};
	ret->key = fixture_key(f, "P-256");
	issue(f, &what, issuer, ret->key, &der);
	fixture_must(berth_cert_parse(f->pki, berth_buf_view(&der), &ret->cert, &why), &why,
		     "parse");
}

static struct berth_cert_template
named(enum berth_cert_profile profile, const char *name)
{
	return (struct berth_cert_template){.profile = profile, .common_name = berth_text(name)};
}

static struct berth_cert_template
idevid(const char *serial)
{
	return (struct berth_cert_template){
		.profile = BERTH_PROFILE_IDEVID,
		.not_after = BERTH_WALL_NO_EXPIRY,
		.common_name = berth_text(serial),
		.serial_number = berth_text(serial),
		.masa_url = BERTH_LIT("masa.example:9443"),
	};
}

static void
make_makers(struct fixture *f)
{
	struct berth_cert_template what = idevid("CAM-0003");
	make(f, &f->maker, named(BERTH_PROFILE_ROOT_CA, "Acme Root"), NULL);
	struct berth_cert_template masa = named(BERTH_PROFILE_MASA_SIGNER, "Acme MASA");
	masa.not_after.s = FIXTURE_NOW_S + FIXTURE_MASA_LASTS_S;
	make(f, &f->masa, masa, &f->maker);
	make(f, &f->device, idevid(FIXTURE_SERIAL), &f->maker);
	make(f, &f->other_device, idevid(FIXTURE_OTHER_SERIAL), &f->maker);
	what.masa_url = BERTH_BYTES_NONE;
	make(f, &f->silent_device, what, &f->maker);
	make(f, &f->stranger_maker, named(BERTH_PROFILE_ROOT_CA, "Stranger Root"), NULL);
	make(f, &f->stranger, idevid(FIXTURE_SERIAL), &f->stranger_maker);
}

static void
make_owners(struct fixture *f)
{
	static const struct berth_bytes host[] = {BERTH_LIT_INIT("registrar.example")};
	struct berth_cert_template what = named(BERTH_PROFILE_REGISTRAR, "Registrar");
	what.dns_names = host;
	what.dns_name_count = 1;
	make(f, &f->owner, named(BERTH_PROFILE_ROOT_CA, "Owner CA"), NULL);
	make(f, &f->registrar, what, &f->owner);
	make(f, &f->rival_owner, named(BERTH_PROFILE_ROOT_CA, "Rival CA"), NULL);
	make(f, &f->rival, what, &f->rival_owner);
	what = named(BERTH_PROFILE_LDEVID, FIXTURE_SERIAL);
	what.serial_number = BERTH_LIT(FIXTURE_SERIAL);
	make(f, &f->ldevid, what, &f->owner);
}

static void
configure(struct fixture *f)
{
	struct berth_why why = {0};
	fixture_must(berth_cert_list_add(&f->own_chain, f->registrar.cert, &why), &why, "chain");
	fixture_must(berth_cert_list_add(&f->own_chain, f->owner.cert, &why), &why, "chain");
	fixture_must(berth_cert_list_add(&f->domain, f->owner.cert, &why), &why, "domain");
	f->acme.name = "Acme";
	f->acme.content_type = BERTH_CMS_ANIMA_VOUCHER;
	fixture_must(berth_cert_list_add(&f->acme.anchors, f->maker.cert, &why), &why, "anchors");
	f->trust = (struct berth_peer_trust){
		.manufacturers = &f->acme, .manufacturer_count = 1, .domain = &f->domain};
	f->conf = (struct berth_registrar_conf){.pki = f->pki, .own_chain = &f->own_chain};
	f->est.pki = f->pki;
	f->est.cacerts = &f->domain;
	f->est_profile.name = "";
	f->est_profile.attrs = (struct berth_csrattrs){
		.want_serial_number = true, .key = "P-256", .want_sha256 = true};
	f->est.profiles = &f->est_profile;
	f->est.profile_count = 1;
	f->est.organization = BERTH_LIT("Home");
	fixture_must(berth_est_conf_build(&f->est, &why), &why, "est");
}

struct fixture *
fixture_open(void)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct berth_why why = {0};
	if (f == NULL)
		abort();
	(void)snprintf(f->directory, sizeof(f->directory), "%s", "/tmp/berth-registrar-XXXXXX");
	if (mkdtemp(f->directory) == NULL)
		abort();
	f->serial = FIXTURE_SERIAL;
	f->now = (struct berth_now){
		.mono = {1000}, .wall = {FIXTURE_NOW_S}, .wall_is_trusted = true};
	fixture_must(berth_pki_open(&f->pki, &why), &why, "pki");
	make_makers(f);
	make_owners(f);
	configure(f);
	return f;
}

static void
person_free(struct person *person)
{
	berth_cert_free(person->cert);
	berth_key_free(person->key);
}

static void
remove_directory(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		char file[512];
		(void)snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		(void)unlink(file);
	}
	if (directory != NULL)
		(void)closedir(directory);
	(void)rmdir(path);
}

void
fixture_close(struct fixture *f)
{
	struct person *const people[] = {
		&f->maker,	    &f->masa,		&f->device,   &f->other_device,
		&f->silent_device,  &f->stranger_maker, &f->stranger, &f->owner,
		&f->registrar,	    &f->rival_owner,	&f->rival,    &f->ldevid,
		&f->expired_device,
	};
	berth_est_conf_free(&f->est);
	berth_manufacturer_free(&f->acme);
	berth_cert_list_free(&f->own_chain);
	berth_cert_list_free(&f->domain);
	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++)
		person_free(people[i]);
	berth_pki_close(f->pki);
	remove_directory(f->directory);
	free(f);
}

void
fixture_peer(struct fixture *f, const struct person *who, struct berth_peer *ret)
{
	struct berth_tls_facts tls = {.version = 0x0304, .connection = 1};
	struct berth_why why = {0};
	if (who != NULL) {
		tls.peer_chain[0] = berth_cert_der(who->cert);
		tls.peer_count = 1;
	}
	fixture_must(berth_peer_identify(f->pki, &f->trust, &tls, f->now.wall, ret, &why), &why,
		     "peer");
}

struct berth_voucher
fixture_pvr(const struct fixture *f)
{
	return (struct berth_voucher){
		.kind = BERTH_VOUCHER_REQUEST_PLEDGE,
		.has_created_on = true,
		.created_on = f->now.wall,
		.assertion = BERTH_ASSERTION_PROXIMITY,
		.serial_number = berth_text(f->serial),
		.nonce = berth_bytes_of(nonce, sizeof(nonce)),
		.proximity_registrar_cert = berth_cert_der(f->registrar.cert),
	};
}

struct berth_voucher
fixture_voucher(const struct fixture *f)
{
	return (struct berth_voucher){
		.kind = BERTH_VOUCHER,
		.has_created_on = true,
		.created_on = f->now.wall,
		.assertion = BERTH_ASSERTION_PROXIMITY,
		.serial_number = berth_text(f->serial),
		.nonce = berth_bytes_of(nonce, sizeof(nonce)),
		.pinned_domain_cert = berth_cert_der(f->owner.cert),
	};
}

/* Without voucher_cms's lint, so that a test can sign what must not be said. */
void
fixture_sign(struct fixture *f, const struct berth_voucher *voucher, const struct person *signer,
	     struct berth_buf *der)
{
	BERTH_BUF json = {0};
	struct berth_why why = {0};
	fixture_must(berth_voucher_encode(voucher, &json, &why), &why, "voucher");
	const struct berth_cms_fields how = {
		.content_type = BERTH_CMS_ANIMA_VOUCHER,
		.content = berth_buf_view(&json),
		.key = signer->key,
		.signer = signer->cert,
		.signing_time = f->now.wall,
	};
	fixture_must(berth_cms_sign(f->pki, &how, der, &why), &why, "sign");
}

struct berth_http_request
fixture_request(struct berth_bytes body)
{
	return (struct berth_http_request){
		.method = BERTH_HTTP_POST,
		.media_type = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS),
		.body = body,
	};
}

void
fixture_csr(struct fixture *f, const struct berth_request_fields *fields, struct berth_key *key,
	    struct berth_buf *der)
{
	struct berth_why why = {0};
	BERTH_KEY *made = key == NULL ? fixture_key(f, "P-256") : berth_key_ref(key);
	fixture_must(berth_request_build(f->pki, fields, made, der, &why), &why, "request");
}

void
fixture_ldevid(struct fixture *f, struct berth_key *key, struct berth_buf *der)
{
	struct berth_cert_template what = named(BERTH_PROFILE_LDEVID, FIXTURE_SERIAL);
	what.serial_number = BERTH_LIT(FIXTURE_SERIAL);
	issue(f, &what, &f->owner, key, der);
}
