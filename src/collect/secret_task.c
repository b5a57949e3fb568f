/* SPDX-License-Identifier: ISC */
#include "collect/secret_task.h"

#include <stdlib.h>

#define STACK_OCTETS (512u << 10) /* TLS with an OAuth server, too */

struct secret_task {
	const struct collect_account *account;
	struct secret *out, *out_deliver;
	secret_task_done *done;
	void *context;
	uv_thread_t thread;
	uv_async_t is_over;
	atomic_bool is_cancelled;
	enum outcome outcome;
	char error[INI_ERROR_SIZE];
};

static void
work(void *context)
{
	struct secret_task *task = context;

	task->outcome = secret_source_read_both(task->account, task->out,
		task->out_deliver, &task->is_cancelled, task->error);
	uv_async_send(&task->is_over);
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void
on_over(uv_async_t *handle)
{
	struct secret_task *task = handle->data;

	uv_thread_join(&task->thread);
	task->done(task->outcome, task->error, task->context);
	uv_close((uv_handle_t *)handle, on_closed);
}

struct secret_task *
secret_task_start(uv_loop_t *loop, const struct collect_account *account,
	struct secret *out, struct secret *out_deliver, secret_task_done *done,
	void *context)
{
	uv_thread_options_t options = {
		.flags = UV_THREAD_HAS_STACK_SIZE, .stack_size = STACK_OCTETS};
	struct secret_task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	*task = (struct secret_task){.account = account,
		.out = out,
		.out_deliver = out_deliver,
		.done = done,
		.context = context};
	if (uv_async_init(loop, &task->is_over, on_over) != 0) {
		free(task);
		return NULL;
	}
	task->is_over.data = task;
	if (uv_thread_create_ex(&task->thread, &options, work, task) == 0)
		return task;
	uv_close((uv_handle_t *)&task->is_over, on_closed);
	return NULL;
}

void
secret_task_cancel(struct secret_task *task)
{
	atomic_store(&task->is_cancelled, true);
}
