/* SPDX-License-Identifier: ISC */
/* What is given up is given up for good: each try in a child of its own. */
#include "../check.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process/privileges.h"

#define SOME_UID 54321
#define SOME_GID 54322

/* In the child, where cmocka's assertions cannot be used. */
#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__,          \
				__LINE__, #condition, strerror(errno));        \
			_exit(1);                                              \
		}                                                              \
	} while (0)

static void
in_child(void (*run)(const struct privileges *), const struct privileges *how)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		run(how);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- as whom ---- */

static const struct {
	const char *user;
	enum outcome outcome;
	uid_t uid;
	const char *error; /* a part of it */
} users[] = {
	{"1234", OK, 1234, NULL},
	{"2147483647", OK, 2147483647, NULL},
	{"0", ERR_DENIED, 0, "no user 0"},
	{"root", ERR_DENIED, 0, "root is root"},
	{"no-such-user", ERR_DENIED, 0, "useradd --system"},
	{"", ERR_DENIED, 0, "no user"},
	/* (uid_t)-1 means "leave as it is" to setresuid. */
	{"4294967295", ERR_DENIED, 0, "no user"},
	{"4294967296", ERR_DENIED, 0, "no user"},
	{"-1", ERR_DENIED, 0, "no user"},
	{"01", ERR_DENIED, 0, "no user"},
};

static void
finds_users(void **state)
{
	for (size_t i = 0; i < COUNT(users); i++) {
		char error[256] = "";
		uid_t uid = 7;
		gid_t gid = 8;
		enum outcome outcome = privileges_find_user(
			users[i].user, &uid, &gid, error, sizeof(error));
		bool is_found = outcome == OK;

		assert_int_equal(outcome, users[i].outcome);
		assert_int_equal(uid, is_found ? users[i].uid : 7);
		assert_int_equal(gid, is_found ? users[i].uid : 8);
		if (users[i].error)
			assert_non_null(strstr(error, users[i].error));
	}
}

static void
finds_users_by_name(void **state)
{
	uid_t uid = 0, number_uid;
	gid_t gid = 0, number_gid;
	char error[256], text[16];

	assert_int_equal(privileges_find_user(
				 "daemon", &uid, &gid, error, sizeof(error)),
		OK);
	assert_true(uid > 0 && gid > 0);
	snprintf(text, sizeof(text), "%u", (unsigned)uid);
	assert_int_equal(privileges_find_user(text, &number_uid, &number_gid,
				 error, sizeof(error)),
		OK);
	assert_int_equal(number_uid, uid);
}

/* ---- what everyone gives up ---- */

static void
must_be_tame(void)
{
	struct rlimit core;

	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	MUST(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	MUST(getrlimit(RLIMIT_CORE, &core) == 0);
	MUST(core.rlim_cur == 0 && core.rlim_max == 0);
}

static void
drop_as_anyone(const struct privileges *how)
{
	uid_t before = geteuid();

	MUST(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
	MUST(privileges_drop(how) == OK);
	MUST(geteuid() == before);
	must_be_tame();
}

static void
drops_without_root(void **state)
{
	const struct privileges how = {
		.uid = SOME_UID, .gid = SOME_GID, .root_fd = -1};

	in_child(drop_as_anyone, &how);
}

/* ---- what root gives up ---- */

static void
must_be_nobody(void)
{
	uid_t uids[3];
	gid_t gids[3];

	MUST(getresuid(&uids[0], &uids[1], &uids[2]) == 0);
	MUST(getresgid(&gids[0], &gids[1], &gids[2]) == 0);
	for (int i = 0; i < 3; i++)
		MUST(uids[i] == SOME_UID && gids[i] == SOME_GID);
	MUST(getgroups(0, NULL) == 0);
	MUST(setuid(0) < 0 && seteuid(0) < 0);
	MUST(setresuid(0, 0, 0) < 0 && setresgid(0, 0, 0) < 0);
	MUST(setgid(0) < 0 && setgroups(0, NULL) < 0);
	MUST(chroot("/") < 0);
}

static void
drop_all(const struct privileges *how)
{
	static const gid_t groups[] = {0, 4, 27};
	struct stat here, above;

	MUST(setgroups(3, groups) == 0);
	MUST(access("/etc/passwd", F_OK) == 0);
	MUST(privileges_drop(how) == OK);
	must_be_nobody();
	must_be_tame();
	/* An empty root, and no way up from it. */
	MUST(access("/etc/passwd", F_OK) < 0 && errno == ENOENT);
	MUST(access("../../../../etc/passwd", F_OK) < 0);
	MUST(stat("/", &here) == 0 && stat("..", &above) == 0);
	MUST(here.st_ino == above.st_ino && here.st_dev == above.st_dev);
}

static void
keep_the_root(const struct privileges *how)
{
	MUST(privileges_drop(how) == OK);
	must_be_nobody();
	must_be_tame();
	MUST(access("/etc/passwd", F_OK) == 0);
}

static void
must_fail(const struct privileges *how)
{
	MUST(privileges_drop(how) == ERR_BROKEN);
}

static void
needs_root_drops_all(void **state)
{
	char directory[] = "/tmp/restante-root-XXXXXX";
	struct privileges how = {
		.is_root = true, .uid = SOME_UID, .gid = SOME_GID};

	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(directory));
	assert_int_equal(chmod(directory, 0755), 0);
	how.root_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(how.root_fd >= 0);
	in_child(drop_all, &how);
	close(how.root_fd);
	rmdir(directory);
	how.root_fd = -1;
	in_child(keep_the_root, &how);
}

/* A role that could not give up all of it must not run. */
static void
needs_root_fails_whole(void **state)
{
	struct privileges how = {.is_root = true, .gid = SOME_GID};

	if (geteuid() != 0)
		skip();
	/* Still root: uid 0 is none to change to. */
	how.root_fd = -1;
	in_child(must_fail, &how);
	/* No directory to make the root of. */
	how.uid = SOME_UID;
	how.root_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	in_child(must_fail, &how);
	close(how.root_fd);
	in_child(must_fail, &how);
}

static void
drop_without_rights(const struct privileges *how)
{
	MUST(setresuid(SOME_UID, SOME_UID, SOME_UID) == 0);
	must_fail(how);
}

/* Told that it is root, while it is not. */
static void
needs_root_fails_without_rights(void **state)
{
	const struct privileges how = {.is_root = true,
		.uid = SOME_UID + 1,
		.gid = SOME_GID,
		.root_fd = -1};

	if (geteuid() != 0)
		skip();
	in_child(drop_without_rights, &how);
}

/* ---- files ---- */

static void
raise_files(const struct privileges *how)
{
	struct rlimit limit = {.rlim_cur = 100, .rlim_max = 200};

	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	MUST(privileges_raise_file_limit() == 200);
	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	MUST(limit.rlim_cur == 200 && limit.rlim_max == 200);
}

static void
raises_the_file_limit(void **state)
{
	in_child(raise_files, NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_users),
		cmocka_unit_test(finds_users_by_name),
		cmocka_unit_test(drops_without_root),
		cmocka_unit_test(needs_root_drops_all),
		cmocka_unit_test(needs_root_fails_whole),
		cmocka_unit_test(needs_root_fails_without_rights),
		cmocka_unit_test(raises_the_file_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
