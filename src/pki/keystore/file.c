/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys in files: PKCS#8 PEM, readable by their owner alone. A file that anybody else could have read
 * or written is refused, not repaired: the key in it may be known or may not be ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/secret.h"
#include "pki/keystore/private.h"
#include "pki/ossl_annot.h"

#define KEY_FILE_MAX_BYTES 16384 /* RSA-4096 as PEM takes 3.3 KiB */

static void
close_p(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

#define BERTH_FD BERTH_CLEANUP(close_p) int

static enum berth_err
file_sign(struct berth_private *private, const char *digest, struct berth_bytes message,
	  struct berth_buf *signature, struct berth_why *why)
{
	uint8_t bytes[256]; /* P-521 takes 139 */
	size_t n = sizeof(bytes);

	BERTH_OSSL(EVP_MD_CTX) *context = EVP_MD_CTX_new();
	if (context == NULL ||
	    EVP_DigestSignInit_ex(context, NULL, digest, private->pki->libctx, NULL, private->state,
				  NULL) != 1 ||
	    EVP_DigestSign(context, bytes, &n, message.p, message.n) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-file", NULL,
				       "The key cannot sign");
	return berth_buf_append(signature, bytes, n);
}

static void
file_end(struct berth_private *private)
{
	EVP_PKEY_free(private->state);
}

static const struct berth_private_ops file_ops = {file_sign, file_end};

static enum berth_err
fail_errno(struct berth_why *why, const char *what, const char *path)
{
	enum berth_err err = errno == ENOENT ? BERTH_E_NOT_FOUND : BERTH_E_IO;
	return berth_fail(why, err, "keystore-file", NULL, "Key file %.120s cannot be %s: %s.",
			  path, what, strerror(errno));
}

/* Opens the file that may hold a key, and nothing else (no link, no device, no stranger's file). */
static enum berth_err
open_checked(const char *path, int flags, int *ret, off_t *ret_size, struct berth_why *why)
{
	struct stat st;

	int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return fail_errno(why, "opened", path);
	enum berth_err err = BERTH_OK;
	if (fstat(fd, &st) != 0)
		err = fail_errno(why, "examined", path);
	else if (!S_ISREG(st.st_mode))
		err = berth_fail(why, BERTH_E_USAGE, "keystore-file-kind", NULL,
				 "Key file %.120s is not an ordinary file.", path);
	else if ((st.st_mode & 077) != 0)
		err = berth_fail(
			why, BERTH_E_DENIED, "keystore-file-mode", NULL,
			"Key file %.120s has mode %04o: others may use it. Make a new key, or "
			"chmod 0600 if you know that nobody read it.",
			path, (unsigned)(st.st_mode & 07777));
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		err = berth_fail(why, BERTH_E_DENIED, "keystore-file-owner", NULL,
				 "Key file %.120s belongs to user %u, not to this program's user.",
				 path, (unsigned)st.st_uid);
	else if (st.st_size > KEY_FILE_MAX_BYTES)
		err = berth_fail(why, BERTH_E_LIMIT, "keystore-file-size", NULL,
				 "Key file %.120s has more than %d bytes.", path,
				 KEY_FILE_MAX_BYTES);
	if (err) {
		(void)close(fd);
		return err;
	}
	*ret = fd;
	*ret_size = st.st_size;
	return BERTH_OK;
}

static enum berth_err
read_all(int fd, const char *path, struct berth_secret *text, struct berth_why *why)
{
	size_t at = 0;

	while (at < text->n) {
		ssize_t n = read(fd, text->p + at, text->n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_errno(why, "read", path);
		at += (size_t)n;
	}
	return BERTH_OK;
}

/* The one PRIVATE KEY block of the file, as a key of the default provider. */
static EVP_PKEY *
decode(struct berth_pki *pki, const struct berth_secret *text)
{
	char *name = NULL;
	char *header = NULL;
	unsigned char *der = NULL;
	long n = 0;
	EVP_PKEY *pkey = NULL;

	BERTH_OSSL_BIO *bio = BIO_new_mem_buf(text->p, (int)text->n);
	if (bio == NULL || PEM_read_bio(bio, &name, &header, &der, &n) != 1)
		return NULL;
	if (strcmp(name, PEM_STRING_PKCS8INF) == 0 && header[0] == '\0') {
		const unsigned char *p = der;
		BERTH_OSSL(PKCS8_PRIV_KEY_INFO) *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, n);
		if (info != NULL && p == der + n)
			pkey = EVP_PKCS82PKEY_ex(info, pki->libctx, NULL);
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(der, (size_t)n);
	return pkey;
}

static enum berth_err
file_read(struct berth_pki *pki, const char *path, EVP_PKEY **ret, struct berth_why *why)
{
	BERTH_FD fd = -1;
	off_t size = 0;
	uint8_t bytes[KEY_FILE_MAX_BYTES];

	enum berth_err err = open_checked(path, O_RDONLY, &fd, &size, why);
	if (err)
		return err;
	struct berth_secret text = {bytes, (size_t)size};
	err = read_all(fd, path, &text, why);
	*ret = err ? NULL : decode(pki, &text);
	berth_wipe(bytes, sizeof(bytes));
	if (!err && *ret == NULL)
		err = berth_ossl_fail(
			why, BERTH_E_SYNTAX, "keystore-file-format", "RFC 5958",
			"The key file is no unencrypted PKCS#8 PEM (BEGIN PRIVATE KEY)");
	return err;
}

/* The provider does elliptic curves only: an RSA key stays an ordinary key of the process. */
static enum berth_err
wrap_rsa(struct berth_pki *pki, EVP_PKEY *pkey, struct berth_bytes spki, struct berth_key **ret,
	 struct berth_why *why)
{
	const uint8_t *p = spki.p;

	EVP_PKEY *public = d2i_PUBKEY_ex(NULL, &p, (long)spki.n, pki->libctx, NULL);
	if (public == NULL) {
		EVP_PKEY_free(pkey);
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-file", NULL,
				       "The public part cannot be read");
	}
	return berth_key_make(pki, public, pkey, spki, ret, why);
}

/* The public part: for elliptic curves without OpenSSL's encoders, which are slow. */
static size_t
write_spki(EVP_PKEY *pkey, uint8_t spki[BERTH_SPKI_MAX_BYTES])
{
	static const char *const names[] = {"P-256", "P-384", "P-521"};
	uint8_t point[256];
	uint8_t *p = spki;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct berth_key_kind *kind = berth_key_kind_named(names[i]);
		if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
						    sizeof(point), &n) != 1 ||
		    EVP_PKEY_get_bits(pkey) != kind->bits || n != kind->point_bytes ||
		    point[0] != 0x04)
			continue;
		memcpy(spki, kind->prefix.p, kind->prefix.n);
		memcpy(spki + kind->prefix.n, point + 1, n - 1);
		return kind->prefix.n + n - 1;
	}
	int length = i2d_PUBKEY(pkey, NULL);
	if (length <= 0 || length > BERTH_SPKI_MAX_BYTES || i2d_PUBKEY(pkey, &p) != length)
		return 0;
	return (size_t)length;
}

/* Takes pkey over. */
static enum berth_err
wrap_pkey(struct berth_pki *pki, EVP_PKEY *pkey, struct berth_key **ret, struct berth_why *why)
{
	uint8_t bytes[BERTH_SPKI_MAX_BYTES];
	struct berth_private *private = NULL;

	struct berth_bytes spki = berth_bytes_of(bytes, write_spki(pkey, bytes));
	if (spki.n == 0) {
		EVP_PKEY_free(pkey);
		return berth_ossl_fail(why, BERTH_E_UNSUPPORTED, "keystore-kind", NULL,
				       "The key's public part cannot be written");
	}
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return wrap_rsa(pki, pkey, spki, ret, why);
	enum berth_err err = berth_private_make(pki, &file_ops, spki, pkey, &private, why);
	if (err) {
		EVP_PKEY_free(pkey);
		return err;
	}
	return berth_private_key(private, ret, why);
}

static enum berth_err
file_load(struct berth_pki *pki, const char *path, struct berth_key **ret, struct berth_why *why)
{
	EVP_PKEY *pkey = NULL;

	enum berth_err err = file_read(pki, path, &pkey, why);
	if (err)
		return err;
	return wrap_pkey(pki, pkey, ret, why);
}

/* A name's durability is that of its directory. */
static enum berth_err
sync_directory(const char *path, struct berth_why *why)
{
	char directory[BERTH_KEY_URI_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : (size_t)(slash - path);

	if (slash == NULL)
		(void)snprintf(directory, sizeof(directory), ".");
	else
		(void)snprintf(directory, sizeof(directory), "%.*s", n == 0 ? 1 : (int)n, path);
	BERTH_FD fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return fail_errno(why, "made durable", path);
	return BERTH_OK;
}

static enum berth_err
write_all(int fd, struct berth_bytes text, const char *path, struct berth_why *why)
{
	size_t at = 0;

	while (at < text.n) {
		ssize_t n = write(fd, text.p + at, text.n - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail_errno(why, "written", path);
		at += (size_t)n;
	}
	if (fsync(fd) != 0)
		return fail_errno(why, "made durable", path);
	return BERTH_OK;
}

/* Under a temporary name first: link() makes the name and the whole content appear at once, or fails. */
static enum berth_err
write_new(const char *path, struct berth_bytes text, struct berth_why *why)
{
	char temporary[BERTH_KEY_URI_MAX + 16];

	(void)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	BERTH_FD fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
	if (fd < 0)
		return fail_errno(why, "created", path);
	enum berth_err err = write_all(fd, text, path, why);
	if (!err && link(temporary, path) != 0) {
		if (errno == EEXIST)
			err = berth_fail(why, BERTH_E_EXISTS, "keystore-exists", NULL,
					 "There is a key at %.120s already.", path);
		else
			err = fail_errno(why, "created", path);
	}
	(void)unlink(temporary);
	return err ? err : sync_directory(path, why);
}

static enum berth_err
file_generate(struct berth_pki *pki, const char *path, const struct berth_key_kind *kind,
	      struct berth_why *why)
{
	BUF_MEM *text = NULL;

	if (access(path, F_OK) == 0)
		return berth_fail(why, BERTH_E_EXISTS, "keystore-exists", NULL,
				  "There is a key at %.120s already.", path);
	BERTH_OSSL(EVP_PKEY) *pkey = EVP_PKEY_Q_keygen(pki->libctx, NULL, "EC", kind->group);
	BERTH_OSSL(PKCS8_PRIV_KEY_INFO) *info = pkey == NULL ? NULL : EVP_PKEY2PKCS8(pkey);
	BERTH_OSSL_BIO *bio = BIO_new(BIO_s_secmem());
	if (info == NULL || bio == NULL || PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-generate", NULL,
				       "The key cannot be generated");
	(void)BIO_get_mem_ptr(bio, &text);
	return write_new(path, berth_bytes_of(text->data, text->length), why);
}

static enum berth_err
file_remove(struct berth_pki *pki, const char *path, struct berth_why *why)
{
	static const uint8_t zeros[KEY_FILE_MAX_BYTES];
	BERTH_FD fd = -1;
	off_t size = 0;

	(void)pki;
	enum berth_err err = open_checked(path, O_WRONLY, &fd, &size, why);
	if (err)
		return err;
	err = write_all(fd, berth_bytes_of(zeros, (size_t)size), path, why);
	if (err)
		return err;
	if (unlink(path) != 0)
		return fail_errno(why, "removed", path);
	return sync_directory(path, why);
}

const struct berth_keystore_backend berth_keystore_file = {
	"file", BERTH_STORAGE_FILE, file_generate, file_load, file_remove,
};
