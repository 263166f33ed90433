/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/serial.h"

#include <assert.h>

#define SECTION "RFC 5280 A.1"

static bool
is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_printable_string(struct berth_bytes text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (!is_alphanumeric(text.p[i]) &&
		    (text.p[i] == '\0' || !strchr(" '()+,-./:=?", text.p[i])))
			return false;
	}
	return true;
}

static enum berth_err
check(struct berth_bytes text, const char *what, struct berth_why *why)
{
	if (text.n == 0)
		return berth_fail(why, BERTH_E_SYNTAX, "unit-serial-empty", SECTION, "%s is empty",
				  what);
	if (text.n > BERTH_UNIT_SERIAL_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "unit-serial-length", SECTION,
				  "%s has %zu characters, a certificate holds at most %d", what,
				  text.n, BERTH_UNIT_SERIAL_MAX);
	if (!is_printable_string(text))
		return berth_fail(why, BERTH_E_SYNTAX, "unit-serial-characters", SECTION,
				  "%s may hold letters, digits, space and '()+,-./:=? only", what);
	if (text.p[0] == ' ' || text.p[text.n - 1] == ' ')
		return berth_fail(why, BERTH_E_SYNTAX, "unit-serial-characters", SECTION,
				  "%s begins or ends with a blank", what);
	return BERTH_OK;
}

enum berth_err
berth_unit_serial_check(struct berth_bytes serial, struct berth_why *why)
{
	return check(serial, "the serial number", why);
}

enum berth_err
berth_unit_subject_serial(enum berth_subject_form form, struct berth_bytes model,
			  struct berth_bytes serial, struct berth_buf *out, struct berth_why *why)
{
	enum berth_err err = berth_unit_serial_check(serial, why);
	if (err)
		return err;
	if (form == BERTH_SUBJECT_SERIAL) {
		err = berth_buf_append_bytes(out, serial);
		return err ? berth_fail(why, err, "unit-memory", NULL, "out of memory") : BERTH_OK;
	}
	if (model.n == 0)
		return berth_fail(why, BERTH_E_SYNTAX, "unit-model-empty", NULL,
				  "the subject form product-serial needs a model");
	size_t at = out->n;
	err = berth_buf_printf(out, "PID:%.*s SN:%.*s", (int)model.n, (const char *)model.p,
			       (int)serial.n, (const char *)serial.p);
	if (err)
		return berth_fail(why, err, "unit-memory", NULL, "out of memory");
	return check(berth_bytes_of(out->p + at, out->n - at), "PID:model SN:serial", why);
}

const char *
berth_unit_folder(struct berth_bytes serial, char folder[BERTH_UNIT_FOLDER_MAX])
{
	static const char digits[] = "0123456789ABCDEF";
	assert(serial.n <= BERTH_UNIT_SERIAL_MAX);
	size_t at = 0;
	for (size_t i = 0; i < serial.n; i++) {
		uint8_t c = serial.p[i];
		if (is_alphanumeric(c) || c == '_' || (i > 0 && (c == '-' || c == '.'))) {
			folder[at++] = (char)c;
			continue;
		}
		folder[at++] = '%';
		folder[at++] = digits[c >> 4];
		folder[at++] = digits[c & 15];
	}
	folder[at] = '\0';
	return folder;
}
