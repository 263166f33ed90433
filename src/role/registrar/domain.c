/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/domain.h"

#include "pki/issue.h"
#include "pki/keystore/keystore.h"
#include "role/registrar/addresses.h"
#include "store/registrar_revocation.h"
#include "system/files.h"

#include <stdio.h>
#include <unistd.h>

#define YEAR_S ((int64_t)365 * 86400)
#define ROOT_YEARS 20
#define ISSUING_YEARS 10
#define REGISTRAR_YEARS 2
#define BACKDATE_S 3600 /* devices' clocks may be behind */
#define TEXT_MAX 256

/* A CA or the registrar: its certificate and its key. */
struct authority {
	struct berth_key *key;
	struct berth_cert *cert;
	char uri[BERTH_KEY_URI_MAX];	  /* where the key was made */
	char conf_uri[BERTH_KEY_URI_MAX]; /* the same as the configuration says it */
};

static void
authority_end(struct authority *authority)
{
	berth_cert_free(authority->cert);
	berth_key_free(authority->key);
}
#define AUTHORITY BERTH_CLEANUP(authority_end) struct authority

static enum berth_err
path_in(const struct berth_domain_plan *plan, const char *name, char path[BERTH_DOMAIN_PATH_MAX],
	struct berth_why *why)
{
	int n = snprintf(path, BERTH_DOMAIN_PATH_MAX, "%s/%s", plan->directory, name);
	if (n < 0 || n >= BERTH_DOMAIN_PATH_MAX)
		return berth_fail(why, BERTH_E_USAGE, "registrar-directory", NULL,
				  "the folder's path is too long for a configuration line");
	return BERTH_OK;
}

static enum berth_err
make_key(struct berth_pki *pki, const struct berth_domain_plan *plan, const char *uri,
	 const char *file, struct authority *ret, struct berth_why *why)
{
	char path[BERTH_DOMAIN_PATH_MAX];
	enum berth_err err = path_in(plan, file, path, why);
	if (err)
		return err;
	if (uri != NULL && strncmp(uri, "file:", 5) == 0 && uri[5] != '/')
		return berth_fail(
			why, BERTH_E_USAGE, "registrar-key", NULL,
			"%.80s: a path in registrar.conf begins at its folder, here at the "
			"working directory; write the whole path",
			uri);
	int n = uri == NULL ? snprintf(ret->uri, sizeof(ret->uri), "file:%s", path)
			    : snprintf(ret->uri, sizeof(ret->uri), "%s", uri);
	(void)snprintf(ret->conf_uri, sizeof(ret->conf_uri), "%s%s", uri == NULL ? "file:" : "",
		       uri == NULL ? file : uri);
	if (n < 0 || (size_t)n >= sizeof(ret->uri))
		return berth_fail(why, BERTH_E_USAGE, "registrar-key", NULL,
				  "a keystore URI is too long");
	return berth_keystore_generate(pki, ret->uri, "P-256", &ret->key, why);
}

static void
choose_serial(struct berth_pki *pki, uint8_t serial[BERTH_CERT_SERIAL_BYTES])
{
	struct berth_random random = berth_pki_random(pki);
	berth_random_fill(&random, serial, BERTH_CERT_SERIAL_BYTES);
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
}

static enum berth_err
certify(struct berth_pki *pki, const struct berth_domain_plan *plan,
	struct berth_cert_template *what, int64_t years, const struct authority *issuer,
	struct authority *subject, struct berth_why *why)
{
	choose_serial(pki, what->serial);
	what->not_before = (struct berth_wall){plan->now.s - BACKDATE_S};
	what->not_after = (struct berth_wall){plan->now.s + years * YEAR_S};
	what->organization = berth_text(plan->name);
	what->key = subject->key;
	BERTH_BUF der = {0};
	enum berth_err err = berth_issue(pki, what, issuer == NULL ? NULL : issuer->cert,
					 issuer == NULL ? subject->key : issuer->key, &der, why);
	return err ? err : berth_cert_parse(pki, berth_buf_view(&der), &subject->cert, why);
}

/* As a device's certificate, so that whoever checks the registrar finds what was revoked (docs/decisions). */
static void
name_sources(const struct berth_domain_plan *plan, const struct authority *issuing,
	     char addresses[3][BERTH_ADDRESS_MAX], struct berth_cert_template *what)
{
	const char *url = plan->publish_url;
	if (url == NULL || issuing->cert == NULL)
		return;
	struct berth_bytes issuer = berth_cert_ski(issuing->cert);
	what->crl_url = berth_crl_address(url, issuer, BERTH_PARTITION_OWN, addresses[0]);
	what->ocsp_url = berth_ocsp_address(url, addresses[1]);
	what->issuer_url = berth_ca_address(url, issuer, addresses[2]);
}

static enum berth_err
make_authorities(struct berth_pki *pki, const struct berth_domain_plan *plan,
		 struct authority *root, struct authority *issuing, struct authority *registrar,
		 struct berth_why *why)
{
	char root_name[TEXT_MAX];
	char issuing_name[TEXT_MAX];
	(void)snprintf(root_name, sizeof(root_name), "%.60s root CA", plan->name);
	(void)snprintf(issuing_name, sizeof(issuing_name), "%.54s issuing CA", plan->name);
	enum berth_err err = make_key(pki, plan, plan->root_key, "keys/root.key", root, why);
	if (!err)
		err = make_key(pki, plan, plan->issuing_key, "keys/issuing.key", issuing, why);
	if (!err)
		err = make_key(pki, plan, NULL, "keys/registrar.key", registrar, why);
	struct berth_cert_template what = {.profile = BERTH_PROFILE_ROOT_CA,
					   .common_name = berth_text(root_name)};
	if (!err)
		err = certify(pki, plan, &what, ROOT_YEARS, NULL, root, why);
	what = (struct berth_cert_template){.profile = BERTH_PROFILE_ISSUING_CA,
					    .common_name = berth_text(issuing_name)};
	if (!err)
		err = certify(pki, plan, &what, ISSUING_YEARS, root, issuing, why);
	what = (struct berth_cert_template){
		.profile = BERTH_PROFILE_REGISTRAR, /* req: rfc8995-5.5.4-purpose */
		.common_name = plan->hosts[0],
		.dns_names = plan->hosts,
		.dns_name_count = plan->host_count,
	};
	char addresses[3][BERTH_ADDRESS_MAX];
	name_sources(plan, issuing, addresses, &what);
	return err ? err : certify(pki, plan, &what, REGISTRAR_YEARS, issuing, registrar, why);
}

static enum berth_err
write_chain(const struct berth_domain_plan *plan, const char *name,
	    const struct authority *const *chain, struct berth_why *why)
{
	char path[BERTH_DOMAIN_PATH_MAX];
	BERTH_BUF pem = {0};
	enum berth_err err = path_in(plan, name, path, why);
	for (; !err && *chain != NULL; chain++)
		if (berth_cert_append_pem((*chain)->cert, &pem))
			err = berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	return err ? err : berth_file_write(path, berth_buf_view(&pem), 0644, why);
}

static const char policy_text[] =
	"# Who may come on. Rules are tried in order; the first whose match.* fit decides, and "
	"what no rule\n"
	"# allows is denied. With no rule, as here, every device is denied. See berth-policy(5).\n"
	"#\n"
	"# [rule \"cameras\"]\n"
	"# match.manufacturer = Acme\n"
	"# match.model = cam-*\n"
	"# require.owned = yes          only devices in an imported purchase manifest\n"
	"# approve = operator           wait for \"berth device approve\"; auto: without waiting\n"
	"# segment = cameras\n";

static enum berth_err
write_text(const struct berth_domain_plan *plan, const char *name, struct berth_bytes text,
	   struct berth_why *why)
{
	char path[BERTH_DOMAIN_PATH_MAX];
	enum berth_err err = path_in(plan, name, path, why);
	return err ? err : berth_file_write(path, text, 0644, why);
}

static enum berth_err
write_conf(const struct berth_domain_plan *plan, const struct authority *issuing,
	   const struct authority *registrar, struct berth_why *why)
{
	BERTH_BUF text = {0};
	enum berth_err err = berth_buf_printf(
		&text,
		"# Made by \"berth registrar init\". See berth-registrar(8).\n"
		"[daemon]\n"
		"listen = %s\n%s%s%s"
		"tls-certificates = registrar.pem\n"
		"tls-key = %s\n"
		"state-directory = state\n"
		"admin-socket = admin.sock\n"
		"port-file = port\n"
		"\n"
		"[registrar]\n"
		"domain = %s\n"
		"policy = policy.conf\n"
		"issuing-certificates = issuing.pem\n"
		"issuing-key = %s\n",
		plan->listen, plan->plain_listen == NULL ? "" : "plain-listen = ",
		plan->plain_listen == NULL ? "" : plan->plain_listen,
		plan->plain_listen == NULL ? "" : "\nplain-port-file = plain-port\n",
		registrar->conf_uri, plan->name, issuing->conf_uri);
	if (!err && plan->publish_url != NULL)
		err = berth_buf_printf(&text, "publish-url = %s\n", plan->publish_url);
	err = err ? err
		  : berth_buf_append_text(&text, "\n"
						 "# One section for each manufacturer whose "
						 "devices may ask to come on:\n"
						 "# [manufacturer \"Acme\"]\n"
						 "# anchors = acme-root.pem\n"
						 "# masa-anchors = acme-masa-tls.pem\n");
	if (err)
		return berth_fail(why, err, "memory", NULL, "out of memory");
	return write_text(plan, "registrar.conf", berth_buf_view(&text), why);
}

static enum berth_err
make_folders(const struct berth_domain_plan *plan, struct berth_why *why)
{
	char path[BERTH_DOMAIN_PATH_MAX];
	enum berth_err err = path_in(plan, "registrar.conf", path, why);
	if (err)
		return err;
	if (access(path, F_OK) == 0)
		return berth_fail(why, BERTH_E_EXISTS, "registrar-exists", NULL,
				  "%s is there: this folder already holds a registrar", path);
	static const char *const folders[] = {"keys", "state"};
	for (size_t i = 0; !err && i < sizeof(folders) / sizeof(folders[0]); i++) {
		err = path_in(plan, folders[i], path, why);
		if (!err)
			err = berth_folder_make(path, 0700, why);
	}
	return err;
}

/* The configuration comes last: a folder without it was not finished. */
enum berth_err
berth_domain_make(struct berth_pki *pki, const struct berth_domain_plan *plan,
		  struct berth_why *why)
{
	AUTHORITY root = {0};
	AUTHORITY issuing = {0};
	AUTHORITY registrar = {0};
	enum berth_err err = make_folders(plan, why);
	if (!err)
		err = make_authorities(pki, plan, &root, &issuing, &registrar, why);
	if (!err)
		err = write_chain(plan, "domain-ca.pem", (const struct authority *[]){&root, NULL},
				  why);
	if (!err)
		err = write_chain(plan, "issuing.pem",
				  (const struct authority *[]){&issuing, &root, NULL}, why);
	if (!err)
		err = write_chain(plan, "registrar.pem",
				  (const struct authority *[]){&registrar, &issuing, &root, NULL},
				  why);
	if (!err)
		err = write_text(plan, "policy.conf", BERTH_LIT(policy_text), why);
	return err ? err : write_conf(plan, &issuing, &registrar, why);
}
