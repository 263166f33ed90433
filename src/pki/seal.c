/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/seal.h"

#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include "base/cursor.h"
#include "base/secret.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define MAGIC "berth-seal-1\n"
#define KEY_BYTES 32
#define NONCE_BYTES 12
#define TAG_BYTES 16
/* 64 MiB and a quarter of a second for us; as much for each guess. */
#define LOG2_N 16
#define BLOCK_R 8
#define PARALLEL_P 1
/* What a foreign head may make us spend: 256 MiB. */
#define LOG2_N_MIN 14
#define LOG2_N_MAX 18
#define PARALLEL_MAX 4
#define MEMORY_MAX ((uint64_t)300 << 20)
#define CHUNKS_MAX UINT32_MAX

/* One direction of the cipher, at chunk number. */
struct chunks {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *context;
	uint8_t key[KEY_BYTES];
	uint8_t head[BERTH_SEAL_HEAD_BYTES];
	struct berth_seal_head parsed;
	uint32_t number;
};

enum berth_err
berth_seal_head_parse(struct berth_bytes bytes, struct berth_seal_head *ret, struct berth_why *why)
{
	struct berth_cursor c = berth_cursor(bytes);
	struct berth_seal_head head = {0};

	struct berth_bytes magic = berth_cursor_take(&c, sizeof(MAGIC) - 1);
	head.log2_n = berth_cursor_u8(&c);
	head.r = berth_cursor_u8(&c);
	head.p = berth_cursor_u8(&c);
	struct berth_bytes salt = berth_cursor_take(&c, sizeof(head.salt));
	struct berth_bytes prefix = berth_cursor_take(&c, sizeof(head.prefix));
	enum berth_err err = berth_cursor_end(&c, "seal-head", why);
	if (err)
		return err;
	if (!berth_bytes_equal_text(magic, MAGIC))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "seal-head", NULL,
				  "this is no sealed file of Berth's, or a newer one");
	if (head.log2_n < LOG2_N_MIN || head.log2_n > LOG2_N_MAX || head.r != BLOCK_R ||
	    head.p < 1 || head.p > PARALLEL_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "seal-head", "RFC 7914 2",
				  "the sealed file asks for scrypt with N = 2^%u, r = %u, p = %u: "
				  "that is too weak or too costly",
				  head.log2_n, head.r, head.p);
	memcpy(head.salt, salt.p, salt.n);
	memcpy(head.prefix, prefix.p, prefix.n);
	*ret = head;
	return BERTH_OK;
}

static void
write_head(struct chunks *chunks)
{
	const struct berth_seal_head *head = &chunks->parsed;
	uint8_t *at = chunks->head;

	memcpy(at, MAGIC, sizeof(MAGIC) - 1);
	at += sizeof(MAGIC) - 1;
	*at++ = head->log2_n;
	*at++ = head->r;
	*at++ = head->p;
	memcpy(at, head->salt, sizeof(head->salt));
	memcpy(at + sizeof(head->salt), head->prefix, sizeof(head->prefix));
}

static enum berth_err
derive(struct berth_pki *pki, struct chunks *chunks, struct berth_bytes passphrase,
       struct berth_why *why)
{
	const struct berth_seal_head *head = &chunks->parsed;
	uint64_t n = (uint64_t)1 << head->log2_n;
	uint32_t r = head->r;
	uint32_t p = head->p;
	uint64_t memory = MEMORY_MAX;
	uint8_t pass[BERTH_SEAL_PASSPHRASE_MAX];
	uint8_t salt[sizeof(head->salt)];

	memcpy(pass, passphrase.p, passphrase.n);
	memcpy(salt, head->salt, sizeof(salt));
	EVP_KDF *kdf = EVP_KDF_fetch(pki->libctx, "SCRYPT", NULL);
	EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, pass, passphrase.n),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt)),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
		OSSL_PARAM_construct_end(),
	};
	bool is_done =
		context != NULL && EVP_KDF_derive(context, chunks->key, KEY_BYTES, params) == 1;
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	berth_wipe(pass, sizeof(pass));
	return is_done ? BERTH_OK
		       : berth_ossl_fail(why, BERTH_E_CRYPTO, "seal-key", "RFC 7914 6",
					 "The passphrase cannot be turned into a key");
}

static enum berth_err
chunks_start(struct berth_pki *pki, struct chunks *chunks, struct berth_bytes passphrase,
	     struct berth_why *why)
{
	if (passphrase.n > BERTH_SEAL_PASSPHRASE_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "seal-passphrase", NULL,
				  "the passphrase is longer than %d bytes",
				  BERTH_SEAL_PASSPHRASE_MAX);
	chunks->cipher = EVP_CIPHER_fetch(pki->libctx, "AES-256-GCM", NULL);
	chunks->context = EVP_CIPHER_CTX_new();
	if (chunks->cipher == NULL || chunks->context == NULL)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "seal-cipher", NULL,
				       "AES-256-GCM is not to be had");
	return derive(pki, chunks, passphrase, why);
}

static void
chunks_end(struct chunks *chunks)
{
	EVP_CIPHER_CTX_free(chunks->context);
	EVP_CIPHER_free(chunks->cipher);
	berth_wipe(chunks->key, sizeof(chunks->key));
}

static void
write_nonce(const struct chunks *chunks, bool is_last, uint8_t nonce[NONCE_BYTES])
{
	memcpy(nonce, chunks->parsed.prefix, sizeof(chunks->parsed.prefix));
	for (int i = 0; i < 4; i++)
		nonce[7 + i] = (uint8_t)(chunks->number >> (24 - 8 * i));
	nonce[11] = is_last;
}

/* In place; encrypting writes the tag, decrypting compares it. */
static bool
crypt_chunk(struct chunks *chunks, bool is_last, bool encrypts, uint8_t *bytes, size_t n,
	    uint8_t tag[TAG_BYTES])
{
	uint8_t nonce[NONCE_BYTES];
	uint8_t none[16];
	int done = 0;

	write_nonce(chunks, is_last, nonce);
	if (EVP_CipherInit_ex2(chunks->context, chunks->cipher, chunks->key, nonce, encrypts,
			       NULL) != 1 ||
	    EVP_CipherUpdate(chunks->context, NULL, &done, chunks->head, sizeof(chunks->head)) !=
		    1 ||
	    (n > 0 && EVP_CipherUpdate(chunks->context, bytes, &done, bytes, (int)n) != 1))
		return false;
	if (!encrypts &&
	    EVP_CIPHER_CTX_ctrl(chunks->context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) != 1)
		return false;
	if (EVP_CipherFinal_ex(chunks->context, none, &done) != 1)
		return false;
	return !encrypts ||
	       EVP_CIPHER_CTX_ctrl(chunks->context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, tag) == 1;
}

/* ---- writing ---- */

struct berth_seal {
	struct chunks chunks;
	berth_seal_sink *sink;
	void *context;
	size_t held;
	uint8_t bytes[BERTH_SEAL_CHUNK_MAX];
};

static enum berth_err
put_chunk(struct berth_seal *seal, bool is_last, struct berth_why *why)
{
	uint8_t tag[TAG_BYTES];
	const size_t n = seal->held;
	const uint8_t length[] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
				  (uint8_t)n};

	if (!crypt_chunk(&seal->chunks, is_last, true, seal->bytes, n, tag))
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "seal-cipher", NULL,
				       "A chunk cannot be encrypted");
	if (seal->chunks.number == CHUNKS_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "seal-length", "SP 800-38D 8",
				  "more is to be sealed than one key may serve");
	seal->chunks.number++;
	seal->held = 0;
	enum berth_err err = seal->sink(seal->context, berth_bytes_of(length, sizeof(length)), why);
	if (!err && n > 0)
		err = seal->sink(seal->context, berth_bytes_of(seal->bytes, n), why);
	return err ? err : seal->sink(seal->context, berth_bytes_of(tag, sizeof(tag)), why);
}

enum berth_err
berth_seal_start(struct berth_pki *pki, struct berth_bytes passphrase,
		 const struct berth_random *random, berth_seal_sink *sink, void *context,
		 struct berth_seal **ret, struct berth_why *why)
{
	if (passphrase.n < BERTH_SEAL_PASSPHRASE_MIN)
		return berth_fail(why, BERTH_E_USAGE, "seal-passphrase", NULL,
				  "the passphrase has fewer than %d characters",
				  BERTH_SEAL_PASSPHRASE_MIN);
	BERTH_CLEANUP(berth_seal_freep) struct berth_seal *seal = calloc(1, sizeof(*seal));
	if (seal == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "seal", NULL, "out of memory");
	seal->sink = sink;
	seal->context = context;
	seal->chunks.parsed = (struct berth_seal_head){LOG2_N, BLOCK_R, PARALLEL_P, {0}, {0}};
	berth_random_fill(random, seal->chunks.parsed.salt, sizeof(seal->chunks.parsed.salt));
	berth_random_fill(random, seal->chunks.parsed.prefix, sizeof(seal->chunks.parsed.prefix));
	write_head(&seal->chunks);
	enum berth_err err = chunks_start(pki, &seal->chunks, passphrase, why);
	if (!err)
		err = sink(context, berth_bytes_of(seal->chunks.head, sizeof(seal->chunks.head)),
			   why);
	if (!err)
		err = put_chunk(seal, false, why);
	if (err)
		return err;
	*ret = seal;
	seal = NULL;
	return BERTH_OK;
}

enum berth_err
berth_seal_write(struct berth_seal *seal, struct berth_bytes bytes, struct berth_why *why)
{
	while (bytes.n > 0) {
		size_t room = sizeof(seal->bytes) - seal->held;
		size_t n = bytes.n < room ? bytes.n : room;
		memcpy(seal->bytes + seal->held, bytes.p, n);
		seal->held += n;
		bytes = berth_bytes_of(bytes.p + n, bytes.n - n);
		enum berth_err err =
			seal->held == sizeof(seal->bytes) ? put_chunk(seal, false, why) : BERTH_OK;
		if (err)
			return err;
	}
	return BERTH_OK;
}

enum berth_err
berth_seal_finish(struct berth_seal *seal, struct berth_why *why)
{
	return put_chunk(seal, true, why);
}

void
berth_seal_free(struct berth_seal *seal)
{
	if (seal == NULL)
		return;
	chunks_end(&seal->chunks);
	berth_wipe(seal->bytes, sizeof(seal->bytes));
	free(seal);
}

void
berth_seal_freep(struct berth_seal **seal)
{
	berth_seal_free(*seal);
}

/* ---- reading ---- */

struct berth_unseal {
	struct chunks chunks;
	berth_seal_source *source;
	void *context;
	bool is_last;
	size_t at;
	size_t held;
	uint8_t bytes[BERTH_SEAL_CHUNK_MAX];
};

static enum berth_err
fill(struct berth_unseal *unseal, uint8_t *out, size_t n, struct berth_why *why)
{
	size_t got = 0;
	enum berth_err err = unseal->source(unseal->context, out, n, &got, why);

	if (!err && got < n)
		return berth_fail(why, BERTH_E_SIGNATURE, "seal-cut", NULL,
				  "the sealed file ends too early: it was cut, or not written to "
				  "its end");
	return err;
}

/* Whether a chunk is the last is not told: it is tried, since only one of the two has the right tag. */
static bool
open_chunk(struct berth_unseal *unseal, size_t n, uint8_t tag[TAG_BYTES])
{
	uint8_t sealed[BERTH_SEAL_CHUNK_MAX];

	memcpy(sealed, unseal->bytes, n);
	if (crypt_chunk(&unseal->chunks, false, false, unseal->bytes, n, tag))
		return true;
	memcpy(unseal->bytes, sealed, n);
	unseal->is_last = crypt_chunk(&unseal->chunks, true, false, unseal->bytes, n, tag);
	return unseal->is_last;
}

static enum berth_err
take_chunk(struct berth_unseal *unseal, struct berth_why *why)
{
	uint8_t length[4];
	uint8_t tag[TAG_BYTES];

	enum berth_err err = fill(unseal, length, sizeof(length), why);
	if (err)
		return err;
	const size_t n = (size_t)length[0] << 24 | (size_t)length[1] << 16 |
			 (size_t)length[2] << 8 | length[3];
	if (n > sizeof(unseal->bytes))
		return berth_fail(why, BERTH_E_SIGNATURE, "seal-changed", NULL,
				  "the sealed file was changed after it was written");
	err = fill(unseal, unseal->bytes, n, why);
	if (!err)
		err = fill(unseal, tag, sizeof(tag), why);
	if (err)
		return err;
	if (!open_chunk(unseal, n, tag)) {
		berth_wipe(unseal->bytes, sizeof(unseal->bytes));
		return berth_fail(why, BERTH_E_SIGNATURE, "seal-changed", "SP 800-38D 7.2",
				  "the sealed file was changed after it was written");
	}
	unseal->chunks.number++;
	unseal->at = 0;
	unseal->held = n;
	return BERTH_OK;
}

static enum berth_err
read_head(struct berth_pki *pki, struct berth_unseal *unseal, struct berth_bytes passphrase,
	  struct berth_why *why)
{
	struct chunks *chunks = &unseal->chunks;
	struct berth_bytes head = berth_bytes_of(chunks->head, sizeof(chunks->head));

	enum berth_err err = fill(unseal, chunks->head, sizeof(chunks->head), why);
	if (!err)
		err = berth_seal_head_parse(head, &chunks->parsed, why);
	if (!err)
		err = chunks_start(pki, chunks, passphrase, why);
	if (!err)
		err = take_chunk(unseal, why);
	if (err == BERTH_E_SIGNATURE && strcmp(why->rule, "seal-changed") == 0)
		return berth_fail(why, BERTH_E_DENIED, "seal-passphrase", NULL,
				  "this is not the passphrase of the file (or its first 60 bytes "
				  "are damaged)");
	return err;
}

enum berth_err
berth_unseal_start(struct berth_pki *pki, struct berth_bytes passphrase, berth_seal_source *source,
		   void *context, struct berth_unseal **ret, struct berth_why *why)
{
	struct berth_why own = {0};
	BERTH_CLEANUP(berth_unseal_freep) struct berth_unseal *unseal = calloc(1, sizeof(*unseal));

	if (unseal == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "seal", NULL, "out of memory");
	unseal->source = source;
	unseal->context = context;
	enum berth_err err = read_head(pki, unseal, passphrase, &own);
	if (err) {
		if (why != NULL)
			*why = own;
		return err;
	}
	*ret = unseal;
	unseal = NULL;
	return BERTH_OK;
}

enum berth_err
berth_unseal_read(struct berth_unseal *unseal, uint8_t *out, size_t n, struct berth_why *why)
{
	while (n > 0) {
		if (unseal->at == unseal->held) {
			if (unseal->is_last)
				return berth_fail(
					why, BERTH_E_SYNTAX, "seal-short", NULL,
					"the sealed text ends in the middle of something");
			enum berth_err err = take_chunk(unseal, why);
			if (err)
				return err;
			continue;
		}
		size_t left = unseal->held - unseal->at;
		size_t take = n < left ? n : left;
		memcpy(out, unseal->bytes + unseal->at, take);
		unseal->at += take;
		out += take;
		n -= take;
	}
	return BERTH_OK;
}

enum berth_err
berth_unseal_end(struct berth_unseal *unseal, struct berth_why *why)
{
	uint8_t more;
	size_t n = 0;

	while (unseal->at == unseal->held && !unseal->is_last) {
		enum berth_err err = take_chunk(unseal, why);
		if (err)
			return err;
	}
	enum berth_err err = unseal->source(unseal->context, &more, 1, &n, why);
	if (!err && (unseal->at != unseal->held || n > 0))
		err = berth_fail(why, BERTH_E_SYNTAX, "seal-trailing", NULL,
				 "something follows the end of the sealed text");
	return err;
}

void
berth_unseal_free(struct berth_unseal *unseal)
{
	if (unseal == NULL)
		return;
	chunks_end(&unseal->chunks);
	berth_wipe(unseal->bytes, sizeof(unseal->bytes));
	free(unseal);
}

void
berth_unseal_freep(struct berth_unseal **unseal)
{
	berth_unseal_free(*unseal);
}
