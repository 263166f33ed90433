/* SPDX-License-Identifier: BSD-2-Clause */
/* The playbook's results for people, programs and browsers. */
#ifndef BERTH_ROLE_PLAYBOOK_REPORT_H
#define BERTH_ROLE_PLAYBOOK_REPORT_H

#include "role/playbook/result.h"

/* A line per capability and what each built row rests on. */
enum berth_err berth_playbook_report_text(const struct berth_playbook_results *results,
					  struct berth_buf *out) BERTH_MUST;
/* {"rows":[{"id":"S1.C3","build":"B","status":"shown","evidence":[...],"refusal":[...]}]} */
enum berth_err berth_playbook_report_json(const struct berth_playbook_results *results,
					  struct berth_buf *out) BERTH_MUST;
/* One self-contained page. */
enum berth_err berth_playbook_report_html(const struct berth_playbook_results *results,
					  struct berth_buf *out) BERTH_MUST;

#endif
