/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/custody/custody.h"

#include "protocol/manifest/manifest.h"
#include "system/files.h"

enum berth_err
berth_custody_certificates(struct berth_pki *pki, const char *path, struct berth_cert_list *ret,
			   struct berth_why *why)
{
	BERTH_BUF pem = {0};
	enum berth_err err = berth_file_read(path, BERTH_CUSTODY_CERTIFICATES_MAX, &pem, why);
	return err ? err : berth_cert_list_parse(pki, berth_buf_view(&pem), ret, why);
}

enum berth_err
berth_custody_files(const char *const *paths, size_t n, struct berth_buf *ret,
		    struct berth_why *why)
{
	for (size_t i = 0; i < n; i++) {
		BERTH_BUF file = {.limit = BERTH_MANIFEST_MAX_BYTES + 1};
		enum berth_err err =
			berth_file_read(paths[i], BERTH_MANIFEST_MAX_BYTES, &file, why);
		if (err)
			return err;
		if (berth_buf_append_bytes(ret, berth_buf_view(&file)))
			return berth_fail(why, BERTH_E_LIMIT, "manifest-size", "berth-manifest(5)",
					  "the manifests together have more than %zu bytes",
					  BERTH_MANIFEST_MAX_BYTES);
	}
	return BERTH_OK;
}
