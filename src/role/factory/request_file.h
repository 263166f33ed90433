/* SPDX-License-Identifier: BSD-2-Clause */
/* A certification request as units bring it: DER, or PEM (RFC 7468 7). */
#ifndef BERTH_ROLE_FACTORY_REQUEST_FILE_H
#define BERTH_ROLE_FACTORY_REQUEST_FILE_H

#include "base/bytes.h"

#define BERTH_REQUEST_FILE_MAX                                                                     \
	((size_t)32 << 10) /* BERTH_REQUEST_MAX_BYTES in base64, with text around */

enum berth_err berth_request_file_read(const char *path, struct berth_buf *der,
				       struct berth_why *why) BERTH_MUST;
/* The bytes of such a file. One request: text around it is ignored, a second one is not. */
enum berth_err berth_request_file_parse(struct berth_bytes file, struct berth_buf *der,
					struct berth_why *why) BERTH_MUST;

#endif
