/* SPDX-License-Identifier: BSD-2-Clause */
/* Serial numbers of units: what a certificate can say, and a folder name that no serial can abuse. */
#ifndef BERTH_ROLE_FACTORY_SERIAL_H
#define BERTH_ROLE_FACTORY_SERIAL_H

#include "base/bytes.h"

#define BERTH_UNIT_SERIAL_MAX 64 /* ub-serial-number, RFC 5280 appendix A.1 */
#define BERTH_UNIT_FOLDER_MAX (3 * BERTH_UNIT_SERIAL_MAX + 1)

/* How the subject's serialNumber names a unit. */
enum berth_subject_form {
	BERTH_SUBJECT_SERIAL,	      /* the serial number alone */
	BERTH_SUBJECT_PRODUCT_SERIAL, /* "PID:<model> SN:<serial>", as some vendors of switches do */
};

/* 1 to 64 characters of a PrintableString (RFC 5280 4.1.2.4), no blank at either end. */
enum berth_err berth_unit_serial_check(struct berth_bytes serial, struct berth_why *why) BERTH_MUST;
/* The subject's serialNumber, checked as above; appended to out. */
enum berth_err berth_unit_subject_serial(enum berth_subject_form form, struct berth_bytes model,
					 struct berth_bytes serial, struct berth_buf *out,
					 struct berth_why *why) BERTH_MUST;
/*
 * Letters, digits, '_', and '-' and '.' after the first character stay; all else becomes %XX. So different
 * serials have different folders, none is hidden, none leaves its parent. Returns folder.
 */
const char *berth_unit_folder(struct berth_bytes serial, char folder[BERTH_UNIT_FOLDER_MAX]);

#endif
