/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys whose private part is in another process, reached by a berth_signer_link. */
#include <stdlib.h>

#include "pki/keystore/private.h"

struct remote {
	struct berth_signer_link link;
	char name[];
};

static enum berth_err
remote_sign(struct berth_private *private, const char *digest, struct berth_bytes message,
	    struct berth_buf *signature, struct berth_why *why)
{
	const struct remote *remote = private->state;

	/* The link carries a message and no digest: the signer hashes as the key's strength asks. */
	if (strcmp(digest, private->kind->digest) != 0)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "keystore-remote-digest", NULL,
				  "The signer hashes with %s for a %s key, not with %s.",
				  private->kind->digest, private->kind->name, digest);
	return remote->link.exchange(remote->link.context, remote->name, message, signature, why);
}

static void
remote_end(struct berth_private *private)
{
	free(private->state);
}

static const struct berth_private_ops remote_ops = {remote_sign, NULL, remote_end, NULL};

enum berth_err
berth_keystore_remote(struct berth_pki *pki, const struct berth_signer_link *link, const char *name,
		      struct berth_bytes spki, struct berth_key **ret, struct berth_why *why)
{
	size_t n = strnlen(name, BERTH_KEY_URI_MAX);
	if (n == BERTH_KEY_URI_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "keystore-uri", NULL,
				  "The key's name is longer than %d characters.",
				  BERTH_KEY_URI_MAX - 1);
	struct remote *remote = calloc(1, sizeof(*remote) + n + 1);
	if (remote == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "keystore", NULL, "No memory.");
	remote->link = *link;
	memcpy(remote->name, name, n);
	struct berth_private *private = NULL;
	enum berth_err err = berth_private_make(pki, &remote_ops, spki, remote, &private, why);
	if (err) {
		free(remote);
		return err;
	}
	return berth_private_key(private, ret, why);
}
