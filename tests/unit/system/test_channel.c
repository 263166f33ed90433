/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "system/channel.h"
#include "system/files.h"

static uint8_t room[BERTH_CHANNEL_PACKET_MAX];

static void
carries_the_largest_packet_whole(void **state)
{
	(void)state;
	static uint8_t packet[BERTH_CHANNEL_PACKET_MAX];
	int fds[2];
	size_t n = 0;
	memset(packet, 0x5a, sizeof(packet));
	assert_int_equal(berth_channel_pair(fds, NULL), BERTH_OK);
	assert_int_equal(berth_channel_send(fds[0], berth_bytes_of(packet, sizeof(packet)), -1, 0),
			 BERTH_OK);
	assert_int_equal(berth_channel_send(fds[0], BERTH_LIT("next"), -1, 0), BERTH_OK);
	assert_int_equal(berth_channel_receive(fds[1], room, sizeof(room), &n, NULL, 0), BERTH_OK);
	assert_int_equal(n, sizeof(packet));
	assert_memory_equal(room, packet, n);
	assert_int_equal(berth_channel_receive(fds[1], room, sizeof(room), &n, NULL, 0), BERTH_OK);
	assert_int_equal(n, 4);
	berth_fd_close(&fds[0]);
	assert_int_equal(berth_channel_receive(fds[1], room, sizeof(room), &n, NULL, 0),
			 BERTH_E_UNREACHABLE);
	assert_int_equal(berth_channel_send(fds[1], BERTH_LIT("x"), -1, 0), BERTH_E_UNREACHABLE);
	berth_fd_close(&fds[1]);
}

static void
waits_no_longer_than_asked(void **state)
{
	(void)state;
	int fds[2];
	size_t n = 0;
	assert_int_equal(berth_channel_pair(fds, NULL), BERTH_OK);
	assert_int_equal(berth_channel_receive(fds[1], room, sizeof(room), &n, NULL, 0),
			 BERTH_E_PENDING);
	assert_int_equal(berth_channel_receive(fds[1], room, sizeof(room), &n, NULL, 10),
			 BERTH_E_TIMEOUT);
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; i < 100000 && !err; i++) {
		err = berth_channel_send(fds[0], BERTH_LIT("fill"), -1, 0);
	}
	assert_int_equal(err, BERTH_E_PENDING);
	assert_int_equal(berth_channel_send(fds[0], BERTH_LIT("fill"), -1, 10), BERTH_E_TIMEOUT);
	berth_fd_close(&fds[0]);
	berth_fd_close(&fds[1]);
}

static void
passes_a_descriptor(void **state)
{
	(void)state;
	int fds[2], pipe_fds[2];
	int got = -1;
	size_t n = 0;
	char c = 0;
	assert_int_equal(berth_channel_pair(fds, NULL), BERTH_OK);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_int_equal(berth_channel_send(fds[0], BERTH_LIT("take"), pipe_fds[1], 0), BERTH_OK);
	berth_fd_close(&pipe_fds[1]);
	assert_int_equal(berth_channel_receive(fds[1], room, sizeof(room), &n, &got, 0), BERTH_OK);
	assert_true(got >= 0);
	assert_true((fcntl(got, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(write(got, "!", 1), 1);
	assert_int_equal(read(pipe_fds[0], &c, 1), 1);
	berth_fd_close(&got);
	berth_fd_close(&pipe_fds[0]);
	berth_fd_close(&fds[0]);
	berth_fd_close(&fds[1]);
}

/* A descriptor that nobody asked for must not stay open: it would fill the table. */
static void
closes_a_descriptor_nobody_asked_for(void **state)
{
	(void)state;
	int fds[2], pipe_fds[2];
	size_t n = 0;
	char c;
	assert_int_equal(berth_channel_pair(fds, NULL), BERTH_OK);
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_int_equal(berth_channel_send(fds[0], BERTH_LIT("take"), pipe_fds[1], 0), BERTH_OK);
	berth_fd_close(&pipe_fds[1]);
	assert_int_equal(berth_channel_receive(fds[1], room, sizeof(room), &n, NULL, 0), BERTH_OK);
	assert_int_equal(read(pipe_fds[0], &c, 1), 0); /* end: no writer is left */
	berth_fd_close(&pipe_fds[0]);
	berth_fd_close(&fds[0]);
	berth_fd_close(&fds[1]);
}

static void
refuses_a_packet_larger_than_the_room(void **state)
{
	(void)state;
	int fds[2];
	size_t n = 0;
	assert_int_equal(berth_channel_pair(fds, NULL), BERTH_OK);
	assert_int_equal(berth_channel_send(fds[0], BERTH_LIT("five."), -1, 0), BERTH_OK);
	assert_int_equal(berth_channel_receive(fds[1], room, 4, &n, NULL, 0), BERTH_E_LIMIT);
	berth_fd_close(&fds[0]);
	berth_fd_close(&fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(carries_the_largest_packet_whole),
		cmocka_unit_test(waits_no_longer_than_asked),
		cmocka_unit_test(passes_a_descriptor),
		cmocka_unit_test(closes_a_descriptor_nobody_asked_for),
		cmocka_unit_test(refuses_a_packet_larger_than_the_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
