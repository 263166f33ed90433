/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/nl80211_inside.h"

#include <errno.h>

struct answer {
	int (*take)(struct nl_msg *message, void *context);
	void *context;
	int error;
	bool is_over;
};

static int
on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *context)
{
	struct answer *answer = context;

	(void)from;
	answer->error = error->error;
	answer->is_over = true;
	return NL_STOP;
}

static int
on_end(struct nl_msg *message, void *context)
{
	struct answer *answer = context;

	(void)message;
	answer->is_over = true;
	return NL_STOP;
}

static int
on_valid(struct nl_msg *message, void *context)
{
	struct answer *answer = context;

	return answer->take != NULL ? answer->take(message, answer->context) : NL_SKIP;
}

struct nl_msg *
berth_radio_message(const struct berth_radio *radio, uint8_t command, int flags)
{
	struct nl_msg *message = nlmsg_alloc();

	if (message == NULL)
		return NULL;
	if (genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, radio->family, 0, flags, command, 0) ==
		    NULL ||
	    nla_put_u32(message, NL80211_ATTR_IFINDEX, (uint32_t)radio->index) < 0) {
		nlmsg_free(message);
		return NULL;
	}
	return message;
}

int
berth_radio_request(struct berth_radio *radio, struct nl_sock *socket, struct nl_msg *message,
		    int (*take)(struct nl_msg *message, void *context), void *context)
{
	struct answer answer = {.take = take, .context = context};
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	(void)radio;
	if (cb == NULL || message == NULL) {
		nl_cb_put(cb);
		nlmsg_free(message);
		return -ENOMEM;
	}
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &answer);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_end, &answer);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_end, &answer);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, &answer);
	int err = nl_send_auto(socket, message);
	nlmsg_free(message);
	while (err >= 0 && !answer.is_over)
		err = nl_recvmsgs(socket, cb);
	nl_cb_put(cb);
	if (!answer.is_over)
		return -EIO; /* the socket itself: out of memory, or no answer */
	return answer.error;
}

bool
berth_radio_attributes(struct nl_msg *message, struct nlattr *attributes[NL80211_ATTR_MAX + 1],
		       uint8_t *command)
{
	struct genlmsghdr *header = genlmsg_hdr(nlmsg_hdr(message));

	*command = header->cmd;
	return nla_parse(attributes, NL80211_ATTR_MAX, genlmsg_attrdata(header, 0),
			 genlmsg_attrlen(header, 0), NULL) >= 0;
}

enum berth_err
berth_radio_refused(const struct berth_radio *radio, int error, const char *what,
		    struct berth_why *why)
{
	const char *name = radio->conf.interface;

	switch (-error) {
	case EPERM:
	case EACCES:
		return berth_fail(why, BERTH_E_DENIED, "nl80211-permission", NULL,
				  "%s: the kernel does not let us %s: this needs the capability "
				  "CAP_NET_ADMIN.",
				  name, what);
	case EALREADY:
		return berth_fail(why, BERTH_E_STATE, "nl80211-in-use", NULL,
				  "%s: another program already takes DPP's frames there, as a rule "
				  "wpa_supplicant: stop it, or take the interface from it.",
				  name);
	case ENODEV:
		return berth_fail(
			why, BERTH_E_NOT_FOUND, "nl80211-interface", NULL,
			"%s: cannot %s: there is no such Wi-Fi interface (\"iw dev\" lists "
			"those there are).",
			name, what);
	case ENETDOWN:
		return berth_fail(why, BERTH_E_STATE, "nl80211-down", NULL,
				  "%s: cannot %s: the interface was taken down.", name, what);
	case ERFKILL:
		return berth_fail(why, BERTH_E_STATE, "nl80211-rfkill", NULL,
				  "%s: cannot %s: the radio is switched off (\"rfkill list\" says "
				  "by what).",
				  name, what);
	case EBUSY:
		return berth_fail(why, BERTH_E_STATE, "nl80211-busy", NULL,
				  "%s: cannot %s now: the radio is busy for another program.", name,
				  what);
	default: /* a number of the kernel's */
		return berth_fail(why, BERTH_E_IO, "nl80211", NULL, "%s: cannot %s: %s.", name,
				  what, strerror(-error));
	}
}
