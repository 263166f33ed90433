/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/job.h"

void
berth_jobs_add(struct berth_jobs *jobs, struct berth_job *job)
{
	job->next = jobs->first;
	jobs->first = job;
	jobs->count++;
}

void
berth_jobs_remove(struct berth_jobs *jobs, const struct berth_job *job)
{
	struct berth_job **at = &jobs->first;
	while (*at != NULL && *at != job)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = job->next;
	jobs->count--;
}

struct berth_job *
berth_jobs_find(const struct berth_jobs *jobs, uint64_t cookie)
{
	struct berth_job *job = jobs->first;
	while (job != NULL && job->cookie != cookie)
		job = job->next;
	return job;
}

void
berth_jobs_gone(struct berth_jobs *jobs, const struct berth_ticket *ticket)
{
	for (struct berth_job *job = jobs->first; job != NULL; job = job->next)
		if (job->ticket == ticket)
			job->ticket = NULL;
}
