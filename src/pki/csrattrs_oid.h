/* SPDX-License-Identifier: BSD-2-Clause */
/* The contents of the identifiers of CSR attributes, for their reader and their writer. */
#ifndef BERTH_PKI_CSRATTRS_OID_H
#define BERTH_PKI_CSRATTRS_OID_H

#define OID_COMMON_NAME "\x55\x04\x03"
#define OID_SERIAL_NUMBER "\x55\x04\x05"
#define OID_ORGANIZATION "\x55\x04\x0a"
#define OID_UNIT "\x55\x04\x0b"
#define OID_EC_PUBLIC_KEY "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_P256 "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_P384 "\x2b\x81\x04\x00\x22"
#define OID_P521 "\x2b\x81\x04\x00\x23"
#define OID_ECDSA_SHA256 "\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define OID_CHALLENGE_PASSWORD "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07"
#define OID_EXTENSION_REQUEST "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"
#define OID_SUBJECT_ALT_NAME "\x55\x1d\x11"
/* RFC 9908 5: 1.2.840.113549.1.9.16.2.61 and .62 */
#define OID_REQUEST_TEMPLATE "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x3d"
#define OID_EXTENSION_TEMPLATE "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x3e"

#define TAG_UTF8_STRING 0x0c
#define TAG_PRINTABLE_STRING 0x13
#define TAG_DNS_NAME 0x82
#define TAG_TEMPLATE_KEY 0xa0	     /* [0] subjectPKInfo */
#define TAG_TEMPLATE_ATTRIBUTES 0xa1 /* [1] attributes */

#endif
