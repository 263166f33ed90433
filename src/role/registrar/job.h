/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the registrar asks its signer or a MASA for while no device waits: for an operator, or of itself. offline.h and
 * ownership.h have their own kinds of job, with one of these as first member; a list does not own its jobs.
 */
#ifndef BERTH_ROLE_REGISTRAR_JOB_H
#define BERTH_ROLE_REGISTRAR_JOB_H

#include <stddef.h>
#include <stdint.h>

struct berth_ticket;

struct berth_job {
	struct berth_job *next;
	uint64_t cookie;	     /* of what was asked last */
	struct berth_ticket *ticket; /* NULL: nobody waits, or no longer */
};

struct berth_jobs {
	struct berth_job *first;
	size_t count;
};

void berth_jobs_add(struct berth_jobs *jobs, struct berth_job *job);
void berth_jobs_remove(struct berth_jobs *jobs, const struct berth_job *job);
/* NULL: it is over. */
struct berth_job *berth_jobs_find(const struct berth_jobs *jobs, uint64_t cookie);
/* Whoever waited with this ticket has gone; the job goes on. */
void berth_jobs_gone(struct berth_jobs *jobs, const struct berth_ticket *ticket);

#endif
