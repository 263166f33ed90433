/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * To which domain a registrar belongs. A domain CA is usually unknown to a manufacturer; then the farthest certificate
 * of those that the registrar sent is the temporary anchor, and the path to it says no more than "all of this is one
 * domain" (RFC 8995 5.5.3).
 */
#ifndef BERTH_PROTOCOL_BRSKI_DOMAIN_PATH_H
#define BERTH_PROTOCOL_BRSKI_DOMAIN_PATH_H

#include "pki/certificate.h"

struct berth_masa_unit_query;

/* ret: registrar first, the domain's farthest certificate last. The registrar must name id-kp-cmcRA. */
enum berth_err berth_domain_path_find(struct berth_pki *pki, struct berth_cert *registrar,
				      const struct berth_cert_list *sent, struct berth_wall at,
				      struct berth_cert_list *ret,
				      struct berth_why *why) BERTH_MUST;
/* The names of a path's certificates, as the store knows owners: path_digest, path_domain_id, path_count. */
enum berth_err berth_domain_path_names(struct berth_pki *pki, const struct berth_cert_list *path,
				       struct berth_masa_unit_query *ret,
				       struct berth_why *why) BERTH_MUST;

#endif
