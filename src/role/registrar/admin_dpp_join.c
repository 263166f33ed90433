/* SPDX-License-Identifier: BSD-2-Clause */
/* When devices may join without a word for each, and which are to be configured again. */
#include "role/registrar/admin.h"
#include "role/registrar/dpp.h"
#include "store/registrar_dpp.h"

#include <stdio.h>

#define WINDOW_MAX_S 3600 /* a window that somebody forgot is no policy */
#define NETWORK "network" /* what the audit log says it was about */

static struct berth_wall
now(const struct berth_admin_call *call)
{
	return berth_judge_now(call->role->judge).wall;
}

static enum berth_err
need_dpp(struct berth_admin_call *call)
{
	return call->role->dpp != NULL
		       ? BERTH_OK
		       : berth_fail(&call->why, BERTH_E_UNSUPPORTED, "dpp-off", NULL,
				    "this registrar has no [dpp] section: berth dpp init");
}

static enum berth_err
show(struct berth_admin_call *call)
{
	struct berth_registrar_window window = {0};
	char text[BERTH_TIME_TEXT_MAX];

	enum berth_err err = berth_registrar_window_now(call->role->store, now(call), call->arena,
							&window, &call->why);
	if (err && err != BERTH_E_NOT_FOUND)
		return err;
	bool is_open = err == BERTH_OK;
	err = berth_json_set_bool(call->reply, "open", is_open);
	if (!err && is_open) {
		err = berth_json_set_text(call->reply, "until",
					  berth_text(berth_wall_format(window.until, text)));
		err = err ? err
			  : berth_json_set_i64(call->reply, "seconds-left",
					       window.until.s - now(call).s);
		err = err ? err : berth_json_set_text(call->reply, "by", window.opened_by);
		err = err ? err : berth_json_set_i64(call->reply, "admitted", window.admitted);
	}
	return berth_admin_built(call, err);
}

enum berth_err
berth_admin_dpp_window(struct berth_admin_call *call)
{
	enum berth_err err = need_dpp(call);

	return err ? err : show(call);
}

static enum berth_err
read_seconds(struct berth_admin_call *call, int64_t *ret)
{
	static const char *const keys[] = {"seconds"};
	BERTH_JSON json_t *root = NULL;

	enum berth_err err = berth_json_parse(call->http->body, NULL, &root, &call->why);
	err = err ? err : berth_json_only_keys(root, keys, 1, &call->why);
	return err ? err
		   : berth_json_get_i64(root, "seconds", BERTH_JSON_REQUIRED, 1, WINDOW_MAX_S, ret,
					&call->why);
}

enum berth_err
berth_admin_dpp_window_open(struct berth_admin_call *call)
{
	char reason[64];
	int64_t seconds = 0;

	enum berth_err err = need_dpp(call);
	err = err ? err : read_seconds(call, &seconds);
	(void)snprintf(reason, sizeof(reason), "for %lld s", (long long)seconds);
	err = err ? err : berth_admin_note(call, BERTH_EVENT_PERMIT_JOIN, NETWORK, reason);
	err = err ? err
		  : berth_registrar_window_open(call->role->store, call->user, now(call),
						(struct berth_wall){now(call).s + seconds},
						&call->why);
	return err ? err : show(call);
}

enum berth_err
berth_admin_dpp_window_close(struct berth_admin_call *call)
{
	enum berth_err err = need_dpp(call);

	err = err ? err : berth_admin_note(call, BERTH_EVENT_PERMIT_JOIN, NETWORK, "closed");
	err = err ? err : berth_registrar_window_close(call->role->store, now(call), &call->why);
	return err ? err : show(call);
}

enum berth_err
berth_admin_device_renew(struct berth_admin_call *call, const char *name)
{
	struct berth_registrar_device device;
	const char *reason = "";

	enum berth_err err = need_dpp(call);
	err = err ? err
		  : berth_registrar_device_find_by_name(call->role->store, name, call->arena,
							&device, &call->why);
	err = err ? err : berth_admin_read_reason(call, &reason);
	err = err ? err : berth_device_check_welcome(&device, &call->why);
	err = err ? err : berth_admin_note(call, BERTH_EVENT_RENEWAL_WANTED, device.id, reason);
	err = err ? err
		  : berth_registrar_dpp_renew_set(call->role->store, device.row, call->user,
						  now(call), &call->why);
	return err ? err : berth_admin_device_show(call, device.id);
}
