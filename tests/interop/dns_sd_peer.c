/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a registrar or a device does with DNS-SD, for gateway.sh:
 *	dns-sd-peer announce proxy|registrar INTERFACE PORT [TEXT...]
 *	dns-sd-peer browse proxy|registrar INTERFACE
 * browse prints "appeared NAME ADDRESS PORT TEXT..." and "vanished NAME ADDRESS" as it happens. Until SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns_sd.h"

static void
print(const char *what, const struct berth_service *service)
{
	printf("%s %s %s %u", what, service->name, service->address, service->port);
	for (size_t i = 0; i < service->text_count; i++)
		printf(" %s", service->text[i]);
	printf("\n");
	fflush(stdout);
}

static void
appeared(void *context, const struct berth_service *service)
{
	(void)context;
	print("appeared", service);
}

static void
vanished(void *context, const struct berth_service *service)
{
	(void)context;
	print("vanished", service);
}

static void
failed(void *context, const struct berth_why *why)
{
	(void)context;
	fprintf(stderr, "%s\n", why->sentence);
	exit(1);
}

static void
stop(void *context)
{
	berth_loop_stop(context);
}

static enum berth_err
start(struct berth_dns_sd *sd, int argc, char **argv, struct berth_why *why)
{
	enum berth_service_kind kind =
		strcmp(argv[2], "proxy") == 0 ? BERTH_SERVICE_PROXY : BERTH_SERVICE_REGISTRAR;
	struct berth_announcement *announcement = NULL;

	if (strcmp(argv[1], "browse") == 0)
		return berth_dns_sd_browse(sd, kind, why);
	const struct berth_announce what = {
		.kind = kind,
		.name = "peer",
		.interface = argv[3],
		.port = (uint16_t)atoi(argv[4]),
		.text = (const char *const *)&argv[5],
		.text_count = (size_t)(argc - 5),
	};
	return berth_dns_sd_announce(sd, &what, &announcement, why);
}

int
main(int argc, char **argv)
{
	struct berth_loop *loop = NULL;
	struct berth_dns_sd *sd = NULL;
	struct berth_why why = {0};

	if (argc < 4 || (strcmp(argv[1], "announce") == 0 && argc < 5))
		return 2;
	const char *const interfaces[] = {argv[3]};
	const struct berth_dns_sd_conf conf = {
		.interfaces = interfaces,
		.interface_count = 1,
		.browse_only = strcmp(argv[1], "browse") == 0,
		.appeared = appeared,
		.vanished = vanished,
		.failed = failed,
	};
	if (berth_loop_open(&loop, &why) || berth_dns_sd_open(loop, &conf, &sd, &why) ||
	    start(sd, argc, argv, &why) || berth_loop_on_signal(loop, SIGTERM, stop, loop)) {
		fprintf(stderr, "%s\n", why.sentence);
		return 1;
	}
	berth_loop_run(loop);
	berth_dns_sd_close(sd);
	berth_loop_close(loop);
	return 0;
}
