/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No planted secret appears in anything that leaves a process or lies in a store: each private key made in this world,
 * as bytes, as hex and as base64, is looked for in all messages, all stores and the log. One pass for all of them.
 */
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/hex.h"
#include "system/files.h"

#define BUCKETS 8192
#define START 8 /* bytes that find the bucket; no secret is shorter */
#define KEY_FILE_MAX 4096
#define SCALAR 32

struct secret {
	struct secret *next;
	char what[96];
	struct berth_buf bytes;
};

struct sim_secrets {
	struct secret *buckets[BUCKETS];
	size_t count;
};

static size_t
bucket(const uint8_t *p)
{
	uint64_t start;
	memcpy(&start, p, START);
	return (size_t)((start * 0x9e3779b97f4a7c15ULL) >> 51);
}

void
sim_secret_add(struct sim *sim, const char *what, struct berth_bytes bytes)
{
	if (sim->secrets == NULL)
		sim->secrets = calloc(1, sizeof(*sim->secrets));
	struct secret *secret = calloc(1, sizeof(*secret));
	sim_must(sim->secrets == NULL || secret == NULL ? BERTH_E_MEMORY : BERTH_OK, NULL, what);
	sim_must(bytes.n < START ? BERTH_E_LIMIT : BERTH_OK, NULL,
		 "a secret too short to look for");
	(void)snprintf(secret->what, sizeof(secret->what), "%s", what);
	sim_must(berth_buf_append_bytes(&secret->bytes, bytes), NULL, what);
	size_t at = bucket(bytes.p);
	secret->next = sim->secrets->buckets[at];
	sim->secrets->buckets[at] = secret;
	sim->secrets->count++;
}

static void
base64_body(struct berth_bytes pem, struct berth_buf *out)
{
	const uint8_t *at = memchr(pem.p, '\n', pem.n);
	for (const uint8_t *end = pem.p + pem.n; at != NULL && at < end && *at != '-'; at++)
		if (*at != '\n')
			sim_must(berth_buf_append_u8(out, *at), NULL, "pem");
}

void
sim_secret_add_key_file(struct sim *sim, const char *path)
{
	static const uint8_t before[] = {0x02, 0x01, 0x01, 0x04, SCALAR};
	struct berth_why why = {0};
	BERTH_BUF pem = {0};
	BERTH_BUF text = {0};
	BERTH_BUF der = {0};
	BERTH_BUF hex = {0};
	sim_must(berth_file_read(path, KEY_FILE_MAX, &pem, &why), &why, path);
	base64_body(berth_buf_view(&pem), &text);
	sim_must(berth_base64_decode(berth_buf_view(&text), true, &der, &why), &why, path);
	const uint8_t *at = memmem(der.p, der.n, before, sizeof(before));
	sim_must(at == NULL ? BERTH_E_SYNTAX : BERTH_OK, NULL, "a key without a scalar");
	size_t offset = (size_t)(at - der.p) + sizeof(before);
	struct berth_bytes scalar = berth_bytes_of(der.p + offset, SCALAR);
	sim_must(berth_hex_encode(scalar, &hex), NULL, "hex");
	sim_secret_add(sim, path, scalar);
	sim_secret_add(sim, path, berth_buf_view(&hex));
	/* As the file writes it: whole groups of the scalar alone, up to the end of the line. */
	size_t first = (offset + 2) / 3 * 4;
	sim_secret_add(sim, path, berth_bytes_of(text.p + first, 64 - first));
}

static void
look(struct sim *sim, const char *where, struct berth_bytes in)
{
	for (size_t i = 0; in.n >= START && i <= in.n - START; i++)
		for (const struct secret *s = sim->secrets->buckets[bucket(in.p + i)]; s != NULL;
		     s = s->next)
			if (s->bytes.n <= in.n - i && memcmp(in.p + i, s->bytes.p, s->bytes.n) == 0)
				sim_break(sim, "secrets", "%s is in %s", s->what, where);
}

static void
look_in_file(void *context, const char *path, struct berth_bytes content)
{
	look(context, path, content);
}

static void
look_in_log(struct sim *sim)
{
	BERTH_BUF text = {.limit = (size_t)1 << 30};
	uint8_t chunk[65536];
	off_t at = 0;
	for (ssize_t n; (n = pread(sim->log, chunk, sizeof(chunk), at)) > 0; at += n)
		sim_must(berth_buf_append(&text, chunk, (size_t)n), NULL, "log");
	look(sim, "the log", berth_buf_view(&text));
}

void
sim_secrets_search(struct sim *sim)
{
	for (const struct sim_call *call = sim->calls; call != NULL; call = call->next) {
		look(sim, call->path, berth_buf_view(&call->body));
		look(sim, call->path, berth_buf_view(&call->answer));
	}
	for (size_t i = 0; i < sim->node_count; i++)
		disk_each(sim->nodes[i]->disk, look_in_file, sim);
	look_in_log(sim);
	sim->checks += sim->secrets->count;
}

void
sim_secrets_free(struct sim *sim)
{
	for (size_t i = 0; sim->secrets != NULL && i < BUCKETS; i++) {
		while (sim->secrets->buckets[i] != NULL) {
			struct secret *secret = sim->secrets->buckets[i];
			sim->secrets->buckets[i] = secret->next;
			berth_buf_free(&secret->bytes);
			free(secret);
		}
	}
	free(sim->secrets);
}
