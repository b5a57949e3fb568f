/* SPDX-License-Identifier: ISC */
/*
 * executor - where a store's blocking work runs. Jobs of one key run one after
 * the other in the order given; jobs of different keys may run at once. `work`
 * runs perhaps on another thread, `done` always on the thread that called run.
 *
 * The store role brings one on libuv's thread pool; executor_inline runs both
 * at once, for tests, tools and simulation, and shares with nobody.
 */
#ifndef STORE_EXECUTOR_H
#define STORE_EXECUTOR_H

#include <stdint.h>

struct executor_job {
	void (*work)(struct executor_job *job);
	void (*done)(struct executor_job *job);
	/* for the executor's use */
	struct executor_job *next;
	struct executor *executor;
	uint64_t key;
};

/* Work that several threads may do at once, each taking of it what is left. */
struct executor_share {
	void (*work)(struct executor_share *share);
};

struct executor {
	/* `job` is borrowed until done has begun to run. */
	void (*run)(struct executor *executor, uint64_t key,
		struct executor_job *job);
	/*
	 * From within a job: runs share->work here, and on other threads as
	 * they are free. Returns when it runs nowhere any more. NULL: there
	 * are no others.
	 */
	void (*share)(struct executor *executor, struct executor_share *share);
};

/* Here alone where there are no others. */
void executor_share(struct executor *executor, struct executor_share *share);

extern struct executor executor_inline;

#endif
