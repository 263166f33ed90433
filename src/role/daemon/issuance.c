/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/issuance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/hex.h"
#include "system/files.h"

#define PATH_BYTES 4096

enum berth_err
berth_issuance_open(const char *state_directory, struct berth_issuance *ret, struct berth_why *why)
{
	char path[PATH_BYTES];
	int n = snprintf(path, sizeof(path), "%s/%s", state_directory, BERTH_ISSUANCE_LOG);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		return berth_fail(why, BERTH_E_USAGE, "issuance-log", NULL,
				  "state-directory is too long");
	}
	ret->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (ret->fd < 0) {
		return berth_fail(why, BERTH_E_IO, "issuance-log", NULL, "cannot open %.150s: %s",
				  path, strerror(errno));
	}
	return BERTH_OK;
}

void
berth_issuance_close(struct berth_issuance *issuance)
{
	berth_fd_close(&issuance->fd);
}

static enum berth_err
compose(struct berth_pki *pki, struct berth_wall now, const struct berth_issuance_line *line,
	struct berth_buf *out)
{
	uint8_t digest[BERTH_SHA256_BYTES];
	char time[BERTH_TIME_TEXT_MAX];
	char hash[2 * BERTH_SHA256_BYTES + 1];
	char subject[2 * BERTH_ISSUANCE_SUBJECT_MAX + 1];
	struct berth_bytes cut = line->subject;
	enum berth_err err = berth_sha256(pki, line->object, digest);
	if (err) {
		return err;
	}
	if (cut.n > BERTH_ISSUANCE_SUBJECT_MAX) {
		cut.n = BERTH_ISSUANCE_SUBJECT_MAX;
	}
	return berth_buf_printf(
		out, "%s %s sha256=%s subject-hex=%s%s\n", berth_wall_format(now, time), line->what,
		berth_hex_text(berth_bytes_of(digest, sizeof(digest)), hash, sizeof(hash)),
		berth_hex_text(cut, subject, sizeof(subject)), line->details);
}

static enum berth_err
fail_write(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_IO, "issuance-log", NULL,
			  "the issuance log cannot be written, so nothing is released: %s",
			  strerror(errno));
}

enum berth_err
berth_issuance_write(struct berth_issuance *issuance, struct berth_pki *pki, struct berth_wall now,
		     const struct berth_issuance_line *line, struct berth_why *why)
{
	BERTH_BUF text = {0};
	enum berth_err err = compose(pki, now, line, &text);
	if (err) {
		return berth_fail(
			why, err, "issuance-log", NULL,
			"the line for the issuance log cannot be made, so nothing is released");
	}
	issuance->has_unsynced = true;
	if (write(issuance->fd, text.p, text.n) != (ssize_t)text.n) {
		return fail_write(why);
	}
	return BERTH_OK;
}

enum berth_err
berth_issuance_sync(struct berth_issuance *issuance, struct berth_why *why)
{
	if (!issuance->has_unsynced) {
		return BERTH_OK;
	}
	if (fdatasync(issuance->fd) != 0) {
		return fail_write(why);
	}
	issuance->has_unsynced = false;
	return BERTH_OK;
}
