/* SPDX-License-Identifier: BSD-2-Clause */
/* What the lines (manifest.c) and their signature (signature.c) share. */
#ifndef BERTH_PROTOCOL_MANIFEST_INTERNAL_H
#define BERTH_PROTOCOL_MANIFEST_INTERNAL_H

#include "protocol/manifest/manifest.h"

#define BERTH_MANIFEST_SECTION "berth-manifest(5)"
#define BERTH_MANIFEST_VERSION 1
/* For "%.*s" in a message: as much of a text as fits into a sentence. */
#define BERTH_MANIFEST_SHORT(text) ((text).n > 48 ? 48 : (int)(text).n), (const char *)(text).p

/* A file cut at its last line. */
struct berth_manifest_parts {
	struct berth_bytes lines; /* header and units, each with its line end; never empty */
	struct berth_bytes signature_line;
};

enum berth_err berth_manifest_split(struct berth_bytes file, struct berth_manifest_parts *ret,
				    struct berth_why *why) BERTH_MUST;
/* Appends the CMS DER. */
enum berth_err berth_manifest_parse_signature(struct berth_bytes line, struct berth_buf *der,
					      struct berth_why *why) BERTH_MUST;
enum berth_err berth_manifest_parse_lines(struct berth_bytes lines, struct berth_arena *arena,
					  struct berth_manifest *ret,
					  struct berth_why *why) BERTH_MUST;
/*
 * One file of a chain: signed by the manufacturer, or, a transfer, by whom its header names as from.
 * Whether from had the units is not judged here.
 */
enum berth_err berth_manifest_open_link(struct berth_pki *pki, struct berth_bytes file,
					const struct berth_manifest_trust *trust,
					struct berth_arena *arena, struct berth_manifest *ret,
					struct berth_why *why) BERTH_MUST;

#endif
