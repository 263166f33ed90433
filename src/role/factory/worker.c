/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cursor.h"
#include "system/channel.h"
#include "system/files.h"

#define WAIT_MS                                                                                    \
	((int64_t)24 * 3600 * 1000) /* a worker waits for its parent, however slow its disk */
#define COUNT_FATAL UINT32_MAX	    /* instead of a number of results: this worker cannot work */

/* ---- messages: u32 count, then that many records ---- */

static enum berth_err
put_task(struct berth_buf *packet, const struct berth_task *task)
{
	enum berth_err err = berth_buf_append_u32(packet, task->unit);
	if (!err)
		err = berth_buf_append(packet, task->certificate_serial, BERTH_CERT_SERIAL_BYTES);
	return err ? err : berth_buf_append_u8(packet, task->is_retry);
}

static enum berth_err
take_tasks(struct berth_bytes packet, size_t unit_count, struct berth_task *ret, size_t *ret_count)
{
	struct berth_cursor c = berth_cursor(packet);
	uint32_t count = berth_cursor_u32(&c);
	if (count > BERTH_WORKER_CHUNK)
		return BERTH_E_LIMIT;
	for (uint32_t i = 0; i < count; i++) {
		ret[i].unit = berth_cursor_u32(&c);
		struct berth_bytes serial = berth_cursor_take(&c, BERTH_CERT_SERIAL_BYTES);
		ret[i].is_retry = berth_cursor_u8(&c) != 0;
		if (c.err || ret[i].unit >= unit_count)
			return BERTH_E_SYNTAX;
		memcpy(ret[i].certificate_serial, serial.p, BERTH_CERT_SERIAL_BYTES);
	}
	*ret_count = count;
	return berth_cursor_end(&c, "factory-task", NULL);
}

static enum berth_err
put_why(struct berth_buf *packet, const struct berth_why *why)
{
	enum berth_err err = berth_buf_append_u8(packet, (uint8_t)why->err);
	if (!err)
		err = berth_buf_append_vector16(packet, berth_text(why->rule));
	if (!err)
		err = berth_buf_append_vector16(packet, berth_text(why->section));
	return err ? err : berth_buf_append_vector16(packet, berth_text(why->sentence));
}

static enum berth_err
take_text(struct berth_cursor *c, struct berth_arena *arena, const char **ret)
{
	struct berth_bytes text = berth_cursor_vector16(c, BERTH_WHY_SENTENCE_MAX);
	*ret = text.n > 0 ? berth_arena_text(arena, text) : NULL;
	return text.n > 0 && !*ret ? BERTH_E_MEMORY : c->err;
}

static enum berth_err
take_why(struct berth_cursor *c, struct berth_arena *arena, struct berth_why *ret)
{
	const char *sentence = NULL;
	uint8_t kind = berth_cursor_u8(c);
	enum berth_err err = take_text(c, arena, &ret->rule);
	if (!err)
		err = take_text(c, arena, &ret->section);
	if (!err)
		err = take_text(c, arena, &sentence);
	if (err || kind == BERTH_OK || kind >= BERTH_E__COUNT)
		return BERTH_E_SYNTAX;
	ret->err = (enum berth_err)kind;
	snprintf(ret->sentence, sizeof(ret->sentence), "%s", sentence ? sentence : "");
	return BERTH_OK;
}

static enum berth_err
put_result(struct berth_buf *packet, uint32_t unit, enum berth_err made,
	   const struct berth_born *born, const struct berth_why *why)
{
	enum berth_err err = berth_buf_append_u32(packet, unit);
	if (!err)
		err = berth_buf_append_u8(packet, made == BERTH_OK);
	if (!err && made)
		return put_why(packet, why);
	if (!err)
		err = berth_buf_append(packet, born->key_sha256, BERTH_SHA256_BYTES);
	return err ? err : berth_buf_append_vector16(packet, berth_text(born->storage));
}

static enum berth_err
take_result(struct berth_cursor *c, struct berth_arena *arena, struct berth_task_result *ret)
{
	*ret = (struct berth_task_result){.unit = berth_cursor_u32(c)};
	bool is_made = berth_cursor_u8(c) != 0;
	if (!is_made) {
		enum berth_err err = take_why(c, arena, &ret->why);
		ret->err = ret->why.err;
		return err;
	}
	struct berth_bytes key = berth_cursor_take(c, BERTH_SHA256_BYTES);
	struct berth_bytes storage = berth_cursor_vector16(c, BERTH_WHY_SENTENCE_MAX);
	if (c->err)
		return c->err;
	memcpy(ret->key_sha256, key.p, BERTH_SHA256_BYTES);
	ret->storage = berth_arena_copy(arena, storage);
	return ret->storage.p ? BERTH_OK : BERTH_E_MEMORY;
}

/* ---- the child ---- */

static enum berth_err
sync_out(const char *out, struct berth_why *why)
{
	BERTH_FD fd = open(out, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd) != 0)
		return berth_fail(why, BERTH_E_IO, "unit-sync", NULL, "%s: cannot sync: %s", out,
				  strerror(errno));
	return BERTH_OK;
}

struct outcome {
	enum berth_err err;
	struct berth_born born;
	struct berth_why why;
};

/* The results leave only when what they speak of is on the disk. */
static enum berth_err
work(const struct berth_worker_setup *setup, const struct berth_line *line,
     const struct berth_task *tasks, size_t count, struct berth_buf *reply)
{
	struct outcome outcomes[BERTH_WORKER_CHUNK];
	struct berth_why sync_why = {0};
	for (size_t i = 0; i < count; i++) {
		struct berth_birth birth = {.now = setup->now, .is_retry = tasks[i].is_retry};
		memcpy(birth.certificate_serial, tasks[i].certificate_serial,
		       BERTH_CERT_SERIAL_BYTES);
		outcomes[i] = (struct outcome){0};
		outcomes[i].err = berth_unit_make(line, &setup->units->units[tasks[i].unit], &birth,
						  &outcomes[i].born, &outcomes[i].why);
	}
	enum berth_err sync_err = sync_out(setup->out, &sync_why);
	enum berth_err err = berth_buf_append_u32(reply, (uint32_t)count);
	for (size_t i = 0; i < count && !err; i++) {
		bool is_unsynced = sync_err && !outcomes[i].err;
		err = put_result(reply, tasks[i].unit, is_unsynced ? sync_err : outcomes[i].err,
				 &outcomes[i].born, is_unsynced ? &sync_why : &outcomes[i].why);
	}
	return err;
}

static enum berth_err
serve(const struct berth_worker_setup *setup, const struct berth_line *line, int fd)
{
	struct berth_task tasks[BERTH_WORKER_CHUNK];
	uint8_t *room = malloc(BERTH_CHANNEL_PACKET_MAX);
	BERTH_BUF reply = {0};
	enum berth_err err = room ? BERTH_OK : BERTH_E_MEMORY;
	while (!err) {
		size_t n = 0;
		size_t count = 0;
		err = berth_channel_receive(fd, room, BERTH_CHANNEL_PACKET_MAX, &n, NULL, WAIT_MS);
		if (!err)
			err = take_tasks(berth_bytes_of(room, n), setup->units->count, tasks,
					 &count);
		berth_buf_clear(&reply);
		if (!err)
			err = work(setup, line, tasks, count, &reply);
		if (!err)
			err = berth_channel_send(fd, berth_buf_view(&reply), -1, WAIT_MS);
	}
	free(room);
	return err;
}

static void
run_child(const struct berth_worker_setup *setup, int fd)
{
	BERTH_LINE line = {0};
	BERTH_BUF packet = {0};
	struct berth_why why = {0};
	enum berth_err err = berth_line_open(setup->factory, setup->out, setup->keys, &line, &why);
	if (!err) {
		berth_ignore(serve(setup, &line, fd), "ends when the parent closes its end");
		return;
	}
	err = berth_buf_append_u32(&packet, COUNT_FATAL);
	if (!err)
		err = put_why(&packet, &why);
	if (!err)
		berth_ignore(berth_channel_send(fd, berth_buf_view(&packet), -1, WAIT_MS),
			     "the parent sees the end of the channel anyway");
}

/* ---- the parent ---- */

enum berth_err
berth_worker_start(const struct berth_worker_setup *setup, struct berth_worker *ret,
		   struct berth_why *why)
{
	int ends[2] = {-1, -1};
	enum berth_err err = berth_channel_pair(ends, why);
	if (err)
		return err;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		run_child(setup, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return berth_fail(why, BERTH_E_IO, "worker-fork", NULL, "cannot start a worker: %s",
				  strerror(errno));
	}
	*ret = (struct berth_worker){.pid = pid, .fd = ends[0]};
	return BERTH_OK;
}

static enum berth_err
ended(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_UNREACHABLE, "worker-ended", NULL,
			  "its worker process ended unexpectedly; run again");
}

enum berth_err
berth_worker_give(struct berth_worker *worker, struct berth_why *why)
{
	BERTH_BUF packet = {0};
	enum berth_err err = berth_buf_append_u32(&packet, (uint32_t)worker->task_count);
	for (size_t i = 0; i < worker->task_count && !err; i++)
		err = put_task(&packet, &worker->tasks[i]);
	if (!err)
		err = berth_channel_send(worker->fd, berth_buf_view(&packet), -1, WAIT_MS);
	return err ? ended(why) : BERTH_OK;
}

static enum berth_err
read_reply(const struct berth_worker *worker, struct berth_bytes packet, struct berth_arena *arena,
	   struct berth_task_result *ret, struct berth_why *why)
{
	struct berth_cursor c = berth_cursor(packet);
	uint32_t count = berth_cursor_u32(&c);
	if (count == COUNT_FATAL) {
		struct berth_why cause = {0};
		if (take_why(&c, arena, &cause))
			return ended(why);
		return berth_fail(why, cause.err, cause.rule, cause.section, "%s", cause.sentence);
	}
	if (count != worker->task_count)
		return ended(why);
	for (uint32_t i = 0; i < count; i++) {
		if (take_result(&c, arena, &ret[i]) || ret[i].unit != worker->tasks[i].unit)
			return ended(why);
	}
	return berth_cursor_end(&c, "factory-result", why);
}

enum berth_err
berth_worker_take(struct berth_worker *worker, struct berth_arena *arena,
		  struct berth_task_result *ret, size_t *ret_count, struct berth_why *why)
{
	uint8_t *room = malloc(BERTH_CHANNEL_PACKET_MAX);
	size_t n = 0;
	if (!room)
		return berth_fail(why, BERTH_E_MEMORY, "worker-memory", NULL, "out of memory");
	enum berth_err err = berth_channel_receive(worker->fd, room, BERTH_CHANNEL_PACKET_MAX, &n,
						   NULL, WAIT_MS);
	err = err ? ended(why) : read_reply(worker, berth_bytes_of(room, n), arena, ret, why);
	free(room);
	if (err)
		return err;
	*ret_count = worker->task_count;
	worker->task_count = 0;
	return BERTH_OK;
}

void
berth_worker_end(struct berth_worker *worker)
{
	if (worker->fd < 0)
		return;
	berth_fd_close(&worker->fd);
	while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}
