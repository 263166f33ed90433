/* SPDX-License-Identifier: BSD-2-Clause */
/* What the lines (manifest.c) and their signature (signature.c) share. */
#ifndef BERTH_PROTOCOL_MANIFEST_INTERNAL_H
#define BERTH_PROTOCOL_MANIFEST_INTERNAL_H

#include "protocol/manifest/manifest.h"

#define BERTH_MANIFEST_SECTION "berth-manifest(5)"
#define BERTH_MANIFEST_VERSION 1

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

#endif
