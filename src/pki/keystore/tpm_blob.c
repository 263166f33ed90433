/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/keystore/tpm_blob.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "pki/der.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define PEM_NAME "TSS2 PRIVATE KEY"
#define CONTEXT_0 0xa0
#define DER_MAX_BYTES (2 * BERTH_TPM_BLOB_PART_MAX + 64)

/* 2.23.133.10.1.3, id-loadablekey */
#define LOADABLE_KEY BERTH_LIT("\x67\x81\x05\x0a\x01\x03")

static enum berth_err
refuse(struct berth_why *why, const char *what)
{
	return berth_fail(why, BERTH_E_SYNTAX, "keystore-tpm-file", NULL,
			  "The TPM key file cannot be used: %s.", what);
}

/* The one PEM block, as DER in der[DER_MAX_BYTES]. */
static bool
read_pem(struct berth_bytes pem, uint8_t *der, size_t *ret_n)
{
	char *name = NULL;
	char *header = NULL;
	unsigned char *bytes = NULL;
	long n = 0;

	BERTH_OSSL_BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	bool is_read = bio != NULL && PEM_read_bio(bio, &name, &header, &bytes, &n) == 1;
	bool is_ours = is_read && strcmp(name, PEM_NAME) == 0 && header[0] == '\0' && n > 0 &&
		       n <= DER_MAX_BYTES;
	if (is_ours) {
		memcpy(der, bytes, (size_t)n);
		*ret_n = (size_t)n;
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(bytes);
	ERR_clear_error();
	return is_ours;
}

/* A handle: positive, of at most 32 bits. */
static bool
read_parent(struct berth_bytes value, uint32_t *ret)
{
	uint32_t parent = 0;

	if (value.n == 0 || value.n > 5 || (value.n == 5 && value.p[0] != 0) || value.p[0] > 0x7f)
		return false;
	for (size_t i = 0; i < value.n; i++)
		parent = parent << 8 | value.p[i];
	*ret = parent;
	return parent == BERTH_TPM_PARENT_OWNER || parent >> 24 == 0x81;
}

static enum berth_err
read_key(struct berth_bytes der, struct berth_tpm_blob *blob, struct berth_why *why)
{
	struct berth_bytes rest = der;
	struct berth_bytes inside;
	struct berth_bytes value;
	struct berth_der element;

	if (!berth_der_take(&rest, BERTH_DER_SEQUENCE, &inside) || rest.n > 0)
		return refuse(why, "it is no TPMKey");
	if (!berth_der_take(&inside, BERTH_DER_OID, &value) ||
	    !berth_bytes_equal(value, LOADABLE_KEY))
		return refuse(why, "it is no loadable key");
	if (inside.n > 0 && inside.p[0] == CONTEXT_0) {
		/* emptyAuth; tpm2-tools write "false" for any key, and the TPM knows better: not judged here */
		if (!berth_der_next(&inside, &element))
			return refuse(why, "it is no TPMKey");
	}
	if (!berth_der_take(&inside, BERTH_DER_INTEGER, &value) ||
	    !read_parent(value, &blob->parent))
		return refuse(why, "its parent is neither the owner hierarchy nor persistent");
	if (!berth_der_take(&inside, BERTH_DER_OCTET_STRING, &value) || value.n == 0 ||
	    value.n > sizeof(blob->public))
		return refuse(why, "it has no public part, or one that is too long");
	memcpy(blob->public, value.p, value.n);
	blob->public_n = value.n;
	if (!berth_der_take(&inside, BERTH_DER_OCTET_STRING, &value) || value.n == 0 ||
	    value.n > sizeof(blob->private) || inside.n > 0)
		return refuse(why, "it has no private part, or one that is too long, or more");
	memcpy(blob->private, value.p, value.n);
	blob->private_n = value.n;
	return BERTH_OK;
}

enum berth_err
berth_tpm_blob_parse(struct berth_bytes pem, struct berth_tpm_blob *ret, struct berth_why *why)
{
	uint8_t bytes[DER_MAX_BYTES];
	size_t n = 0;
	struct berth_tpm_blob blob = {0};

	if (pem.n > INT32_MAX || !read_pem(pem, bytes, &n))
		return refuse(why, "it is no PEM with one " PEM_NAME);
	struct berth_bytes der = berth_bytes_of(bytes, n);
	enum berth_err err = berth_der_check(der, "keystore-tpm-file", why);
	if (!err)
		err = read_key(der, &blob, why);
	if (err)
		return err;
	*ret = blob;
	return BERTH_OK;
}

static enum berth_err
put(struct berth_buf *der, uint8_t tag, const uint8_t *p, size_t n)
{
	const uint8_t head[] = {tag, 0x82, (uint8_t)(n >> 8), (uint8_t)n};
	const uint8_t short_head[] = {tag, 0x81, (uint8_t)n};
	enum berth_err err;

	if (n > 0xff)
		err = berth_buf_append(der, head, sizeof(head));
	else if (n > 0x7f)
		err = berth_buf_append(der, short_head, sizeof(short_head));
	else
		err = berth_buf_append(der, (const uint8_t[]){tag, (uint8_t)n}, 2);
	return err ? err : berth_buf_append(der, p, n);
}

static enum berth_err
build(const struct berth_tpm_blob *blob, struct berth_buf *der)
{
	static const uint8_t empty_auth[] = {BERTH_DER_BOOLEAN, 1, 0xff};
	const uint8_t parent[] = {0, (uint8_t)(blob->parent >> 24), (uint8_t)(blob->parent >> 16),
				  (uint8_t)(blob->parent >> 8), (uint8_t)blob->parent};
	size_t skip = parent[1] < 0x80 ? 1 : 0; /* DER: as short as it can be */
	BERTH_BUF inside = {0};

	struct berth_bytes type = LOADABLE_KEY;
	enum berth_err err = put(&inside, BERTH_DER_OID, type.p, type.n);
	if (!err)
		err = put(&inside, CONTEXT_0, empty_auth, sizeof(empty_auth));
	if (!err)
		err = put(&inside, BERTH_DER_INTEGER, parent + skip, sizeof(parent) - skip);
	if (!err)
		err = put(&inside, BERTH_DER_OCTET_STRING, blob->public, blob->public_n);
	if (!err)
		err = put(&inside, BERTH_DER_OCTET_STRING, blob->private, blob->private_n);
	return err ? err : put(der, BERTH_DER_SEQUENCE, inside.p, inside.n);
}

enum berth_err
berth_tpm_blob_encode(const struct berth_tpm_blob *blob, struct berth_buf *pem,
		      struct berth_why *why)
{
	BERTH_BUF der = {0};
	BUF_MEM *text = NULL;

	enum berth_err err = build(blob, &der);
	BERTH_OSSL_BIO *bio = BIO_new(BIO_s_mem());
	if (err || bio == NULL || PEM_write_bio(bio, PEM_NAME, "", der.p, (long)der.n) <= 0)
		return berth_ossl_fail(why, BERTH_E_MEMORY, "keystore-tpm-file", NULL,
				       "The TPM key file cannot be written");
	(void)BIO_get_mem_ptr(bio, &text);
	return berth_buf_append(pem, text->data, text->length);
}
