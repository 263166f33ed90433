/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "berth playbook": runs the scenarios of NIST SP 1800-36 on this machine, with the real programs, in network
 * namespaces of their own, and prints the table of 32 capabilities for both builds. The scenarios are the
 * scripts S0.sh, S1.sh ... of one folder; the evidence in them comes from observers that are not the
 * program under test.
 */
#ifndef BERTH_ROLE_PLAYBOOK_H
#define BERTH_ROLE_PLAYBOOK_H

#include "role/verb.h"

/* "berth playbook". Exit 0: every built row is shown; 1: a built row failed. */
extern const struct berth_verb berth_playbook_verbs[];

#endif
