/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/device/wifi.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/loop.h"
#include "role/device/dpp.h"
#include "role/verb.h"
#include "system/clock.h"
#include "system/files.h"
#include "system/process.h"

#define LOOK_MS 2000 /* between two questions to wpa_supplicant */
#define STATUS_MAX 4096
#define RESTART_MS 5000 /* after wpa_supplicant ended by itself */

/* Named by what runs. */
enum doing { CONFIGURING, JOINING, RECONFIGURING, PAUSING, ENDING };

struct wifi {
	const struct berth_device_conf *conf;
	const char *path;
	struct berth_log log;
	struct berth_loop *loop;
	struct berth_timer *timer;
	enum doing doing;
	pid_t child;
	int child_fd; /* -1: none runs */
	struct berth_watch *child_watch;
	int control; /* -1: not connected */
	struct berth_watch *control_watch;
	bool is_joined;
	int64_t patience_s;
	struct berth_mono
		until; /* wpa_supplicant runs: off the network for too long then; else 0 */
	enum berth_err outcome;
	struct berth_why why;
};

static void
end(struct wifi *wifi, enum berth_err outcome, const struct berth_why *why)
{
	wifi->outcome = outcome;
	if (why != NULL)
		wifi->why = *why;
	berth_loop_stop(wifi->loop);
}

static void
disconnect(struct wifi *wifi)
{
	if (wifi->control_watch != NULL)
		berth_watch_close(wifi->control_watch);
	wifi->control_watch = NULL;
	berth_fd_close(&wifi->control);
	wifi->control = -1;
}

static void on_child(void *context);

static void
run(struct wifi *wifi, enum doing doing, char *const argv[])
{
	const char *program = doing == JOINING ? wifi->conf->wpa_supplicant : "/proc/self/exe";
	struct berth_why why = {0};

	enum berth_err err =
		berth_process_start(program, argv, &wifi->child, &wifi->child_fd, &why);
	if (!err)
		err = berth_watch_open(wifi->loop, wifi->child_fd, on_child, wifi,
				       &wifi->child_watch);
	if (err) {
		end(wifi, err, &why);
		return;
	}
	wifi->doing = doing;
}

static char *
argument(const char *text)
{
	return (char *)(uintptr_t)text; /* exec takes them so, and changes none */
}

static void
configure(struct wifi *wifi)
{
	char *const argv[] = {argument("berth-device"), argument("--config"), argument(wifi->path),
			      argument("dpp"), NULL};

	run(wifi, CONFIGURING, argv);
}

static void
reconfigure(struct wifi *wifi)
{
	char seconds[24];

	(void)snprintf(seconds, sizeof(seconds), "%d", BERTH_WIFI_RECONFIGURE_S);
	char *const argv[] = {argument("berth-device"),
			      argument("--config"),
			      argument(wifi->path),
			      argument("dpp"),
			      argument("--reconfigure"),
			      argument("--once"),
			      argument("--timeout"),
			      seconds,
			      NULL};
	run(wifi, RECONFIGURING, argv);
}

static void
be_patient(struct wifi *wifi)
{
	wifi->until = berth_mono_after_ms(berth_clock_mono(), wifi->patience_s * 1000);
}

static void
join(struct wifi *wifi)
{
	char *const argv[] = {argument("wpa_supplicant"),
			      argument("-Dnl80211"),
			      argument("-i"),
			      argument(wifi->conf->dpp_interface),
			      argument("-c"),
			      argument(wifi->conf->dpp_profile),
			      NULL};

	wifi->is_joined = false;
	be_patient(wifi);
	run(wifi, JOINING, argv);
	berth_timer_start(wifi->timer, LOOK_MS);
}

static void
on_joined(struct wifi *wifi)
{
	be_patient(wifi);
	if (wifi->is_joined)
		return;
	wifi->is_joined = true;
	wifi->patience_s = wifi->conf->join_within_s;
	berth_log(&wifi->log, BERTH_LOG_NOTICE, "wi-fi.joined", "interface",
		  wifi->conf->dpp_interface, NULL);
}

static void
on_control(void *context)
{
	struct wifi *wifi = context;
	char status[STATUS_MAX];
	const ssize_t n = recv(wifi->control, status, sizeof(status) - 1, MSG_DONTWAIT);

	if (n <= 0) {
		disconnect(wifi);
		return;
	}
	status[n] = '\0';
	if (strstr(status, "wpa_state=COMPLETED\n") != NULL)
		on_joined(wifi);
}

/* The other end appears some time after the program was started. */
static bool
connect_control(struct wifi *wifi)
{
	struct sockaddr_un own = {.sun_family = AF_UNIX};
	struct sockaddr_un other = {.sun_family = AF_UNIX};
	const int n = snprintf(other.sun_path, sizeof(other.sun_path), "%s/%s", BERTH_WIFI_CONTROL,
			       wifi->conf->dpp_interface);

	if (wifi->control >= 0)
		return true;
	if (n < 0 || (size_t)n >= sizeof(other.sun_path))
		return false;
	wifi->control = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* a name of the kernel's choice, which is no file */
	if (wifi->control < 0 ||
	    bind(wifi->control, (struct sockaddr *)&own, offsetof(struct sockaddr_un, sun_path)) !=
		    0 ||
	    connect(wifi->control, (struct sockaddr *)&other, sizeof(other)) != 0 ||
	    berth_watch_open(wifi->loop, wifi->control, on_control, wifi, &wifi->control_watch)) {
		disconnect(wifi);
		return false;
	}
	return true;
}

static void
look(struct wifi *wifi)
{
	static const char question[] = "STATUS";

	if (connect_control(wifi) &&
	    send(wifi->control, question, sizeof(question) - 1, 0) != sizeof(question) - 1)
		disconnect(wifi);
	if (berth_clock_mono().ms < wifi->until.ms) {
		berth_timer_start(wifi->timer, LOOK_MS);
		return;
	}
	berth_log(&wifi->log, BERTH_LOG_WARNING, "wi-fi.lost", "interface",
		  wifi->conf->dpp_interface, "reason",
		  wifi->is_joined ? "the network is gone" : "it could not be joined", NULL);
	wifi->doing = RECONFIGURING; /* when it has ended */
	(void)kill(wifi->child, SIGTERM);
}

static void
on_timer(void *context)
{
	struct wifi *wifi = context;

	if (wifi->doing == JOINING)
		look(wifi);
	else if (wifi->doing == PAUSING)
		join(wifi);
}

/* What a configuration that came, or did not, leads to. */
static void
after_reconfiguration(struct wifi *wifi, int status)
{
	const int64_t twice = wifi->patience_s * 2;

	if (status == BERTH_EXIT_DONE)
		wifi->patience_s = wifi->conf->join_within_s;
	else
		wifi->patience_s =
			twice > BERTH_WIFI_PATIENCE_MAX_S ? BERTH_WIFI_PATIENCE_MAX_S : twice;
	join(wifi);
}

static void
after_configuration(struct wifi *wifi, int status)
{
	struct berth_why why = {0};

	if (status == BERTH_EXIT_DONE) {
		join(wifi);
		return;
	}
	berth_why_fill(&why, BERTH_E_IO, "wi-fi-dpp", NULL, 0,
		       "The device could not be configured (exit status %d); the lines above say "
		       "why.",
		       status);
	end(wifi, BERTH_E_IO, &why);
}

static void
on_child(void *context)
{
	struct wifi *wifi = context;
	int status = 0;

	if (berth_process_reap(wifi->child, &status) == BERTH_E_PENDING)
		return;
	const bool was_joining = wifi->until.ms != 0;
	berth_watch_close(wifi->child_watch);
	wifi->child_watch = NULL;
	berth_fd_close(&wifi->child_fd);
	wifi->child_fd = -1;
	disconnect(wifi);
	wifi->until.ms = 0;
	switch (wifi->doing) {
	case CONFIGURING:
		after_configuration(wifi, status);
		return;
	case RECONFIGURING:
		if (was_joining) /* it was wpa_supplicant that ended, as told */
			reconfigure(wifi);
		else
			after_reconfiguration(wifi, status);
		return;
	case JOINING:
		berth_log(&wifi->log, BERTH_LOG_ERROR, "wi-fi.ended", "program",
			  wifi->conf->wpa_supplicant, NULL);
		wifi->doing = PAUSING;
		berth_timer_start(wifi->timer, RESTART_MS);
		return;
	case PAUSING:
		return;
	case ENDING:
		end(wifi, BERTH_E_PENDING, NULL);
		return;
	}
}

static void
on_signal(void *context)
{
	struct wifi *wifi = context;

	if (wifi->child_fd < 0) {
		end(wifi, BERTH_E_PENDING, NULL);
		return;
	}
	wifi->doing = ENDING;
	(void)kill(wifi->child, SIGTERM);
}

static void
stop(struct wifi *wifi)
{
	disconnect(wifi);
	if (wifi->child_watch != NULL)
		berth_watch_close(wifi->child_watch);
	berth_fd_close(&wifi->child_fd);
	if (wifi->timer != NULL)
		berth_timer_close(wifi->timer);
	if (wifi->loop != NULL)
		berth_loop_close(wifi->loop);
}

enum berth_err
berth_device_wifi(const struct berth_device_conf *conf, const char *path, struct berth_why *why)
{
	struct wifi wifi = {.conf = conf,
			    .path = path,
			    .log = berth_log_open("berth-device", conf->log == 1),
			    .child_fd = -1,
			    .control = -1,
			    .patience_s = conf->join_within_s,
			    .outcome = BERTH_E_PENDING};

	if (conf->dpp_interface == NULL)
		return berth_fail(why, BERTH_E_USAGE, "device-dpp", NULL,
				  "wi-fi needs an interface in section [dpp]");
	enum berth_err err = berth_loop_open(&wifi.loop, why);
	err = err ? err : berth_timer_open(wifi.loop, on_timer, &wifi, &wifi.timer);
	err = err ? err : berth_loop_on_signal(wifi.loop, SIGTERM, on_signal, &wifi);
	err = err ? err : berth_loop_on_signal(wifi.loop, SIGINT, on_signal, &wifi);
	if (!err) {
		configure(&wifi);
		if (wifi.child_fd >= 0)
			berth_loop_run(wifi.loop);
		err = wifi.outcome;
		*why = wifi.why;
	}
	stop(&wifi);
	/* made again at the next start, of what is sealed */
	berth_ignore(berth_file_remove(conf->dpp_profile, NULL), "it is in memory, as a rule");
	return err;
}
