/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/backup/passphrase.h"

#include <unistd.h>

#include "pki/seal.h"
#include "system/files.h"

#define BYTES_MAX (BERTH_SEAL_PASSPHRASE_MAX + 2) /* and a line end */

static enum berth_err
read_input(struct berth_buf *text, struct berth_why *why)
{
	uint8_t bytes[BYTES_MAX];
	enum berth_err err = BERTH_OK;
	ssize_t n = 1;

	while (!err && n > 0 && text->n < sizeof(bytes)) {
		n = read(STDIN_FILENO, bytes, sizeof(bytes) - text->n);
		if (n < 0)
			err = berth_fail(why, BERTH_E_IO, "backup-passphrase", NULL,
					 "standard input cannot be read");
		if (n > 0)
			err = berth_buf_append(text, bytes, (size_t)n);
	}
	berth_wipe(bytes, sizeof(bytes));
	return err;
}

enum berth_err
berth_passphrase_read(const char *from, struct berth_secret *ret, struct berth_why *why)
{
	BERTH_BUF text = {.limit = BYTES_MAX};

	enum berth_err err = strcmp(from, "-") == 0
				     ? read_input(&text, why)
				     : berth_file_read_private(from, BYTES_MAX, &text, why);
	struct berth_bytes line = berth_buf_view(&text);
	while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	if (!err && line.n < BERTH_SEAL_PASSPHRASE_MIN)
		err = berth_fail(why, BERTH_E_USAGE, "seal-passphrase", NULL,
				 "the passphrase has fewer than %d characters",
				 BERTH_SEAL_PASSPHRASE_MIN);
	if (!err)
		err = berth_secret_copy(ret, line);
	if (text.p)
		berth_wipe(text.p, text.n);
	return err;
}
