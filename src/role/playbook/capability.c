/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/playbook/capability.h"

#include <string.h>

static const char needs_8021x[] = "needs 802.1X admission";
static const char needs_attestation[] = "needs attestation";
static const char needs_application[] = "needs application onboarding";

const struct berth_capability berth_capabilities[BERTH_CAPABILITY_COUNT] = {
	{"S0.C1", "birth credential generated and stored", true, false, NULL},
	{"S0.C2", "birth credential signed", true, false, NULL},
	{"S0.C3", "bootstrapping information available", true, false, NULL},
	{"S1.C1", "device authentication", true, false, NULL},
	{"S1.C2", "device authorization", true, false, NULL},
	{"S1.C3", "network authentication", true, false, NULL},
	{"S1.C4", "network authorization", true, false, NULL},
	{"S1.C5", "secure local credentialing", true, false, NULL},
	{"S1.C6", "secure storage", false, false, "credentials are not sealed yet"},
	{"S1.C7", "network selection", true, false, NULL},
	{"S1.C8", "interoperability", true, false, NULL},
	{"S2.C1", "streamlined application onboarding", false, false, needs_application},
	{"S2.C2", "independent application onboarding", false, false, needs_application},
	{"S2.C3", "trusted application onboarding", false, false, needs_application},
	{"S3.C1", "credential deletion", true, false, "sessions end with 802.1X admission"},
	{"S3.C2", "de-credentialed device cannot connect", false, false, needs_8021x},
	{"S3.C3", "re-onboarding, network layer", true, false, NULL},
	{"S3.C4", "re-onboarding, application layer", false, false, needs_application},
	{"S4.C1", "attestation before onboarding", false, false, needs_attestation},
	{"S4.C2", "attestation before application onboarding", false, false, needs_attestation},
	{"S4.C3", "attestation for an operation", false, false, needs_attestation},
	{"S4.C4", "segmentation at connection", false, false, needs_8021x},
	{"S4.C5", "behavioural analysis", false, false, "needs the gateway's observation"},
	{"S4.C6", "segmentation, ongoing", false, false, needs_8021x},
	{"S4.C7", "periodic reauthentication", false, false, needs_8021x},
	{"S4.C8", "periodic reauthorization", false, false, needs_8021x},
	{"S5.C1", "trusted firmware updates", false, false, "needs the firmware service"},
	{"S5.C2", "certificate provisioning", true, false, NULL},
	{"S5.C3", "credential update", true, false, NULL},
	{"S5.C4", "server attestation", false, false, needs_attestation},
	{"S5.C5", "MUD integration", false, false, "needs the MUD enforcer"},
	{"S5.C6", "lifecycle management", false, false, "needs the lifecycle service"},
};

const struct berth_capability *
berth_capability_find(const char *id)
{
	for (size_t i = 0; i < BERTH_CAPABILITY_COUNT; i++) {
		if (strcmp(berth_capabilities[i].id, id) == 0) {
			return &berth_capabilities[i];
		}
	}
	return NULL;
}
