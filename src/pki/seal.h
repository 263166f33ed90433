/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A long text under a passphrase: AES-256-GCM in chunks, the key by scrypt (RFC 7914). Written once and read once from
 * beginning to end; each chunk's number and whether it is the last are in its nonce, so that chunks cannot be left out,
 * exchanged or appended.
 *
 *	"berth-seal-1\n" u8 log2(N) u8 r u8 p salt[16] prefix[7]
 *	{ u32 n, n bytes of ciphertext, tag[16] } ...	nonce = prefix u32(number) u8(is last); the head is authenticated too
 *
 * The first chunk is empty: it only tells a wrong passphrase from a damaged text. Nothing that was read is to be relied on
 * before berth_unseal_read has said that it was the end; whoever unpacks as he reads must be able to throw it away.
 */
#ifndef BERTH_PKI_SEAL_H
#define BERTH_PKI_SEAL_H

#include "base/random.h"
#include "pki/pki.h"

#define BERTH_SEAL_PASSPHRASE_MIN                                                                  \
	12 /* what scrypt makes costly to guess must not be guessed at once */
#define BERTH_SEAL_PASSPHRASE_MAX 1024
#define BERTH_SEAL_CHUNK_MAX 65536
#define BERTH_SEAL_HEAD_BYTES 39

/* What the head says; a reader takes only what it can afford. */
struct berth_seal_head {
	uint8_t log2_n;
	uint8_t r;
	uint8_t p;
	uint8_t salt[16];
	uint8_t prefix[7];
};
enum berth_err berth_seal_head_parse(struct berth_bytes bytes, struct berth_seal_head *ret,
				     struct berth_why *why) BERTH_MUST;

struct berth_seal;
/* Takes all of bytes or fails. */
typedef enum berth_err berth_seal_sink(void *context, struct berth_bytes bytes,
				       struct berth_why *why);
enum berth_err berth_seal_start(struct berth_pki *pki, struct berth_bytes passphrase,
				const struct berth_random *random, berth_seal_sink *sink,
				void *context, struct berth_seal **ret,
				struct berth_why *why) BERTH_MUST;
enum berth_err berth_seal_write(struct berth_seal *seal, struct berth_bytes bytes,
				struct berth_why *why) BERTH_MUST;
/* The last chunk; afterwards only free. */
enum berth_err berth_seal_finish(struct berth_seal *seal, struct berth_why *why) BERTH_MUST;
void berth_seal_free(struct berth_seal *seal);
void berth_seal_freep(struct berth_seal **seal);

struct berth_unseal;
/* Up to n bytes; fewer only at the end of the file. */
typedef enum berth_err berth_seal_source(void *context, uint8_t *out, size_t n, size_t *ret_n,
					 struct berth_why *why);
/* DENIED: the passphrase is not that of this text. */
enum berth_err berth_unseal_start(struct berth_pki *pki, struct berth_bytes passphrase,
				  berth_seal_source *source, void *context,
				  struct berth_unseal **ret, struct berth_why *why) BERTH_MUST;
/* Exactly n bytes (SYNTAX when there are fewer). SIGNATURE: it was changed or cut after it was written. */
enum berth_err berth_unseal_read(struct berth_unseal *unseal, uint8_t *out, size_t n,
				 struct berth_why *why) BERTH_MUST;
/* All was read, the last chunk was the last, and nothing follows it. */
enum berth_err berth_unseal_end(struct berth_unseal *unseal, struct berth_why *why) BERTH_MUST;
void berth_unseal_free(struct berth_unseal *unseal);
void berth_unseal_freep(struct berth_unseal **unseal);

#endif
