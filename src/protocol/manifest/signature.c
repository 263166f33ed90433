/* SPDX-License-Identifier: BSD-2-Clause */
/* Who signed a manifest, over what, and for which authorities that signer may speak. */
#include "protocol/manifest/manifest_internal.h"

#include "base/hex.h"
#include "codec/json.h"
#include "pki/cms.h"

#define SECTION BERTH_MANIFEST_SECTION

static enum berth_err
build_statement(struct berth_pki *pki, struct berth_bytes lines, struct berth_buf *out,
		struct berth_why *why)
{
	uint8_t digest[BERTH_SHA256_BYTES];
	char hex[2 * BERTH_SHA256_BYTES + 1];
	enum berth_err err = berth_sha256(pki, lines, digest);
	if (err)
		return berth_fail(why, err, "manifest-hash", NULL, "SHA-256 failed");
	err = berth_buf_printf(
		out, "{\"berth-manifest\":%d,\"bytes\":%zu,\"sha256\":\"%s\"}",
		BERTH_MANIFEST_VERSION, lines.n,
		berth_hex_text(berth_bytes_of(digest, sizeof(digest)), hex, sizeof(hex)));
	if (err)
		return berth_fail(why, err, "manifest-memory", NULL, "no memory for the statement");
	return BERTH_OK;
}

static enum berth_err
check_signer(struct berth_pki *pki, const struct berth_cms *cms,
	     const struct berth_manifest_trust *trust, struct berth_why *why)
{
	const struct berth_path_check check = {
		.leaf = cms->signer,
		.untrusted = &cms->certificates,
		.anchors = trust->anchors,
		.at = trust->at,
	};
	enum berth_err err = berth_path_verify(pki, &check, NULL, why);
	if (err)
		return err;
	/* Devices chain to the same root; their certificates never say this unit. */
	if (!berth_bytes_equal_text(berth_cert_subject_unit(cms->signer),
				    BERTH_MANIFEST_SIGNER_UNIT) ||
	    berth_cert_subject_serial_number(cms->signer).n > 0)
		return berth_fail(why, BERTH_E_UNTRUSTED, "manifest-signer-role", SECTION,
				  "%.120s is not a manifest signer (OU=" BERTH_MANIFEST_SIGNER_UNIT
				  ")",
				  berth_cert_subject_text(cms->signer));
	return BERTH_OK;
}

static enum berth_err
check_signature(struct berth_pki *pki, const struct berth_manifest_parts *parts,
		struct berth_cms *cms, struct berth_why *why)
{
	BERTH_BUF der = {0};
	BERTH_BUF statement = {0};
	enum berth_err err = berth_manifest_parse_signature(parts->signature_line, &der, why);
	if (!err)
		err = berth_cms_open(pki, berth_buf_view(&der), NULL, cms, why);
	if (!err)
		err = build_statement(pki, parts->lines, &statement, why);
	if (err)
		return err;
	if (cms->content_type != BERTH_CMS_DATA ||
	    !berth_bytes_equal(berth_buf_view(&cms->content), berth_buf_view(&statement)))
		return berth_fail(why, BERTH_E_SIGNATURE, "manifest-altered", SECTION,
				  "the signature is about other contents: the file was changed "
				  "after it was signed; get it again from who signed it");
	return BERTH_OK;
}

/* A CA of this manufacturer has that key id: it came with the signature and has a path, or is an anchor. */
static enum berth_err
check_issuer(struct berth_pki *pki, struct berth_bytes key_id, const struct berth_cms *cms,
	     const struct berth_manifest_trust *trust, struct berth_why *why)
{
	for (size_t i = 0; i < trust->anchors->n; i++) {
		if (berth_bytes_equal(berth_cert_ski(trust->anchors->at[i]), key_id))
			return BERTH_OK;
	}
	for (size_t i = 0; i < cms->certificates.n; i++) {
		const struct berth_cert *cert = cms->certificates.at[i];
		if (!berth_cert_is_ca(cert) || !berth_bytes_equal(berth_cert_ski(cert), key_id))
			continue;
		const struct berth_path_check check = {
			.leaf = cert,
			.untrusted = &cms->certificates,
			.anchors = trust->anchors,
			.at = trust->at,
		};
		return berth_path_verify(pki, &check, NULL, why);
	}
	return berth_fail(why, BERTH_E_UNTRUSTED, "manifest-foreign-issuer", SECTION,
			  "a unit's issuer-key-id is of no authority of this manufacturer");
}

static enum berth_err
check_issuers(struct berth_pki *pki, const struct berth_manifest *m, const struct berth_cms *cms,
	      const struct berth_manifest_trust *trust, struct berth_why *why)
{
	struct berth_bytes checked = BERTH_BYTES_NONE;
	for (size_t i = 0; i < m->unit_count; i++) {
		struct berth_bytes key_id = m->units[i].identity.manufacturer_key;
		if (berth_bytes_equal(key_id, checked))
			continue;
		enum berth_err err = check_issuer(pki, key_id, cms, trust, why);
		if (err)
			return err;
		checked = key_id;
	}
	return BERTH_OK;
}

/* req: custody-signer */
static enum berth_err
check_from(struct berth_pki *pki, const struct berth_manifest *m, const struct berth_cms *cms,
	   struct berth_why *why)
{
	uint8_t sha256[BERTH_SHA256_BYTES];
	enum berth_err err = berth_sha256(pki, berth_key_spki(berth_cert_key(cms->signer)), sha256);
	if (err)
		return berth_fail(why, err, "manifest-hash", NULL, "SHA-256 failed");
	if (memcmp(sha256, m->from.key_sha256, sizeof(sha256)) != 0)
		return berth_fail(why, BERTH_E_UNTRUSTED, "custody-holder", SECTION,
				  "transfer %.*s says that it comes from %.*s, and %.120s with "
				  "another key signed it",
				  BERTH_MANIFEST_SHORT(m->batch),
				  BERTH_MANIFEST_SHORT(m->from.name),
				  berth_cert_subject_text(cms->signer));
	return BERTH_OK;
}

static enum berth_err
check_makers(struct berth_pki *pki, const struct berth_manifest *m, const struct berth_cms *cms,
	     const struct berth_manifest_trust *trust, struct berth_why *why)
{
	enum berth_err err = check_signer(pki, cms, trust, why);
	return err ? err : check_issuers(pki, m, cms, trust, why);
}

enum berth_err
berth_manifest_open(struct berth_pki *pki, struct berth_bytes file,
		    const struct berth_manifest_trust *trust, struct berth_arena *arena,
		    struct berth_manifest *ret, struct berth_why *why)
{
	struct berth_manifest_parts parts;
	BERTH_CMS cms = {0};
	struct berth_manifest m = {0};
	enum berth_err err = berth_manifest_split(file, &parts, why);
	if (!err)
		err = check_signature(pki, &parts, &cms, why);
	if (!err)
		err = check_signer(pki, &cms, trust, why);
	if (!err)
		err = berth_manifest_parse_lines(parts.lines, arena, &m, why);
	if (!err && m.kind == BERTH_MANIFEST_TRANSFER)
		err = berth_fail(why, BERTH_E_DENIED, "custody-break", SECTION,
				 "a transfer means nothing without the manifests before it; "
				 "give all of them");
	if (!err)
		err = check_issuers(pki, &m, &cms, trust, why);
	if (!err)
		*ret = m;
	return err;
}

enum berth_err
berth_manifest_open_link(struct berth_pki *pki, struct berth_bytes file,
			 const struct berth_manifest_trust *trust, struct berth_arena *arena,
			 struct berth_manifest *ret, struct berth_why *why)
{
	struct berth_manifest_parts parts;
	BERTH_CMS cms = {0};
	struct berth_manifest m = {0};
	enum berth_err err = berth_manifest_split(file, &parts, why);
	if (!err)
		err = check_signature(pki, &parts, &cms, why);
	/* The lines say whose signature it has to be. */
	if (!err)
		err = berth_manifest_parse_lines(parts.lines, arena, &m, why);
	if (!err)
		err = m.kind == BERTH_MANIFEST_TRANSFER ? check_from(pki, &m, &cms, why)
							: check_makers(pki, &m, &cms, trust, why);
	if (!err)
		*ret = m;
	return err;
}

enum berth_err
berth_manifest_sign(struct berth_pki *pki, const struct berth_manifest_signer *signer,
		    struct berth_buf *file, struct berth_why *why)
{
	BERTH_BUF statement = {0};
	BERTH_BUF der = {.limit = BERTH_CMS_MAX_BYTES};
	enum berth_err err = build_statement(pki, berth_buf_view(file), &statement, why);
	if (err)
		return err;
	const struct berth_cms_fields fields = {
		.content_type = BERTH_CMS_DATA,
		.content = berth_buf_view(&statement),
		.key = signer->key,
		.signer = signer->certificate,
		.others = signer->others,
		.signing_time = signer->at,
	};
	err = berth_cms_sign(pki, &fields, &der, why);
	if (err)
		return err;
	BERTH_JSON json_t *line = json_object();
	err = line ? berth_json_set_base64(line, "signature", berth_buf_view(&der))
		   : BERTH_E_MEMORY;
	if (!err)
		err = berth_json_encode(line, BERTH_JSON_AS_BUILT, file);
	if (!err)
		err = berth_buf_append_text(file, "\n");
	if (err)
		return berth_fail(why, err, "manifest-size", SECTION,
				  "the manifest grows beyond its limit; split the batch");
	return BERTH_OK;
}
