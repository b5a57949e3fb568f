/* SPDX-License-Identifier: ISC */
#include "server/confinement.h"
#include "base/log.h"
#include "process/seccomp_filter.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

/* Found by running everything under strace; tests/system fails when one is
   refused. */
static const char *const session_calls[] = {"accept", "accept4", "getsockname",
	"getsockopt", "pread64", "sendfile", "setsockopt", "shutdown", NULL};

/* SQLite opens, locks and syncs its data base. */
#define FILE_CALLS                                                             \
	"access", "fallocate", "fchmod", "fchown", "fdatasync", "flock",       \
		"fsync", "ftruncate", "getcwd", "getdents64", "lstat",         \
		"mkdir", "newfstatat", "open", "openat", "pread64",            \
		"pwrite64", "readlink", "stat", "statx", "umask", "unlink"
static const char *const auth_calls[] = {FILE_CALLS, NULL};

static const char *const store_calls[] = {FILE_CALLS, "copy_file_range",
	"faccessat", "faccessat2", "fsetxattr", "inotify_add_watch",
	"inotify_init1", "inotify_rm_watch", "linkat", "memfd_create",
	"mkdirat", "msync", "pwritev", "preadv", "rename", "renameat",
	"renameat2", "rmdir", "sync_file_range", "syncfs", "truncate",
	"unlinkat", "utimensat", NULL};

static const char *const web_calls[] = {"accept", "accept4", "getsockname",
	"getsockopt", "listen", "setsockopt", "shutdown", NULL};

/* It reads and answers messages. */
static const char *const key_calls[] = {NULL};

/* Modules of PAM and of NSS, and libcurl: files are read, servers asked. */
static const char *const lookup_calls[] = {"access", "bind", "capget",
	"connect", "dup", "dup2", "dup3", "eventfd2", "faccessat", "faccessat2",
	"flock", "getcwd", "getdents64", "getgroups", "getpeername", "getpgrp",
	"getresgid", "getresuid", "getrlimit", "getsockname", "getsockopt",
	"lstat", "membarrier", "newfstatat", "open", "openat", "pipe", "pipe2",
	"pread64", "prlimit64", "pselect6", "readlink", "readlinkat",
	"recvmmsg", "select", "sendmmsg", "setsockopt", "shutdown", "socket",
	"socketpair", "stat", "statfs", "statx", "umask", NULL};

static const char *const *const calls[ROLE_COUNT] = {
	[ROLE_SESSION] = session_calls,
	[ROLE_AUTH] = auth_calls,
	[ROLE_STORE] = store_calls,
	[ROLE_WEB] = web_calls,
	[ROLE_KEY] = key_calls,
	[ROLE_LOOKUP] = lookup_calls,
};

/* ---- what was refused, told by the loop ---- */

#define REFUSED_MAXIMUM 64

static struct {
	uv_async_t async;
	int numbers[REFUSED_MAXIMUM];
	unsigned count, told;
} refused;

static void
on_refused(int number)
{
	unsigned at = __atomic_fetch_add(&refused.count, 1, __ATOMIC_ACQ_REL);

	if (at < REFUSED_MAXIMUM)
		__atomic_store_n(
			&refused.numbers[at], number + 1, __ATOMIC_RELEASE);
	uv_async_send(&refused.async);
}

static void
tell_refused(uv_async_t *async)
{
	char name[32];
	int number;

	while (refused.told < REFUSED_MAXIMUM &&
		(number = __atomic_load_n(
			 &refused.numbers[refused.told], __ATOMIC_ACQUIRE))) {
		refused.told++;
		seccomp_filter_name(number - 1, name);
		log_event(LOG_LEVEL_ERROR, "syscall-refused", "name=%s", name);
	}
}

/* ---- before the doors close ---- */

static void
nothing(uv_work_t *work)
{
}

static void
after_nothing(uv_work_t *work, int status)
{
	free(work);
}

/* libuv starts all of them with the first piece of work. */
static void
start_threads(uv_loop_t *loop)
{
	uv_work_t *work = calloc(1, sizeof(*work));

	if (!work || uv_queue_work(loop, work, nothing, after_nothing) != 0)
		exit(EX_OSERR);
}

/* Libraries open files when they are used for the first time. */
static void
warm_up(void)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned octets = sizeof(digest);

	tzset();
	EVP_Digest("", 0, digest, &octets, EVP_sha256(), NULL);
}

static void
lock_files(const struct confinement *confinement)
{
	const struct landlock_rules rules = {confinement->folders,
		confinement->folder_count, confinement->is_open};
	int version = 0;

	if (landlock_enter(&rules, &version) != OK) {
		log_event(LOG_LEVEL_ERROR, "sandbox", "landlock=failed");
		exit(EX_OSERR);
	}
	log_event(version ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, "sandbox",
		"landlock=%d%s", version,
		version ? "" : " why=\"not in this kernel\"");
}

static void
lock_calls(const struct confinement *confinement)
{
	enum outcome outcome = seccomp_filter_enter(
		calls[confinement->role], confinement->is_open, on_refused);

	if (outcome == ERR_TRY_LATER) {
		log_event(LOG_LEVEL_WARNING, "sandbox",
			"seccomp=no why=\"not in this kernel\"");
	} else if (outcome != OK) {
		log_event(LOG_LEVEL_ERROR, "sandbox", "seccomp=failed");
		exit(EX_OSERR);
	}
}

void
confinement_enter(const struct confinement *confinement, uv_loop_t *loop)
{
	warm_up();
	log_open_no_more();
	uv_async_init(loop, &refused.async, tell_refused);
	lock_files(confinement);
	if (confinement->has_threads)
		start_threads(loop);
	lock_calls(confinement);
}
