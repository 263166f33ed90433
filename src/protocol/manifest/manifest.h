/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The signed list that travels with units (berth-manifest(5)): which devices a batch holds, by
 *birth identity and key, and, once sold, to whom. The MASA loads it to know its units and their
 *owners, the owner imports it to know what is theirs.
 *
 * Text, one JSON object a line, so that a batch of any size has one signature of a few KiB:
 *
 *	{"berth-manifest":1,"kind":"purchase","manufacturer":"Acme","batch":"5f0c…","created":"…","units":2}
 *	{"serial-number":"CAM-1","model":"cam","key-sha256":"…","issuer-key-id":"…","storage":"file",
 *	 "masa-url":"masa.acme.example"}			(one line a unit)
 *	{"serial-number":"CAM-2", …}
 *	{"signature":"<base64>"}
 *
 * The signature is CMS SignedData over {"berth-manifest":1,"bytes":N,"sha256":"…"}: length and hash
 * of everything before the last line. Its signer has OU=manifest and a path to the manufacturer's
 * root: a device's own certificate has such a path too, but never that OU, so no device can sign.
 *
 * A third kind, "transfer", hands units on (protocol/manifest/custody.h): its header names who signs
 * ("from"), who has them from now on ("owner" or "holder") and the file before it ("previous"), its
 * lines have serial-number and issuer-key-id alone, and its signer is whom that file names.
 *
 * Order of checking: size, signature, signer, then the lines. No line of an unsigned file is parsed
 * by berth_manifest_open. Strict: unknown members, unknown kinds and versions, a serial number
 * twice, a count that is not the header's are refused (rules manifest-...).
 *
 *	BERTH_ARENA arena; berth_arena_start(&arena, BERTH_MANIFEST_ARENA_BYTES);
 *	struct berth_manifest m;
 *	err = berth_manifest_open(pki, bytes, &(struct berth_manifest_trust){&anchors, now}, &arena,
 *&m, why); for (size_t i = 0; !err && i < m.unit_count; i++)
 *		... m.units[i].identity ... m.has_owner ? m.owner.domain_id ...
 */
#ifndef BERTH_PROTOCOL_MANIFEST_H
#define BERTH_PROTOCOL_MANIFEST_H

#include "base/arena.h"
#include "model/device.h"
#include "pki/certificate.h"
#include "protocol/ownership/claim_code.h"

#define BERTH_MANIFEST_MEDIA_TYPE                                                                  \
	"application/vnd.berth.manifest" /* where a file name does not tell */
#define BERTH_MANIFEST_MAX_BYTES                                                                   \
	((size_t)64 << 20)			/* about 150 000 units; larger batches are split */
#define BERTH_MANIFEST_UNITS_MAX 250000		/* what fits at the shortest */
#define BERTH_MANIFEST_LINE_MAX 4096		/* a unit takes 300 to 900 bytes */
#define BERTH_MANIFEST_SIGNATURE_LINE_MAX 90000 /* a CMS of BERTH_CMS_MAX_BYTES in base64 */
#define BERTH_MANIFEST_TEXT_MAX 256		/* names, models, references */
#define BERTH_MANIFEST_URL_MAX 512
#define BERTH_MANIFEST_ARENA_BYTES ((size_t)192 << 20) /* the units of the largest file */
#define BERTH_MANIFEST_SIGNER_UNIT "manifest"	       /* OU of the signer */

enum berth_manifest_kind {
	BERTH_MANIFEST_PURCHASE, /* "purchase": units made; the owner may be known already */
	BERTH_MANIFEST_SALE,	 /* "sale": these units now belong to owner, or holder has them */
	BERTH_MANIFEST_TRANSFER, /* "transfer": from hands them on, to owner or holder */
};
const char *berth_manifest_kind_name(enum berth_manifest_kind kind);

struct berth_manifest_unit {
	/* As in the IDevID: serial_number is the whole X520 attribute, manufacturer_key the AKI's
	 * key id. */
	struct berth_device_identity identity;
	struct berth_bytes model;		/* may be empty */
	uint8_t key_sha256[BERTH_SHA256_BYTES]; /* of the IDevID's SubjectPublicKeyInfo */
	struct berth_bytes
		storage; /* berth_storage_class_name, or "unknown" (the key came by CSR) */
	struct berth_bytes masa_url; /* as in the IDevID */
	struct berth_bytes mud_url;  /* may be empty */
	bool has_claim;		     /* a code lies in the box; this is of it, not it */
	struct berth_claim_digest claim;
};

struct berth_manifest_owner {
	struct berth_bytes name;      /* the customer */
	struct berth_bytes domain_id; /* of the owner's domain CA (berth_cert_domain_id), binary */
	uint8_t key_sha256[BERTH_SHA256_BYTES]; /* of the domain CA's SubjectPublicKeyInfo */
	struct berth_bytes reference;		/* order number; may be empty */
};

/* Who has units without owning a domain: an integrator, a reseller. */
struct berth_manifest_holder {
	struct berth_bytes name;
	uint8_t key_sha256[BERTH_SHA256_BYTES]; /* of the SubjectPublicKeyInfo that signs for it */
};

struct berth_manifest {
	enum berth_manifest_kind kind;
	struct berth_bytes manufacturer; /* its name; empty with a transfer */
	struct berth_bytes batch;	 /* id, text: "5f0c3a…" */
	struct berth_wall created;
	bool has_owner; /* with a sale and a transfer: owner or holder, never both */
	struct berth_manifest_owner owner;
	bool has_holder;
	struct berth_manifest_holder holder;
	struct berth_manifest_holder from;	     /* of a transfer */
	uint8_t previous_sha256[BERTH_SHA256_BYTES]; /* of a transfer: the file before it */
	const struct berth_manifest_unit *units;
	size_t unit_count;
};

struct berth_manifest_trust {
	const struct berth_cert_list
		*anchors; /* the manufacturer's root, or the manifest signer itself */
	struct berth_wall at;
};

/* Who has the units once this manifest holds; false: it names nobody. Borrows from m. */
bool berth_manifest_hand(const struct berth_manifest *m, struct berth_manifest_holder *ret);

/*
 * Verifies all and fills *ret; what it points to lives in arena. file: all of the bytes. A transfer is refused: it
 * means nothing without the files before it (berth_custody_open).
 */
enum berth_err berth_manifest_open(struct berth_pki *pki, struct berth_bytes file,
				   const struct berth_manifest_trust *trust,
				   struct berth_arena *arena, struct berth_manifest *ret,
				   struct berth_why *why) BERTH_MUST;
/*
 * The lines without the signature's meaning: for `manifest show`, which says so, and for fuzzing.
 * signature (may be NULL): the CMS DER, in arena; signed_bytes (may be NULL): how many bytes it is
 * about.
 */
enum berth_err berth_manifest_parse(struct berth_bytes file, struct berth_arena *arena,
				    struct berth_manifest *ret, struct berth_bytes *signature,
				    size_t *signed_bytes, struct berth_why *why) BERTH_MUST;

/* Appends header and unit lines. Checks what it writes as the parser would, duplicates included. */
enum berth_err berth_manifest_encode(const struct berth_manifest *manifest, struct berth_buf *out,
				     struct berth_why *why) BERTH_MUST;

struct berth_manifest_signer {
	struct berth_key *key;
	const struct berth_cert *certificate;
	const struct berth_cert_list *others; /* between signer and root; may be NULL */
	struct berth_wall at;
};
/* Appends the signature over everything that file holds so far. */
enum berth_err berth_manifest_sign(struct berth_pki *pki,
				   const struct berth_manifest_signer *signer,
				   struct berth_buf *file, struct berth_why *why) BERTH_MUST;

#endif
