/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/manufacturer.h"

static const char *const rule_names[] = {
	[BERTH_IDENTITY_SERIAL_NUMBER] = "serial-number",
	[BERTH_IDENTITY_SERIAL_NUMBER_SN] = "serial-number-sn",
	[BERTH_IDENTITY_COMMON_NAME] = "common-name",
	[BERTH_IDENTITY_HARDWARE_SERIAL] = "hardware-serial",
};

enum berth_err
berth_identity_rule_parse(struct berth_bytes text, enum berth_identity_rule *ret,
			  struct berth_why *why)
{
	for (size_t i = 0; i < sizeof(rule_names) / sizeof(rule_names[0]); i++) {
		if (!berth_bytes_equal_text(text, rule_names[i]))
			continue;
		*ret = (enum berth_identity_rule)i;
		return BERTH_OK;
	}
	return berth_fail(
		why, BERTH_E_USAGE, "conf-identity", NULL,
		"identity must be serial-number, serial-number-sn, common-name or hardware-serial");
}

/* The word after "SN:"; ends at a space or at the end. */
static struct berth_bytes
after_sn(struct berth_bytes text)
{
	for (size_t i = 0; i + 3 <= text.n; i++) {
		if (memcmp(text.p + i, "SN:", 3) != 0 || (i > 0 && text.p[i - 1] != ' '))
			continue;
		size_t end = i + 3;
		while (end < text.n && text.p[end] != ' ')
			end++;
		return berth_bytes_of(text.p + i + 3, end - i - 3);
	}
	return BERTH_BYTES_NONE;
}

/* req: rfc8995-2.3.1-serial-number */
struct berth_bytes
berth_identity_serial(enum berth_identity_rule rule, const struct berth_cert *idevid)
{
	struct berth_bytes serial = BERTH_BYTES_NONE;
	switch (rule) {
	case BERTH_IDENTITY_SERIAL_NUMBER:
		serial = berth_cert_subject_serial_number(idevid);
		break;
	case BERTH_IDENTITY_SERIAL_NUMBER_SN:
		serial = after_sn(berth_cert_subject_serial_number(idevid));
		break;
	case BERTH_IDENTITY_COMMON_NAME:
		serial = berth_cert_subject_common_name(idevid);
		break;
	case BERTH_IDENTITY_HARDWARE_SERIAL:
		serial = berth_cert_hw_serial(idevid);
		break;
	}
	return berth_bytes_is_printable(serial) ? serial : BERTH_BYTES_NONE;
}

void
berth_manufacturer_free(struct berth_manufacturer *manufacturer)
{
	if (manufacturer == NULL)
		return;
	berth_cert_list_free(&manufacturer->anchors);
	berth_buf_free(&manufacturer->masa_anchors_pem);
	*manufacturer = (struct berth_manufacturer){0};
}
