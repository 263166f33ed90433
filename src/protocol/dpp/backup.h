/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Configurator's keys on their way to another Configurator (DPP 6.4.7, DPPEnvelopedData): the private parts of C-sign key and
 * ppKey and the templates of what is given to devices, in a CMS EnvelopedData (RFC 5652, 6) whose password the authentication
 * has left to both sides, and to nobody else:
 *
 *	EnvelopedData { 3, { [3] { pwri { 0, PBKDF2, AES-SIV, encrypted content key } } },
 *	  { DPPAsymmetricKeyPackage, AES-SIV, encrypted { OneAsymmetricKey (RFC 5958) with the attribute
 *	    DPPConfigurationParameters { ppKey, configuration template, [connector template] } } } }
 *
 * Who has these keys is the network: whoever receives them must be authenticated mutually, and meant.
 */
#ifndef BERTH_PROTOCOL_DPP_BACKUP_H
#define BERTH_PROTOCOL_DPP_BACKUP_H

#include "protocol/dpp/authentication.h"

#define BERTH_DPP_BACKUP_MAX_BYTES 8192 /* keys take 600 octets; templates the rest */
#define BERTH_DPP_TEMPLATE_MAX 2048
#define BERTH_DPP_PBKDF2_ITERATIONS 1000 /* DPP 6.4.7: the password is a key, not a word */

struct berth_dpp_backup {
	enum berth_ec_curve curve;	/* of both keys */
	struct berth_secret c_sign, pp; /* scalars */
	/* JSON, as configuration objects and Connectors' payloads are, without what is a device's */
	char configuration_template[BERTH_DPP_TEMPLATE_MAX];
	char connector_template[BERTH_DPP_TEMPLATE_MAX]; /* "": none */
};
void berth_dpp_backup_free(struct berth_dpp_backup *backup); /* wipes */

/* secrets: of the authentication with who is to have it. Appends DER. USAGE dpp-backup: keys or templates are none. */
enum berth_err berth_dpp_backup_seal(struct berth_pki *pki, const struct berth_random *random,
				     const struct berth_dpp_secrets *secrets,
				     const struct berth_dpp_backup *backup, struct berth_buf *der,
				     struct berth_why *why) BERTH_MUST;
/*
 * SYNTAX dpp-backup: not of this form; SIGNATURE dpp-backup-key: of another authentication, or altered. Both keys are there and
 * on the same curve.
 */
enum berth_err berth_dpp_backup_open(struct berth_pki *pki, const struct berth_dpp_secrets *secrets,
				     struct berth_bytes der, struct berth_dpp_backup *ret,
				     struct berth_why *why) BERTH_MUST;

/* A private key as a file of the keystore has it (PKCS #8, DER): the same two directions. The caller wipes der. */
enum berth_err berth_dpp_backup_write_key(struct berth_pki *pki, enum berth_ec_curve curve,
					  const struct berth_secret *scalar, struct berth_buf *der,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_backup_read_key(struct berth_pki *pki, struct berth_bytes der,
					 enum berth_ec_curve *ret_curve,
					 struct berth_secret *ret_scalar,
					 struct berth_why *why) BERTH_MUST;

#endif
