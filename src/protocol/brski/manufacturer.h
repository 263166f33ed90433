/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a network owner says of one manufacturer: whom it trusts to have made a device, how that manufacturer writes
 * serial numbers, and where its MASA is. Read once from the configuration; anchors stay parsed.
 */
#ifndef BERTH_PROTOCOL_BRSKI_MANUFACTURER_H
#define BERTH_PROTOCOL_BRSKI_MANUFACTURER_H

#include "pki/cms.h"
#include "protocol/brski/masa_url.h"

/* Where the serial-number of RFC 8995 2.3.1 stands in this manufacturer's IDevIDs (checklist 6). */
enum berth_identity_rule {
	BERTH_IDENTITY_SERIAL_NUMBER, /* X520 serialNumber, all of it */
	BERTH_IDENTITY_SERIAL_NUMBER_SN, /* the text after "SN:" inside it ("PID:C9500-16X SN:FCW2117A56M") */
	BERTH_IDENTITY_COMMON_NAME,
	BERTH_IDENTITY_HARDWARE_SERIAL, /* hardwareModuleName's hwSerialNum */
};

/* How the idevid-issuer of a request for this manufacturer's MASA is written (checklist 25): MASAs differ. */
enum berth_issuer_form {
	BERTH_ISSUER_AKI,	   /* 8366bis: the AKI's DER SEQUENCE */
	BERTH_ISSUER_OCTET_STRING, /* the same inside its OCTET STRING */
	BERTH_ISSUER_KEY_ID,	   /* the bare key identifier */
	BERTH_ISSUER_NONE,	   /* left out, as RFC 8995's own example does */
};

/* How voucher artefacts travel to this manufacturer's MASA and devices. */
enum berth_voucher_body {
	BERTH_VOUCHER_BODY_DER,	   /* RFC 8995 6 */
	BERTH_VOUCHER_BODY_BASE64, /* as some early implementations do; who sends DER still gets DER */
};

#define BERTH_MANUFACTURERS_MAX 256 /* each costs a path attempt only when its anchor's name fits */

struct berth_manufacturer {
	const char *name;
	struct berth_cert_list anchors;	   /* any of them ends an IDevID's path */
	struct berth_buf masa_anchors_pem; /* the only anchors of a dial to its MASA */
	bool has_masa_url;
	struct berth_masa_url masa_url; /* overrides the IDevID's */
	enum berth_identity_rule identity;
	bool ignore_expiry;		     /* of IDevIDs (checklist 8) */
	bool enrols_without_voucher;	     /* EST with the IDevID alone */
	enum berth_cms_content content_type; /* of the requests we sign for its MASA */
	enum berth_issuer_form issuer_form;  /* in those requests */
	enum berth_voucher_body body;
};

/* "serial-number", "serial-number-sn", "common-name", "hardware-serial". */
enum berth_err berth_identity_rule_parse(struct berth_bytes text, enum berth_identity_rule *ret,
					 struct berth_why *why) BERTH_MUST;
/* The serial number of a device by the rule; borrows from idevid; empty where there is none. */
struct berth_bytes berth_identity_serial(enum berth_identity_rule rule,
					 const struct berth_cert *idevid);
void berth_manufacturer_free(struct berth_manufacturer *manufacturer);

#endif
