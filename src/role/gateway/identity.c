/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/gateway/identity.h"

#include "protocol/brski/peer.h"
#include "role/device/state.h"

static enum berth_err
check(const struct berth_device_state *state, struct berth_why *why)
{
	if (!state->is_enrolled)
		return berth_fail(why, BERTH_E_PENDING, "gateway-not-onboarded", NULL,
				  "berth-device has not onboarded this host yet");
	if (!berth_bytes_equal_text(berth_cert_subject_unit(state->chain.at[0]),
				    BERTH_PEER_GATEWAY_UNIT))
		return berth_fail(
			why, BERTH_E_DENIED, "gateway-role", NULL,
			"the certificate %.80s is not a gateway's: the registrar's policy "
			"gives it no role = gateway",
			berth_cert_subject_text(state->chain.at[0]));
	return BERTH_OK;
}

/* req: gateway-own-identity */
enum berth_err
berth_gateway_identity_load(struct berth_pki *pki, const char *directory,
			    struct berth_gateway_identity *ret, struct berth_why *why)
{
	BERTH_DEVICE_STATE state = {0};
	struct berth_key *key = NULL;
	enum berth_err err = berth_device_state_load(pki, directory, &state, why);

	err = err ? err : check(&state, why);
	err = err ? err : berth_keystore_load(pki, state.key, &key, why);
	if (err)
		return err;
	berth_gateway_identity_free(ret);
	*ret = (struct berth_gateway_identity){.chain = state.chain,
					       .ca_set = state.ca_set,
					       .key = key,
					       .registrar = state.candidate};
	state.chain = (struct berth_cert_list){0};
	state.ca_set = (struct berth_cert_list){0};
	return BERTH_OK;
}

void
berth_gateway_identity_free(struct berth_gateway_identity *identity)
{
	berth_cert_list_free(&identity->chain);
	berth_cert_list_free(&identity->ca_set);
	berth_key_free(identity->key);
	*identity = (struct berth_gateway_identity){0};
}

bool
berth_gateway_identity_equal(const struct berth_gateway_identity *a,
			     const struct berth_gateway_identity *b)
{
	if (!a->chain.n || !b->chain.n)
		return a->chain.n == b->chain.n;
	return berth_bytes_equal(berth_cert_der(a->chain.at[0]), berth_cert_der(b->chain.at[0]));
}
