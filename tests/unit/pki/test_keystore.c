/* SPDX-License-Identifier: BSD-2-Clause */
/* One contract, the same assertions against every backend: file, PKCS#11 (SoftHSM2), TPM (swtpm), remote. */
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "pki/ec.h"
#include "pki/keystore/keystore.h"
#include "pki/ossl.h"

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

/* One backend under test, in a folder of its own. */
struct world {
	struct berth_pki *pki;
	struct berth_pki *signer; /* the "other process" of a remote key */
	char folder[64];
	char uri[BERTH_KEY_URI_MAX];
	enum berth_storage_class storage;
	unsigned exchanges; /* messages that crossed the signer link */
	pid_t tpm;	    /* swtpm */
	int port;	    /* its commands; the next one controls it */
};

static void
shell(const char *command)
{
	assert_int_equal(system(command), 0);
}

static void
world_start(struct world *world)
{
	*world = (struct world){0};
	(void)snprintf(world->folder, sizeof(world->folder), "/tmp/berth-keystore-XXXXXX");
	assert_non_null(mkdtemp(world->folder));
	assert_int_equal(berth_pki_open(&world->pki, NULL), BERTH_OK);
}

static int
setup_file(void **state)
{
	static struct world world;

	world_start(&world);
	world.storage = BERTH_STORAGE_FILE;
	(void)snprintf(world.uri, sizeof(world.uri), "file:%s/a.key", world.folder);
	*state = &world;
	return 0;
}

static void
write_file(const char *folder, const char *name, const char *text)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int
setup_token(void **state)
{
	static struct world world;
	char text[256];

	if (access(SOFTHSM, R_OK) != 0) {
		print_message("SKIPPED: %s is not installed\n", SOFTHSM);
		*state = NULL;
		return 0;
	}
	world_start(&world);
	world.storage = BERTH_STORAGE_TOKEN;
	(void)snprintf(text, sizeof(text), "%s/tokens", world.folder);
	assert_int_equal(mkdir(text, 0700), 0);
	(void)snprintf(text, sizeof(text), "directories.tokendir = %s/tokens\nlog.level = ERROR\n",
		       world.folder);
	write_file(world.folder, "softhsm2.conf", text);
	write_file(world.folder, "pin", "8642\n");
	(void)snprintf(text, sizeof(text), "%s/softhsm2.conf", world.folder);
	assert_int_equal(setenv("SOFTHSM2_CONF", text, 1), 0);
	shell("softhsm2-util --init-token --free --label birth --pin 8642 --so-pin 9753 "
	      ">/dev/null");
	(void)snprintf(world.uri, sizeof(world.uri),
		       "pkcs11:module=" SOFTHSM
		       ";token=birth;object=a%%20key?pin-source=file:%s/pin",
		       world.folder);
	*state = &world;
	return 0;
}

/* ---- a software TPM of our own ---- */

static bool
is_free(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	bool is_ours = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	assert_int_equal(close(fd), 0);
	return is_ours;
}

/* tss2 finds the control port by adding one: two neighbours that are free. */
static int
free_ports(void)
{
	static int next = 0;

	if (next == 0)
		next = 20000 + (int)(getpid() % 3000) * 4; /* below those that connections take */
	while (!is_free(next) || !is_free(next + 1))
		next += 2;
	next += 2;
	return next - 2;
}

static bool
answers(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	bool is_there = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	assert_int_equal(close(fd), 0);
	return is_there;
}

static void
tpm_start(struct world *world)
{
	char state[96];
	char server[80];
	char control[80];

	(void)snprintf(state, sizeof(state), "dir=%s", world->folder);
	(void)snprintf(server, sizeof(server), "type=tcp,port=%d,bindaddr=127.0.0.1", world->port);
	(void)snprintf(control, sizeof(control), "type=tcp,port=%d,bindaddr=127.0.0.1",
		       world->port + 1);
	world->tpm = fork();
	assert_true(world->tpm >= 0);
	if (world->tpm == 0) {
		/* whatever becomes of the test, its TPM ends with it */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server",
		       server, "--ctrl", control, "--flags", "not-need-init,startup-clear", NULL);
		_exit(127);
	}
	const struct timespec step = {.tv_nsec = 10000000};
	for (int i = 0; i < 1000 && !answers(world->port); i++) {
		assert_int_equal(waitpid(world->tpm, NULL, WNOHANG), 0);
		(void)nanosleep(&step, NULL);
	}
}

static void
tpm_stop(struct world *world)
{
	if (world->tpm == 0)
		return;
	assert_int_equal(kill(world->tpm, SIGKILL), 0);
	assert_int_equal(waitpid(world->tpm, NULL, 0), world->tpm);
	world->tpm = 0;
}

static int
setup_tpm(void **state, struct world *world, const char *name)
{
	struct berth_why why = {0};

	if (system("command -v swtpm >/dev/null") != 0) {
		print_message("SKIPPED: swtpm is not installed\n");
		*state = NULL;
		return 0;
	}
	world_start(world);
	if (berth_keystore_delete(world->pki, "tpm:handle=0x81020000;tcti=none", &why) &&
	    strcmp(why.rule, "keystore-tpm-absent") == 0) {
		print_message("SKIPPED: built without TPM support\n");
		berth_pki_close(world->pki);
		assert_int_equal(rmdir(world->folder), 0);
		*state = NULL;
		return 0;
	}
	world->storage = BERTH_STORAGE_TPM;
	world->port = free_ports();
	tpm_start(world);
	(void)snprintf(world->uri, sizeof(world->uri),
		       "tpm:%s%s%s;tcti=swtpm:host=127.0.0.1,port=%d", name,
		       name[0] == 'f' ? world->folder : "", name[0] == 'f' ? "/a.tpm" : "",
		       world->port);
	*state = world;
	return 0;
}

static int
setup_tpm_handle(void **state)
{
	static struct world world;
	return setup_tpm(state, &world, "handle=0x81020000");
}

static int
setup_tpm_birth(void **state)
{
	static struct world world;
	return setup_tpm(state, &world, "handle=0x81800002;hierarchy=platform");
}

static int
setup_tpm_file(void **state)
{
	static struct world world;
	return setup_tpm(state, &world, "file=");
}

static int
setup_remote(void **state)
{
	static struct world world;

	world_start(&world);
	world.storage = BERTH_STORAGE_REMOTE;
	assert_int_equal(berth_pki_open(&world.signer, NULL), BERTH_OK);
	(void)snprintf(world.uri, sizeof(world.uri), "file:%s/a.key", world.folder);
	*state = &world;
	return 0;
}

static int
teardown(void **state)
{
	struct world *world = *state;
	char command[128];

	if (world == NULL)
		return 0;
	berth_pki_close(world->pki);
	berth_pki_close(world->signer);
	tpm_stop(world);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
	shell(command);
	return 0;
}

/* The signer's side: loads the key, signs the message it was sent. */
static enum berth_err
exchange(void *context, const char *name, struct berth_bytes message, struct berth_buf *signature,
	 struct berth_why *why)
{
	struct world *world = context;
	BERTH_KEY *key = NULL;

	assert_string_equal(name, "line-ca");
	world->exchanges++;
	enum berth_err err = berth_keystore_load(world->signer, world->uri, &key, why);
	return err ? err : berth_key_sign(key, message, signature, why);
}

static enum berth_err
load_in(struct world *world, struct berth_pki *pki, struct berth_key **ret, struct berth_why *why)
{
	BERTH_KEY *there = NULL;
	struct berth_signer_link link = {exchange, world};

	if (world->storage != BERTH_STORAGE_REMOTE)
		return berth_keystore_load(pki, world->uri, ret, why);
	enum berth_err err = berth_keystore_load(world->signer, world->uri, &there, why);
	if (err)
		return err;
	return berth_keystore_remote(pki, &link, "line-ca", berth_key_spki(there), ret, why);
}

static struct berth_key *
make_key(struct world *world)
{
	struct berth_why why = {0};
	struct berth_key *key = NULL;
	struct berth_pki *where = world->signer != NULL ? world->signer : world->pki;

	enum berth_err err = berth_keystore_generate(where, world->uri, "P-256", &key, &why);
	if (err)
		fail_msg("%s: %s", why.rule, why.sentence);
	if (world->signer == NULL)
		return key;
	berth_key_free(key);
	key = NULL;
	assert_int_equal(load_in(world, world->pki, &key, &why), BERTH_OK);
	return key;
}

static void
drop_key(struct world *world, struct berth_key *key)
{
	struct berth_pki *where = world->signer != NULL ? world->signer : world->pki;

	berth_key_free(key);
	assert_int_equal(berth_keystore_delete(where, world->uri, NULL), BERTH_OK);
}

#define WORLD()                                                                                    \
	struct world *world = *state;                                                              \
	if (world == NULL)                                                                         \
		skip();

static void
signs_and_verifies_a_message(void **state)
{
	WORLD()
	BERTH_BUF signature = {0};
	struct berth_key *key = make_key(world);

	assert_true(berth_key_has_private(key));
	assert_string_equal(berth_key_kind(key), "P-256");
	assert_int_equal(berth_key_sign(key, BERTH_LIT("a voucher"), &signature, NULL), BERTH_OK);
	assert_int_equal(
		berth_key_verify(key, BERTH_LIT("a voucher"), berth_buf_view(&signature), NULL),
		BERTH_OK);
	assert_int_equal(
		berth_key_verify(key, BERTH_LIT("a vouches"), berth_buf_view(&signature), NULL),
		BERTH_E_SIGNATURE);
	signature.p[signature.n - 1] ^= 1;
	assert_int_equal(
		berth_key_verify(key, BERTH_LIT("a voucher"), berth_buf_view(&signature), NULL),
		BERTH_E_SIGNATURE);
	drop_key(world, key);
}

static void
refuses_a_second_key_of_the_same_name(void **state)
{
	WORLD()
	struct berth_why why = {0};
	struct berth_key *again = NULL;
	struct berth_key *key = make_key(world);
	struct berth_pki *where = world->signer != NULL ? world->signer : world->pki;

	assert_int_equal(berth_keystore_generate(where, world->uri, "P-256", &again, &why),
			 BERTH_E_EXISTS);
	assert_string_equal(why.rule, "keystore-exists");
	assert_null(again);
	drop_key(world, key);
}

static void
finds_the_key_again_in_a_new_library(void **state)
{
	WORLD()
	struct berth_pki *later = NULL;
	struct berth_key *again = NULL;
	BERTH_BUF signature = {0};
	struct berth_key *key = make_key(world);

	assert_int_equal(berth_pki_open(&later, NULL), BERTH_OK);
	assert_int_equal(load_in(world, later, &again, NULL), BERTH_OK);
	assert_true(berth_key_equal(key, again));
	assert_int_equal(berth_key_sign(again, BERTH_LIT("x"), &signature, NULL), BERTH_OK);
	assert_int_equal(berth_key_verify(key, BERTH_LIT("x"), berth_buf_view(&signature), NULL),
			 BERTH_OK);
	berth_key_free(again);
	berth_pki_close(later);
	drop_key(world, key);
}

static void
forgets_a_deleted_key(void **state)
{
	WORLD()
	struct berth_key *key = make_key(world);
	struct berth_pki *where = world->signer != NULL ? world->signer : world->pki;

	drop_key(world, key);
	key = NULL;
	assert_int_equal(load_in(world, world->pki, &key, NULL), BERTH_E_NOT_FOUND);
	assert_int_equal(berth_keystore_delete(where, world->uri, NULL), BERTH_E_NOT_FOUND);
}

static void
tells_its_storage_class(void **state)
{
	WORLD()
	enum berth_storage_class storage = BERTH_STORAGE_TPM;
	const char *uri = world->storage == BERTH_STORAGE_REMOTE ? "signer:line-ca" : world->uri;

	assert_int_equal(berth_keystore_storage(uri, &storage, NULL), BERTH_OK);
	assert_int_equal(storage, world->storage);
	assert_int_equal(berth_keystore_storage("vault:a", &storage, NULL), BERTH_E_USAGE);
}

static void
never_exports_the_private_key(void **state)
{
	WORLD()
	struct berth_key *key = make_key(world);
	EVP_PKEY *pkey = berth_key_pkey(key);
	BIGNUM *number = NULL;
	unsigned char *der = NULL;
	OSSL_PARAM *params = NULL;
	BIO *bio = BIO_new(BIO_s_mem());

	assert_int_not_equal(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number), 1);
	assert_null(number);
	assert_true(i2d_PrivateKey(pkey, &der) <= 0);
	assert_int_not_equal(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_not_equal(PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL),
			     1);
	assert_int_equal(BIO_pending(bio), 0);
	assert_int_not_equal(EVP_PKEY_todata(pkey, EVP_PKEY_KEYPAIR, &params), 1);
	assert_null(params);
	assert_null(EVP_PKEY2PKCS8(pkey));
	BIO_free(bio);
	ERR_clear_error();
	drop_key(world, key);
}

static void
refuses_to_sign_a_bare_digest(void **state)
{
	WORLD()
	struct berth_key *key = make_key(world);
	EVP_PKEY_CTX *context =
		EVP_PKEY_CTX_new_from_pkey(berth_pki_libctx(world->pki), berth_key_pkey(key), NULL);

	assert_non_null(context);
	assert_int_not_equal(EVP_PKEY_sign_init(context), 1);
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	drop_key(world, key);
}

/* A self-signed certificate made by OpenSSL alone. */
static X509 *
self_signed(struct world *world, struct berth_key *key)
{
	X509 *x509 = X509_new_ex(berth_pki_libctx(world->pki), NULL);

	assert_int_equal(X509_set_version(x509, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x509), 7), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
						    (const unsigned char *)"peer", -1, -1, 0),
			 1);
	assert_int_equal(X509_set_issuer_name(x509, X509_get_subject_name(x509)), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 3600));
	assert_int_equal(X509_set_pubkey(x509, berth_key_pkey(key)), 1);
	assert_true(X509_sign(x509, berth_key_pkey(key), EVP_sha256()) > 0);
	/* as a peer reads it: with a public key of the default provider */
	unsigned char *der = NULL;
	int n = i2d_X509(x509, &der);
	const unsigned char *p = der;
	X509 *read = X509_new_ex(berth_pki_libctx(world->pki), NULL);
	assert_non_null(d2i_X509(&read, &p, n));
	OPENSSL_free(der);
	X509_free(x509);
	return read;
}

static void
works_for_certificates_requests_and_cms_of_openssl(void **state)
{
	WORLD()
	struct berth_key *key = make_key(world);
	OSSL_LIB_CTX *libctx = berth_pki_libctx(world->pki);
	X509 *x509 = self_signed(world, key);

	EVP_PKEY *public = X509_get0_pubkey(x509);
	assert_int_equal(X509_verify(x509, public), 1);
	assert_int_equal(X509_check_private_key(x509, berth_key_pkey(key)), 1);

	X509_REQ *request = X509_REQ_new_ex(libctx, NULL);
	assert_int_equal(X509_REQ_set_pubkey(request, berth_key_pkey(key)), 1);
	assert_true(X509_REQ_sign(request, berth_key_pkey(key), EVP_sha256()) > 0);
	assert_int_equal(X509_REQ_verify_ex(request, public, libctx, NULL), 1);

	BIO *content = BIO_new_mem_buf("hello", 5);
	CMS_ContentInfo *cms =
		CMS_sign_ex(x509, berth_key_pkey(key), NULL, content, CMS_BINARY, libctx, NULL);
	assert_non_null(cms);
	unsigned char *der = NULL;
	int n = i2d_CMS_ContentInfo(cms, &der);
	const unsigned char *p = der;
	CMS_ContentInfo_free(cms);
	cms = CMS_ContentInfo_new_ex(libctx, NULL);
	assert_non_null(d2i_CMS_ContentInfo(&cms, &p, n));
	OPENSSL_free(der);
	assert_int_equal(
		CMS_verify(cms, NULL, NULL, NULL, NULL, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY), 1);
	CMS_ContentInfo_free(cms);
	BIO_free(content);
	X509_REQ_free(request);
	X509_free(x509);
	drop_key(world, key);
}

static SSL_CTX *
tls_context(struct world *world, const SSL_METHOD *method, int version, X509 *x509,
	    struct berth_key *key)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(berth_pki_libctx(world->pki), NULL, method);

	assert_non_null(ctx);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET); /* as in net/tls.c: no cipher for tickets */
	assert_int_equal(SSL_CTX_set_min_proto_version(ctx, version), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, version), 1);
	assert_int_equal(SSL_CTX_use_certificate(ctx, x509), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, berth_key_pkey(key)), 1);
	assert_int_equal(SSL_CTX_check_private_key(ctx), 1);
	assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x509), 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return ctx;
}

static void
handshake(struct world *world, struct berth_key *key, X509 *x509, int version)
{
	SSL_CTX *server_ctx = tls_context(world, TLS_server_method(), version, x509, key);
	SSL_CTX *client_ctx = tls_context(world, TLS_client_method(), version, x509, key);
	SSL *server = SSL_new(server_ctx);
	SSL *client = SSL_new(client_ctx);
	BIO *a = NULL;
	BIO *b = NULL;
	int done_client = 0;
	int done_server = 0;

	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(client, a, a);
	SSL_set_bio(server, b, b);
	SSL_set_connect_state(client);
	SSL_set_accept_state(server);
	for (int i = 0; i < 20 && (done_client != 1 || done_server != 1); i++) {
		done_client = SSL_do_handshake(client);
		done_server = SSL_do_handshake(server);
	}
	assert_int_equal(done_client, 1);
	assert_int_equal(done_server, 1);
	assert_int_equal(SSL_version(client), version);
	assert_int_equal(SSL_get_verify_result(server), X509_V_OK);
	SSL_free(client);
	SSL_free(server);
	SSL_CTX_free(client_ctx);
	SSL_CTX_free(server_ctx);
}

static void
works_as_tls_server_and_client_key(void **state)
{
	WORLD()
	struct berth_key *key = make_key(world);
	X509 *x509 = self_signed(world, key);
	unsigned before = world->exchanges;

	handshake(world, key, x509, TLS1_2_VERSION);
	handshake(world, key, x509, TLS1_3_VERSION);
	if (world->storage == BERTH_STORAGE_REMOTE)
		assert_int_equal(world->exchanges - before, 4);
	X509_free(x509);
	drop_key(world, key);
}

static struct berth_key *
make_agreement_key(struct world *world, const char *kind)
{
	struct berth_why why = {0};
	struct berth_key *key = NULL;

	if (berth_keystore_generate_agreement(world->pki, world->uri, kind, &key, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
	return key;
}

/* The other side is OpenSSL's default provider alone. */
static void
agree(struct world *world, const char *kind, size_t bytes)
{
	struct berth_why why = {0};
	OSSL_LIB_CTX *plain = OSSL_LIB_CTX_new();
	BERTH_KEY *peer = NULL;
	BERTH_SECRET secret = {0};
	unsigned char *der = NULL;
	unsigned char want[66];
	size_t n = sizeof(want);
	EVP_PKEY *ours = NULL;

	struct berth_key *key = make_agreement_key(world, kind);
	EVP_PKEY *theirs = EVP_PKEY_Q_keygen(plain, NULL, "EC", kind);
	int length = i2d_PUBKEY(theirs, &der);
	assert_int_equal(
		berth_key_parse_spki(world->pki, berth_bytes_of(der, (size_t)length), &peer, NULL),
		BERTH_OK);
	const unsigned char *p = berth_key_spki(key).p;
	assert_non_null(d2i_PUBKEY_ex(&ours, &p, (long)berth_key_spki(key).n, plain, NULL));
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(plain, theirs, NULL);
	assert_int_equal(EVP_PKEY_derive_init(context), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(context, ours), 1);
	assert_int_equal(EVP_PKEY_derive(context, want, &n), 1);
	if (berth_key_derive(key, peer, &secret, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
	assert_int_equal(n, bytes);
	assert_int_equal(secret.n, bytes);
	assert_memory_equal(secret.p, want, n);
	EVP_PKEY_CTX_free(context);
	EVP_PKEY_free(ours);
	EVP_PKEY_free(theirs);
	OPENSSL_free(der);
	OSSL_LIB_CTX_free(plain);
	drop_key(world, key);
}

static void
agrees_with_openssl_on_a_secret(void **state)
{
	WORLD()
	agree(world, "P-256", 32);
	agree(world, "P-384", 48);
}

/* A file gives the whole product, tokens x alone: d (a G) is a (d G) either way. */
static void
multiplies_a_point(void **state)
{
	static const char *const kinds[] = {"P-256", "P-384"};

	WORLD()
	for (size_t i = 0; i < 2; i++) {
		struct berth_random random = berth_pki_random(world->pki);
		struct berth_key *key = make_agreement_key(world, kinds[i]);
		struct berth_ec_point public, point, product, expected;
		struct berth_why why = {0};
		assert_int_equal(berth_ec_of_key(world->pki, key, &public, NULL), BERTH_OK);
		for (int round = 0; round < 4; round++) {
			BERTH_SECRET a = {0};
			assert_int_equal(berth_ec_generate(world->pki, public.curve, &random, &a,
							   &point, NULL),
					 BERTH_OK);
			if (berth_ec_multiply_key(world->pki, key, &point, &product, &why))
				fail_msg("%s: %s", why.rule, why.sentence);
			assert_int_equal(
				berth_ec_multiply(world->pki, &a, &public, &expected, NULL),
				BERTH_OK);
			assert_true(berth_ec_equal(&product, &expected));
		}
		drop_key(world, key);
	}
}

static void
refuses_to_agree_across_curves(void **state)
{
	WORLD()
	struct berth_why why = {0};
	BERTH_SECRET secret = {0};
	BERTH_KEY *other = NULL;
	char uri[128];

	(void)snprintf(uri, sizeof(uri), "file:%s/other.key", world->folder);
	assert_int_equal(berth_keystore_generate(world->pki, uri, "P-384", &other, &why), BERTH_OK);
	struct berth_key *key = make_key(world);
	assert_int_equal(berth_key_derive(key, other, &secret, &why), BERTH_E_MISMATCH);
	assert_string_equal(why.rule, "pki-derive-curve");
	assert_null(secret.p);
	drop_key(world, key);
	assert_int_equal(berth_keystore_delete(world->pki, uri, NULL), BERTH_OK);
}

static void
hardware_holds_a_key_to_its_use(void **state)
{
	WORLD()
	struct berth_why why = {0};
	BERTH_SECRET secret = {0};
	BERTH_BUF signature = {0};

	struct berth_key *key = make_key(world);
	assert_int_equal(berth_key_derive(key, key, &secret, &why), BERTH_E_CRYPTO);
	assert_null(secret.p);
	drop_key(world, key);
	key = make_agreement_key(world, "P-256");
	assert_int_equal(berth_key_sign(key, BERTH_LIT("x"), &signature, &why), BERTH_E_CRYPTO);
	assert_int_equal(signature.n, 0);
	drop_key(world, key);
}

static void
remote_key_agrees_on_nothing(void **state)
{
	WORLD()
	struct berth_why why = {0};
	BERTH_SECRET secret = {0};
	struct berth_key *key = make_key(world);

	assert_int_equal(berth_key_derive(key, key, &secret, &why), BERTH_E_UNSUPPORTED);
	drop_key(world, key);
}

static void
signs_on_p384(void **state)
{
	WORLD()
	struct berth_why why = {0};
	struct berth_key *key = NULL;
	BERTH_BUF signature = {0};
	struct berth_pki *where = world->signer != NULL ? world->signer : world->pki;

	if (berth_keystore_generate(where, world->uri, "P-384", &key, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
	assert_string_equal(berth_key_kind(key), "P-384");
	assert_int_equal(berth_key_sign(key, BERTH_LIT("x"), &signature, NULL), BERTH_OK);
	assert_int_equal(berth_key_verify(key, BERTH_LIT("x"), berth_buf_view(&signature), NULL),
			 BERTH_OK);
	drop_key(world, key);
}

/* ---- the TPM alone ---- */

/* As a tool that is not ours sees it: what it prints, or its failure. */
static int
tool(const struct world *world, const char *command)
{
	char line[768];

	(void)snprintf(line, sizeof(line),
		       "cd %s && export TPM2TOOLS_TCTI=swtpm:host=127.0.0.1,port=%d && { %s; } "
		       ">out 2>err",
		       world->folder, world->port, command);
	return system(line);
}

static void
tpm2_tools_find_the_same_public_key(void **state)
{
	WORLD()
	struct berth_key *key = make_key(world);
	char path[128];
	EVP_PKEY *seen = NULL;
	unsigned char *der = NULL;

	assert_int_equal(tool(world, "tpm2_readpublic -c 0x81020000 -f pem -o seen.pem"), 0);
	(void)snprintf(path, sizeof(path), "%s/seen.pem", world->folder);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	seen = PEM_read_PUBKEY(file, NULL, NULL, NULL);
	assert_int_equal(fclose(file), 0);
	assert_non_null(seen);
	int n = i2d_PUBKEY(seen, &der);
	struct berth_bytes spki = berth_key_spki(key);
	assert_int_equal((size_t)n, spki.n);
	assert_memory_equal(der, spki.p, spki.n);
	OPENSSL_free(der);
	EVP_PKEY_free(seen);
	drop_key(world, key);
	assert_int_not_equal(tool(world, "tpm2_readpublic -c 0x81020000"), 0);
}

static void
leaves_nothing_loaded_after_a_thousand_signatures(void **state)
{
	WORLD()
	struct berth_key *key = make_key(world);
	char path[128];
	struct stat st;

	for (int i = 0; i < 1000; i++) {
		BERTH_BUF signature = {0};
		struct berth_why why = {0};
		if (berth_key_sign(key, BERTH_LIT("x"), &signature, &why))
			fail_msg("signature %d: %s", i, why.sentence);
	}
	assert_int_equal(tool(world, "tpm2_getcap handles-transient"), 0);
	(void)snprintf(path, sizeof(path), "%s/out", world->folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(tool(world, "tpm2_getcap handles-loaded-session"), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 0);
	drop_key(world, key);
}

static void
says_that_the_tpm_is_gone_and_goes_on_when_it_is_back(void **state)
{
	WORLD()
	struct berth_why why = {0};
	struct berth_key *again = NULL;
	BERTH_BUF signature = {0};
	struct berth_key *key = make_key(world);

	tpm_stop(world);
	assert_int_equal(berth_key_sign(key, BERTH_LIT("x"), &signature, &why), BERTH_E_CRYPTO);
	assert_non_null(strstr(why.sentence, "does not answer"));
	assert_int_equal(berth_keystore_load(world->pki, world->uri, &again, &why),
			 BERTH_E_UNREACHABLE);
	assert_string_equal(why.rule, "keystore-tpm-gone");
	tpm_start(world);
	assert_int_equal(berth_key_sign(key, BERTH_LIT("x"), &signature, &why), BERTH_OK);
	assert_int_equal(berth_key_verify(key, BERTH_LIT("x"), berth_buf_view(&signature), NULL),
			 BERTH_OK);
	drop_key(world, key);
}

static void
says_that_others_have_taken_the_tpms_slots(void **state)
{
	WORLD()
	struct berth_why why = {0};
	struct berth_key *key = NULL;

	/* without a resource manager each of these stays loaded */
	for (int i = 0; i < 3; i++)
		assert_int_equal(tool(world, "tpm2_createprimary -C o -G ecc -c other.ctx"), 0);
	assert_int_equal(berth_keystore_generate(world->pki, world->uri, NULL, &key, &why),
			 BERTH_E_LIMIT);
	assert_string_equal(why.rule, "keystore-tpm-full");
	assert_non_null(strstr(why.sentence, "0x902"));
	assert_int_equal(tool(world, "tpm2_flushcontext -t"), 0);
	drop_key(world, make_key(world));
}

static void
refuses_a_key_that_could_have_been_made_elsewhere(void **state)
{
	WORLD()
	struct berth_why why = {0};
	struct berth_key *key = NULL;

	assert_int_equal(tool(world, "openssl ecparam -name prime256v1 -genkey -noout -out a.pem &&"
				     "tpm2_createprimary -Q -C o -G ecc -c p.ctx && tpm2_import -Q "
				     "-C p.ctx -G ecc -i a.pem -u a.pub -r a.priv && "
				     "tpm2_flushcontext -t && tpm2_load -Q -C p.ctx -u a.pub -r "
				     "a.priv -c a.ctx && tpm2_flushcontext -t && tpm2_evictcontrol "
				     "-C o -c a.ctx 0x81020000 && tpm2_flushcontext -t"),
			 0);
	assert_int_equal(berth_keystore_load(world->pki, world->uri, &key, &why), BERTH_E_DENIED);
	assert_string_equal(why.rule, "keystore-tpm-duplicable");
	drop_key(world, NULL);
}

static void
refuses_a_key_that_was_exchanged_behind_its_handle(void **state)
{
	WORLD()
	struct berth_why why = {0};
	BERTH_BUF signature = {0};
	struct berth_key *key = make_key(world);
	struct berth_key *other = NULL;

	assert_int_equal(berth_keystore_delete(world->pki, world->uri, NULL), BERTH_OK);
	assert_int_equal(berth_keystore_generate(world->pki, world->uri, NULL, &other, NULL),
			 BERTH_OK);
	assert_int_equal(berth_key_sign(key, BERTH_LIT("x"), &signature, &why), BERTH_E_CRYPTO);
	assert_non_null(strstr(why.sentence, "another key"));
	assert_int_equal(signature.n, 0);
	berth_key_free(other);
	drop_key(world, key);
}

static void
refuses_a_restricted_key(void **state)
{
	WORLD()
	struct berth_why why = {0};
	struct berth_key *key = NULL;

	assert_int_equal(tool(world,
			      "tpm2_createprimary -Q -C e -G ecc256:ecdsa-sha256:null -a "
			      "'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|"
			      "sign' -c k.ctx && tpm2_evictcontrol -C o -c k.ctx 0x81020000 && "
			      "tpm2_flushcontext -t"),
			 0);
	assert_int_equal(berth_keystore_load(world->pki, world->uri, &key, &why), BERTH_E_USAGE);
	assert_string_equal(why.rule, "keystore-tpm-restricted");
	drop_key(world, NULL);
}

static void
says_that_a_password_is_set(void **state)
{
	WORLD()
	struct berth_why why = {0};
	struct berth_key *key = NULL;

	assert_int_equal(tool(world, "tpm2_changeauth -c o secret"), 0);
	assert_int_equal(berth_keystore_generate(world->pki, world->uri, NULL, &key, &why),
			 BERTH_E_DENIED);
	assert_string_equal(why.rule, "keystore-tpm-password");
	assert_int_equal(tool(world, "tpm2_changeauth -c o -p secret"), 0);
	drop_key(world, make_key(world));
}

/* TPM2_Clear takes the owner's seed and its persistent keys; what the platform keeps stays. */
static void
a_birth_key_survives_the_owners_clear(void **state)
{
	WORLD()
	struct berth_key *again = NULL;
	struct berth_key *key = make_key(world);

	assert_int_equal(tool(world, "tpm2_clear -c p"), 0);
	assert_int_equal(berth_keystore_load(world->pki, world->uri, &again, NULL), BERTH_OK);
	assert_true(berth_key_equal(key, again));
	berth_key_free(again);
	drop_key(world, key);
	again = make_key(world);
	drop_key(world, again);
}

static void
another_handle_is_another_birth_key(void **state)
{
	WORLD()
	struct berth_key *other = NULL;
	char uri[128];
	struct berth_key *key = make_key(world);

	(void)snprintf(uri, sizeof(uri),
		       "tpm:handle=0x81800003;hierarchy=platform;tcti=swtpm:host=127.0.0.1,port=%d",
		       world->port);
	assert_int_equal(berth_keystore_generate(world->pki, uri, NULL, &other, NULL), BERTH_OK);
	assert_false(berth_key_equal(key, other));
	berth_key_free(other);
	assert_int_equal(berth_keystore_delete(world->pki, uri, NULL), BERTH_OK);
	drop_key(world, key);
}

static void
refuses_a_key_file_of_another_tpm(void **state)
{
	WORLD()
	struct berth_why why = {0};
	struct berth_key *again = NULL;
	struct berth_key *key = make_key(world);

	assert_int_equal(tool(world, "tpm2_clear -c p"), 0);
	assert_int_equal(berth_keystore_load(world->pki, world->uri, &again, &why),
			 BERTH_E_MISMATCH);
	assert_string_equal(why.rule, "keystore-tpm-other");
	drop_key(world, key);
}

static void
reads_a_key_file_of_tpm2_tools(void **state)
{
	WORLD()
	struct berth_why why = {0};
	BERTH_BUF signature = {0};
	struct berth_key *key = NULL;

	assert_int_equal(
		tool(world,
		     "tpm2_createprimary -Q -C o -G ecc -a 'fixedtpm|fixedparent|"
		     "sensitivedataorigin|userwithauth|noda|restricted|decrypt' -c p.ctx && "
		     "tpm2_create -Q -C p.ctx -G ecc256 -a 'fixedtpm|fixedparent|"
		     "sensitivedataorigin|userwithauth|sign' -u k.pub -r k.priv && "
		     "tpm2_flushcontext -t && "
		     "tpm2_encodeobject -C p.ctx -u k.pub -r k.priv -o a.tpm && chmod 600 a.tpm && "
		     "tpm2_flushcontext -t"),
		0);
	if (berth_keystore_load(world->pki, world->uri, &key, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
	assert_int_equal(berth_key_sign(key, BERTH_LIT("x"), &signature, NULL), BERTH_OK);
	assert_int_equal(berth_key_verify(key, BERTH_LIT("x"), berth_buf_view(&signature), NULL),
			 BERTH_OK);
	drop_key(world, key);
}

static void
a_storage_root_key_is_used_where_it_is(void **state)
{
	WORLD()
	char path[160];
	struct stat before;

	assert_int_equal(tool(world, "tpm2_createprimary -Q -C o -G ecc -c srk.ctx && "
				     "tpm2_evictcontrol -C o -c srk.ctx 0x81000001 && "
				     "tpm2_flushcontext -t"),
			 0);
	struct berth_key *key = make_key(world);
	(void)snprintf(path, sizeof(path), "%s/a.tpm", world->folder);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(before.st_mode & 07777, 0600);
	assert_int_equal(tool(world, "openssl asn1parse -in a.tpm | grep -q ':81000001'"), 0);
	drop_key(world, key);
}

static void
refuses_a_key_file_that_others_may_read(void **state)
{
	WORLD()
	struct berth_why why = {0};
	struct berth_key *again = NULL;
	struct berth_key *key = make_key(world);
	const char *path = world->uri + 5;
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(berth_keystore_load(world->pki, world->uri, &again, &why), BERTH_E_DENIED);
	assert_string_equal(why.rule, "keystore-file-mode");
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(berth_keystore_load(world->pki, world->uri, &again, &why), BERTH_OK);
	berth_key_free(again);
	assert_int_equal(chmod(path, 0600), 0);
	drop_key(world, key);
}

static void
refuses_a_key_file_behind_a_symbolic_link(void **state)
{
	WORLD()
	struct berth_key *again = NULL;
	struct berth_key *key = make_key(world);
	char link_path[128];
	char uri[160];

	(void)snprintf(link_path, sizeof(link_path), "%s/link.key", world->folder);
	(void)snprintf(uri, sizeof(uri), "file:%s", link_path);
	assert_int_equal(symlink(world->uri + 5, link_path), 0);
	assert_int_equal(berth_keystore_load(world->pki, uri, &again, NULL), BERTH_E_IO);
	drop_key(world, key);
}

static void
refuses_a_wrong_pin(void **state)
{
	WORLD()
	struct berth_why why = {0};
	struct berth_pki *later = NULL;
	struct berth_key *again = NULL;
	struct berth_key *key = make_key(world);

	berth_key_free(key); /* the last session of the token closes: logged out */
	write_file(world->folder, "pin", "1111\n");
	assert_int_equal(berth_pki_open(&later, NULL), BERTH_OK);
	assert_int_equal(berth_keystore_load(later, world->uri, &again, &why), BERTH_E_DENIED);
	berth_pki_close(later);
	write_file(world->folder, "pin", "8642\n");
	drop_key(world, NULL);
}

static void
refuses_a_pin_in_the_uri(void **state)
{
	WORLD()
	struct berth_why why = {0};
	struct berth_key *key = NULL;

	assert_int_equal(berth_keystore_load(world->pki,
					     "pkcs11:module=" SOFTHSM
					     ";token=birth;object=a?pin-value=8642",
					     &key, &why),
			 BERTH_E_USAGE);
	assert_string_equal(why.rule, "keystore-pkcs11-uri");
}

static void
remote_key_refuses_another_digest(void **state)
{
	WORLD()
	struct berth_key *key = make_key(world);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char signature[128];
	size_t n = sizeof(signature);

	assert_int_equal(EVP_DigestSignInit_ex(context, NULL, "SHA384",
					       berth_pki_libctx(world->pki), NULL,
					       berth_key_pkey(key), NULL),
			 1);
	assert_int_not_equal(EVP_DigestSign(context, signature, &n, (const unsigned char *)"x", 1),
			     1);
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	drop_key(world, key);
}

#define CONTRACT                                                                                   \
	cmocka_unit_test(signs_and_verifies_a_message),                                            \
		cmocka_unit_test(refuses_a_second_key_of_the_same_name),                           \
		cmocka_unit_test(finds_the_key_again_in_a_new_library),                            \
		cmocka_unit_test(forgets_a_deleted_key),                                           \
		cmocka_unit_test(tells_its_storage_class),                                         \
		cmocka_unit_test(never_exports_the_private_key),                                   \
		cmocka_unit_test(refuses_to_sign_a_bare_digest),                                   \
		cmocka_unit_test(works_for_certificates_requests_and_cms_of_openssl),              \
		cmocka_unit_test(works_as_tls_server_and_client_key),                              \
		cmocka_unit_test(signs_on_p384), cmocka_unit_test(refuses_to_agree_across_curves)

int
main(void)
{
	const struct CMUnitTest file[] = {
		CONTRACT,
		cmocka_unit_test(agrees_with_openssl_on_a_secret),
		cmocka_unit_test(multiplies_a_point),
		cmocka_unit_test(refuses_a_key_file_that_others_may_read),
		cmocka_unit_test(refuses_a_key_file_behind_a_symbolic_link),
	};
	const struct CMUnitTest token[] = {
		CONTRACT,
		cmocka_unit_test(agrees_with_openssl_on_a_secret),
		cmocka_unit_test(multiplies_a_point),
		cmocka_unit_test(hardware_holds_a_key_to_its_use),
		cmocka_unit_test(refuses_a_wrong_pin),
		cmocka_unit_test(refuses_a_pin_in_the_uri),
	};
	const struct CMUnitTest remote[] = {
		CONTRACT,
		cmocka_unit_test(remote_key_refuses_another_digest),
		cmocka_unit_test(remote_key_agrees_on_nothing),
	};
	const struct CMUnitTest tpm_handle[] = {
		CONTRACT,
		cmocka_unit_test(agrees_with_openssl_on_a_secret),
		cmocka_unit_test(multiplies_a_point),
		cmocka_unit_test(hardware_holds_a_key_to_its_use),
		cmocka_unit_test(tpm2_tools_find_the_same_public_key),
		cmocka_unit_test(leaves_nothing_loaded_after_a_thousand_signatures),
		cmocka_unit_test(says_that_the_tpm_is_gone_and_goes_on_when_it_is_back),
		cmocka_unit_test(says_that_others_have_taken_the_tpms_slots),
		cmocka_unit_test(refuses_a_key_that_could_have_been_made_elsewhere),
		cmocka_unit_test(refuses_a_key_that_was_exchanged_behind_its_handle),
		cmocka_unit_test(refuses_a_restricted_key),
		cmocka_unit_test(says_that_a_password_is_set),
	};
	const struct CMUnitTest tpm_birth[] = {
		CONTRACT,
		cmocka_unit_test(agrees_with_openssl_on_a_secret),
		cmocka_unit_test(multiplies_a_point),
		cmocka_unit_test(a_birth_key_survives_the_owners_clear),
		cmocka_unit_test(another_handle_is_another_birth_key),
	};
	const struct CMUnitTest tpm_file[] = {
		CONTRACT,
		cmocka_unit_test(agrees_with_openssl_on_a_secret),
		cmocka_unit_test(multiplies_a_point),
		cmocka_unit_test(hardware_holds_a_key_to_its_use),
		cmocka_unit_test(refuses_a_key_file_of_another_tpm),
		cmocka_unit_test(a_storage_root_key_is_used_where_it_is),
		cmocka_unit_test(reads_a_key_file_of_tpm2_tools),
	};
	int failed = cmocka_run_group_tests_name("file", file, setup_file, teardown);
	failed += cmocka_run_group_tests_name("pkcs11", token, setup_token, teardown);
	failed += cmocka_run_group_tests_name("tpm handle", tpm_handle, setup_tpm_handle, teardown);
	failed += cmocka_run_group_tests_name("tpm birth", tpm_birth, setup_tpm_birth, teardown);
	failed += cmocka_run_group_tests_name("tpm file", tpm_file, setup_tpm_file, teardown);
	return failed + cmocka_run_group_tests_name("remote", remote, setup_remote, teardown);
}
