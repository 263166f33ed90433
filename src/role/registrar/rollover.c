/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/rollover.h"

#include "base/base64.h"
#include "pki/issue.h"
#include "pki/request.h"
#include "role/registrar/addresses.h"
#include "store/registrar_revocation.h"
#include "system/files.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define YEAR_S ((int64_t)365 * 86400)
#define ISSUING_YEARS 10
#define REGISTRAR_YEARS 2
#define BACKDATE_S 3600 /* devices' clocks may be behind */
#define DROP_INS "registrar.conf.d"
#define DROP_INS_MAX 64
#define URI_LINE_MAX 180 /* of a key's URI, in a line of 198 characters */

struct rollover {
	struct berth_pki *pki;
	const struct berth_rollover_plan *plan;
	struct berth_rollover_made *made;
	const struct berth_registrar_settings *settings;
	struct berth_cert_list issuing; /* the former issuing CA, the root, what is above it */
	struct berth_cert_list shown;	/* the registrar's certificate and what is above it */
	struct berth_key *root_key, *former_key, *key;
	struct berth_cert *cert; /* the new issuing CA's */
	struct berth_cert *old_with_new, *new_with_old;
	struct berth_cert *registrar; /* NULL: the one that is shown is another CA's */
	char key_uri[BERTH_KEY_URI_MAX];
};

static void
rollover_end(struct rollover *r)
{
	berth_cert_free(r->cert);
	berth_cert_free(r->old_with_new);
	berth_cert_free(r->new_with_old);
	berth_cert_free(r->registrar);
	berth_key_free(r->root_key);
	berth_key_free(r->former_key);
	berth_key_free(r->key);
	berth_cert_list_free(&r->issuing);
	berth_cert_list_free(&r->shown);
}

static enum berth_err
path_in(const struct rollover *r, const char *name, char path[BERTH_ROLLOVER_PATH_MAX],
	struct berth_why *why)
{
	int n = snprintf(path, BERTH_ROLLOVER_PATH_MAX, "%s/%s", r->plan->directory, name);
	if (n < 0 || n >= BERTH_ROLLOVER_PATH_MAX)
		return berth_fail(why, BERTH_E_USAGE, "registrar-directory", NULL,
				  "the folder's path is too long for a configuration line");
	return BERTH_OK;
}

/* As registrar.conf may say it: relative to its folder, where it is in there. */
static const char *
relative(const struct rollover *r, const char *path)
{
	size_t n = strlen(r->plan->directory);
	bool is_inside = strncmp(path, r->plan->directory, n) == 0 && path[n] == '/';
	return is_inside ? path + n + 1 : path;
}

static enum berth_err
put_key_uri(const struct rollover *r, const char *name, const char *uri, struct berth_buf *text)
{
	bool is_file = strncmp(uri, "file:", 5) == 0;
	return berth_buf_printf(text, "%s = %s%s\n", name, is_file ? "file:" : "",
				is_file ? relative(r, uri + 5) : uri);
}

/* ---- what is there ---- */

/* What is read after ours could say otherwise. */
static enum berth_err
check_in_force(const struct rollover *r, struct berth_why *why)
{
	char folder[BERTH_ROLLOVER_PATH_MAX];
	char **names = NULL;
	size_t n = 0;
	enum berth_err err = path_in(r, DROP_INS, folder, why);
	if (!err)
		err = berth_folder_names(folder, ".conf", DROP_INS_MAX, &names, &n, why);
	if (!err && n > 0 && strcmp(names[n - 1], BERTH_ROLLOVER_DROP_IN) > 0)
		err = berth_fail(why, BERTH_E_STATE, "rollover-overruled", NULL,
				 "%.100s is read after " BERTH_ROLLOVER_DROP_IN
				 " and could overrule it: give it an earlier name",
				 names[n - 1]);
	berth_folder_names_free(names, n);
	return err;
}

static enum berth_err
load_root_key(struct rollover *r, struct berth_why *why)
{
	char uri[BERTH_KEY_URI_MAX];
	struct berth_why cause = {0};
	(void)snprintf(uri, sizeof(uri), "file:%.400s/keys/root.key", r->plan->directory);
	const char *root = r->plan->root_key == NULL ? uri : r->plan->root_key;
	if (berth_keystore_load(r->pki, root, &r->root_key, &cause))
		return berth_fail(
			why, cause.err, "rollover-root-key", NULL,
			"the root's key cannot be used: %.110s; name it by --root-key, or "
			"have a request certified where it is (--csr)",
			cause.sentence);
	if (!berth_key_equal(r->root_key, berth_cert_key(r->issuing.at[1])))
		return berth_fail(why, BERTH_E_MISMATCH, "rollover-root-key", NULL,
				  "%.120s is not the key of %.80s", root,
				  berth_cert_subject_text(r->issuing.at[1]));
	return BERTH_OK;
}

static enum berth_err
look(struct rollover *r, struct berth_why *why)
{
	enum berth_err err = check_in_force(r, why);
	if (!err && r->settings->formers.count >= BERTH_FORMER_ISSUERS_MAX)
		err = berth_fail(why, BERTH_E_LIMIT, "registrar-former-issuers", NULL,
				 "there are %d former issuers already; take out of " DROP_INS
				 "/" BERTH_ROLLOVER_DROP_IN " those that ended",
				 BERTH_FORMER_ISSUERS_MAX);
	if (!err)
		err = berth_registrar_load_certificates(r->pki, "issuing-certificates",
							r->settings->issuing_certificates,
							&r->issuing, why);
	if (!err)
		err = berth_registrar_load_certificates(r->pki, "tls-certificates",
							r->settings->daemon.tls_certificates,
							&r->shown, why);
	if (!err && r->issuing.n < 2)
		err = berth_fail(why, BERTH_E_USAGE, "rollover-root", NULL,
				 "issuing-certificates has no root above the issuing CA that could "
				 "certify another");
	return err ? err
		   : berth_keystore_load(r->pki, r->settings->issuing_key, &r->former_key, why);
}

/* ---- keys and certificates ---- */

static bool
has_section(const struct rollover *r, size_t number)
{
	const struct berth_registrar_former *formers = r->settings->formers.items;
	char name[24];
	(void)snprintf(name, sizeof(name), "%zu", number);
	for (size_t i = 0; i < r->settings->formers.count; i++)
		if (strcmp(formers[i].name, name) == 0)
			return true;
	return false;
}

/* The key of a run that was killed is taken up; one that is in use already is not. */
static enum berth_err
have_key(struct rollover *r, struct berth_why *why)
{
	const char *uri = r->plan->issuing_key;
	int n = uri == NULL
			? snprintf(r->key_uri, sizeof(r->key_uri), "file:%s/keys/issuing-%zu.key",
				   r->plan->directory, r->made->number)
			: snprintf(r->key_uri, sizeof(r->key_uri), "%s", uri);
	if (n < 0 || n > URI_LINE_MAX ||
	    (uri != NULL && strncmp(uri, "file:", 5) == 0 && uri[5] != '/'))
		return berth_fail(why, BERTH_E_USAGE, "registrar-key", NULL,
				  "--issuing-key is too long for a configuration line, or a file "
				  "without its whole path");
	enum berth_err err = berth_keystore_generate(r->pki, r->key_uri, "P-256", &r->key, why);
	if (err == BERTH_E_EXISTS)
		err = berth_keystore_load(r->pki, r->key_uri, &r->key, why);
	if (err)
		return err;
	if (berth_key_equal(r->key, r->former_key) ||
	    berth_key_equal(r->key, berth_cert_key(r->issuing.at[1])))
		return berth_fail(why, BERTH_E_EXISTS, "rollover-key", NULL,
				  "%.150s is in use already: a roll-over needs another key",
				  r->key_uri);
	return BERTH_OK;
}

static struct berth_wall
earlier(struct berth_wall a, struct berth_wall b)
{
	return a.s < b.s ? a : b;
}

static enum berth_err
certify(struct rollover *r, struct berth_cert_template *what, const struct berth_cert *issuer,
	struct berth_key *issuer_key, struct berth_cert **ret, struct berth_why *why)
{
	struct berth_random random = berth_pki_random(r->pki);
	BERTH_BUF der = {0};
	berth_random_fill(&random, what->serial, sizeof(what->serial));
	what->serial[0] = (uint8_t)((what->serial[0] & 0x7f) | 0x40);
	what->not_after = earlier(what->not_after, berth_cert_not_after(issuer));
	enum berth_err err = berth_issue(r->pki, what, issuer, issuer_key, &der, why);
	return err ? err : berth_cert_parse(r->pki, berth_buf_view(&der), ret, why);
}

/* A certificate of the issuing CA's name for this key. */
static enum berth_err
certify_ca(struct rollover *r, struct berth_key *key, struct berth_wall from,
	   struct berth_wall until, const struct berth_cert *issuer, struct berth_key *issuer_key,
	   struct berth_cert **ret, struct berth_why *why)
{
	const struct berth_cert *former = r->issuing.at[0];
	struct berth_cert_template what = {
		.profile = issuer == r->issuing.at[1] ? BERTH_PROFILE_ISSUING_CA
						      : BERTH_PROFILE_CROSS_CA,
		.common_name = berth_cert_subject_common_name(former),
		.organization = berth_cert_subject_organization(former),
		.unit = berth_cert_subject_unit(former),
		.not_before = from,
		.not_after = until,
		.key = key,
	};
	enum berth_err err = certify(r, &what, issuer, issuer_key, ret, why);
	if (!err &&
	    !berth_bytes_equal(berth_cert_subject_der(*ret), berth_cert_subject_der(former)))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rollover-name", "RFC 4210 4.4",
				  "the name of %.100s has parts that this command cannot repeat",
				  berth_cert_subject_text(former));
	return err;
}

static enum berth_err
refuse_certificate(const struct rollover *r, struct berth_why *why, const char *what)
{
	return berth_fail(why, BERTH_E_MISMATCH, "rollover-certificate", NULL,
			  "%.80s cannot be the new issuing CA's certificate: %s",
			  r->plan->certificate, what);
}

/* Of a CA that we cannot ask: it must be what certify_ca would have made. Its path is looked at with a leaf below it. */
static enum berth_err
take_certificate(struct rollover *r, struct berth_why *why)
{
	BERTH_CERT_LIST given = {0};
	uint8_t id[BERTH_KEY_ID_BYTES];
	const struct berth_cert *former = r->issuing.at[0];
	enum berth_err err = berth_registrar_load_certificates(r->pki, "--certificate",
							       r->plan->certificate, &given, why);
	if (err)
		return err;
	struct berth_cert *cert = given.at[0];
	if (!berth_key_equal(berth_cert_key(cert), r->key))
		return refuse_certificate(r, why,
					  "it is of another key than the request's (--csr)");
	if (!berth_bytes_equal(berth_cert_subject_der(cert), berth_cert_subject_der(former)))
		return refuse_certificate(r, why,
					  "it has another name than the former one, or the "
					  "same in another encoding");
	if (!berth_cert_may_issue(cert))
		return refuse_certificate(r, why,
					  "it is no CA's with keyUsage keyCertSign and cRLSign");
	berth_key_id(r->key, id);
	if (!berth_bytes_equal(berth_cert_ski(cert), berth_bytes_of(id, sizeof(id))))
		return refuse_certificate(r, why,
					  "its subject key identifier is not the key's SHA-1");
	r->cert = berth_cert_ref(cert);
	return BERTH_OK;
}

static enum berth_err
check_certificate(const struct rollover *r, struct berth_why *why)
{
	struct berth_cert_list root = {.at = {r->issuing.at[1]}, .n = 1}; /* borrows both */
	struct berth_cert_list above = {.at = {r->cert}, .n = 1};
	struct berth_why cause = {0};
	const struct berth_path_check check = {
		.leaf = r->old_with_new,
		.untrusted = &above,
		.anchors = &root,
		.at = r->plan->now,
	};
	return berth_path_verify(r->pki, &check, NULL, &cause)
		       ? refuse_certificate(r, why, cause.sentence)
		       : BERTH_OK;
}

/* req: rfc7030-4.1.3-rollover */
static enum berth_err
certify_cas(struct rollover *r, struct berth_why *why)
{
	const struct berth_cert *former = r->issuing.at[0];
	struct berth_wall begin = {r->plan->now.s - BACKDATE_S};
	struct berth_wall end = {r->plan->now.s + ISSUING_YEARS * YEAR_S};
	struct berth_wall former_end = berth_cert_not_after(former);
	enum berth_err err = r->plan->certificate != NULL
				     ? take_certificate(r, why)
				     : certify_ca(r, r->key, begin, end, r->issuing.at[1],
						  r->root_key, &r->cert, why);
	if (!err)
		err = certify_ca(r, r->former_key, berth_cert_not_before(former), former_end,
				 r->cert, r->key, &r->old_with_new, why);
	if (!err)
		err = certify_ca(r, r->key, begin, former_end, former, r->former_key,
				 &r->new_with_old, why);
	if (!err && r->plan->certificate != NULL)
		err = check_certificate(r, why);
	if (!err && !berth_bytes_equal(berth_cert_ski(r->old_with_new), berth_cert_ski(former)))
		err = berth_fail(why, BERTH_E_UNSUPPORTED, "rollover-key-id", "RFC 5280 4.2.1.2",
				 "the subject key identifier of %.100s is not made as RFC 5280 "
				 "4.2.1.2 (1) has it; its devices' certificates would not be found",
				 berth_cert_subject_text(former));
	return err;
}

#define NAMES_MAX 64 /* of one registrar */

/* The same key, names and purposes; nothing else can be in a certificate that init or this command made. */
static enum berth_err
certify_registrar(struct rollover *r, struct berth_why *why)
{
	const struct berth_cert *shown = r->shown.at[0];
	struct berth_bytes names[NAMES_MAX];
	char addresses[3][BERTH_ADDRESS_MAX];
	const char *url = r->settings->publish_url;
	if (!berth_bytes_equal(berth_cert_aki_key_id(shown), berth_cert_ski(r->issuing.at[0])))
		return BERTH_OK;
	struct berth_cert_template what = {
		.profile = BERTH_PROFILE_REGISTRAR,
		.common_name = berth_cert_subject_common_name(shown),
		.organization = berth_cert_subject_organization(shown),
		.dns_names = names,
		.not_before = {r->plan->now.s - BACKDATE_S},
		.not_after = {r->plan->now.s + REGISTRAR_YEARS * YEAR_S},
		.key = berth_cert_key(shown),
	};
	while (what.dns_name_count < NAMES_MAX &&
	       (names[what.dns_name_count] = berth_cert_dns_name(shown, what.dns_name_count)).n > 0)
		what.dns_name_count++;
	if (url != NULL) {
		struct berth_bytes issuer = berth_cert_ski(r->cert);
		what.crl_url = berth_crl_address(url, issuer, BERTH_PARTITION_OWN, addresses[0]);
		what.ocsp_url = berth_ocsp_address(url, addresses[1]);
		what.issuer_url = berth_ca_address(url, issuer, addresses[2]);
	}
	return certify(r, &what, r->cert, r->key, &r->registrar, why);
}

/* ---- files ---- */

static enum berth_err
write_pem(const char *path, const struct berth_cert *const *certs, size_t n, struct berth_why *why)
{
	BERTH_BUF pem = {0};
	for (size_t i = 0; i < n; i++)
		if (berth_cert_append_pem(certs[i], &pem))
			return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	return berth_file_write(path, berth_buf_view(&pem), 0644, why);
}

#define CHAIN_MAX 12

static enum berth_err
write_certificates(struct rollover *r, struct berth_why *why)
{
	const struct berth_cert *former[] = {r->issuing.at[0], r->old_with_new, r->new_with_old};
	const struct berth_cert *chain[CHAIN_MAX] = {r->registrar, r->cert};
	size_t n = 2;
	char folder[BERTH_ROLLOVER_PATH_MAX];
	for (size_t i = 1; i < r->issuing.n && n < CHAIN_MAX; i++)
		chain[n++] = r->issuing.at[i];
	enum berth_err err = path_in(r, "former", folder, why);
	if (!err)
		err = berth_folder_make(folder, 0755, why);
	if (!err)
		err = write_pem(r->made->former, former, 3, why);
	if (!err)
		err = write_pem(r->made->issuing, chain + 1, n - 1, why);
	if (!err && r->registrar != NULL)
		err = write_pem(r->made->registrar, chain, n, why);
	return err;
}

static enum berth_err
name_files(struct rollover *r, struct berth_why *why)
{
	char name[64];
	size_t last = r->settings->formers.count + 1;
	while (has_section(r, last))
		last++;
	r->made->number = last + 1;
	(void)snprintf(name, sizeof(name), "former/%zu.pem", last);
	enum berth_err err = path_in(r, name, r->made->former, why);
	(void)snprintf(name, sizeof(name), "issuing-%zu.pem", r->made->number);
	if (!err)
		err = path_in(r, name, r->made->issuing, why);
	(void)snprintf(name, sizeof(name), "registrar-%zu.pem", r->made->number);
	return err ? err : path_in(r, name, r->made->registrar, why);
}

static enum berth_err
put_former(const struct rollover *r, const char *name, const char *certificates, const char *key,
	   struct berth_buf *text)
{
	enum berth_err err = berth_buf_printf(text, "\n[former-issuer \"%s\"]\ncertificates = %s\n",
					      name, relative(r, certificates));
	return err ? err : put_key_uri(r, "key", key, text);
}

static enum berth_err
describe(const struct rollover *r, struct berth_buf *text)
{
	const struct berth_registrar_former *formers = r->settings->formers.items;
	char last[24];
	(void)snprintf(last, sizeof(last), "%zu", r->made->number - 1);
	const char *shown =
		r->registrar != NULL ? r->made->registrar : r->settings->daemon.tls_certificates;
	enum berth_err err = berth_buf_printf(
		text,
		"# Made by \"berth registrar rollover\", which writes it anew each time. It stands "
		"above registrar.conf.\n"
		"[daemon]\ntls-certificates = %s\n\n"
		"[registrar]\nissuing-certificates = %s\n",
		relative(r, shown), relative(r, r->made->issuing));
	err = err ? err : put_key_uri(r, "issuing-key", r->key_uri, text);
	/* The newest first, as cacerts has them. */
	err = err ? err : put_former(r, last, r->made->former, r->settings->issuing_key, text);
	for (size_t i = 0; !err && i < r->settings->formers.count; i++)
		err = put_former(r, formers[i].name, formers[i].certificates, formers[i].key, text);
	return err;
}

/* It runs as whom it runs as: what init's files belong to, the new key belongs to. */
static void
give_key_to_owner(const struct rollover *r)
{
	struct stat st;
	const char *former = r->settings->issuing_key;
	if (geteuid() != 0 || strncmp(former, "file:", 5) != 0 ||
	    strncmp(r->key_uri, "file:", 5) != 0 || stat(former + 5, &st) != 0)
		return;
	if (chown(r->key_uri + 5, st.st_uid, st.st_gid) != 0)
		errno = 0; /* a file system without owners */
}

static enum berth_err
put_in_force(struct rollover *r, struct berth_why *why)
{
	char path[BERTH_ROLLOVER_PATH_MAX];
	BERTH_BUF text = {0};
	enum berth_err err = path_in(r, DROP_INS, path, why);
	if (!err)
		err = berth_folder_make(path, 0755, why);
	if (!err)
		err = path_in(r, DROP_INS "/" BERTH_ROLLOVER_DROP_IN, path, why);
	if (err)
		return err;
	if (describe(r, &text))
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	return berth_file_write(path, berth_buf_view(&text), 0644, why);
}

#define PEM_LINE 64

static enum berth_err
write_request(struct berth_bytes der, const char *path, struct berth_why *why)
{
	BERTH_BUF pem = {0};
	enum berth_err err = berth_buf_append_text(&pem, "-----BEGIN CERTIFICATE REQUEST-----\n");
	err = err ? err : berth_base64_encode(der, PEM_LINE, &pem);
	err = err ? err : berth_buf_append_text(&pem, "-----END CERTIFICATE REQUEST-----\n");
	return err ? berth_fail(why, err, "memory", NULL, "out of memory")
		   : berth_file_write(path, berth_buf_view(&pem), 0644, why);
}

enum berth_err
berth_rollover_request(struct berth_pki *pki, const struct berth_rollover_plan *plan,
		       const char *out, struct berth_rollover_asked *ret, struct berth_why *why)
{
	struct berth_rollover_made made = {0};
	BERTH_CLEANUP(rollover_end)
	struct rollover r = {.pki = pki, .plan = plan, .made = &made, .settings = plan->settings};
	BERTH_BUF der = {0};
	enum berth_err err = look(&r, why);
	if (!err)
		err = name_files(&r, why);
	if (!err)
		err = have_key(&r, why);
	if (err)
		return err;
	const struct berth_request_fields fields = {
		.subject = berth_cert_subject_der(r.issuing.at[0])};
	err = berth_request_build(pki, &fields, r.key, &der, why);
	if (!err)
		err = write_request(berth_buf_view(&der), out, why);
	if (err)
		return err;
	give_key_to_owner(&r);
	ret->number = made.number;
	(void)snprintf(ret->key, sizeof(ret->key), "%s", r.key_uri);
	return BERTH_OK;
}

enum berth_err
berth_rollover(struct berth_pki *pki, const struct berth_rollover_plan *plan,
	       struct berth_rollover_made *ret, struct berth_why *why)
{
	*ret = (struct berth_rollover_made){0};
	BERTH_CLEANUP(rollover_end)
	struct rollover r = {.pki = pki, .plan = plan, .made = ret, .settings = plan->settings};
	enum berth_err err = look(&r, why);
	if (!err && plan->certificate == NULL)
		err = load_root_key(&r, why);
	if (!err)
		err = name_files(&r, why);
	if (!err)
		err = have_key(&r, why);
	if (!err)
		err = certify_cas(&r, why);
	if (!err)
		err = certify_registrar(&r, why);
	if (!err)
		err = write_certificates(&r, why);
	if (err)
		return err;
	give_key_to_owner(&r);
	if (r.registrar == NULL)
		ret->registrar[0] = '\0';
	ret->former_ends = berth_cert_not_after(r.issuing.at[0]);
	(void)snprintf(ret->former_key, sizeof(ret->former_key), "%s", r.settings->issuing_key);
	return put_in_force(&r, why);
}
