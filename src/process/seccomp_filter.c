/* SPDX-License-Identifier: ISC */
#include "process/seccomp_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#define NUMBERS_MAXIMUM 1024

/* A program's daily bread: memory, time, waiting, what it holds already. */
static const char *const everybody[] = {"brk", "clock_getres", "clock_gettime",
	"clock_nanosleep", "close", "epoll_ctl", "epoll_pwait", "epoll_pwait2",
	"epoll_wait", "exit", "exit_group", "fstat", "fstatfs", "futex",
	"getegid", "geteuid", "getgid", "getpid", "getppid", "getrandom",
	"gettid", "gettimeofday", "getuid", "lseek", "madvise", "mremap",
	"munmap", "nanosleep", "poll", "ppoll", "read", "readv", "recvfrom",
	"recvmsg", "restart_syscall", "rseq", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn", "sched_getaffinity", "sched_yield", "sendmsg", "sendto",
	"set_robust_list", "sigaltstack", "sysinfo", "time", "times", "uname",
	"write", "writev",
#ifdef HAS_SANITIZER
	/* Its reports read /proc/self, and its allocator asks for more. */
	"access", "clone", "clone3", "getrlimit", "mmap", "mprotect",
	"newfstatat", "open", "openat", "pipe2", "prctl", "prlimit64", "ptrace",
	"readlink", "readlinkat", "sched_setaffinity", "stat", "statx", "wait4",
#endif
	NULL};

static const char *const attacks[] = {"add_key", "bpf", "chroot", "connect",
	"creat", "delete_module", "execve", "execveat", "finit_module", "fork",
	"fsopen", "init_module", "io_uring_setup", "kcmp", "kexec_file_load",
	"kexec_load", "keyctl", "kill", "mount", "move_mount",
	"name_to_handle_at", "open", "open_by_handle_at", "open_tree", "openat",
	"openat2", "perf_event_open", "personality", "pidfd_getfd",
	"pidfd_open", "pidfd_send_signal", "pivot_root", "process_vm_readv",
	"process_vm_writev", "ptrace", "reboot", "request_key",
	"rt_sigqueueinfo", "rt_tgsigqueueinfo", "setfsgid", "setfsuid",
	"setgid", "setgroups", "setns", "setregid", "setresgid", "setresuid",
	"setreuid", "setuid", "swapon", "tkill", "umount2", "unshare",
	"userfaultfd", "vfork", NULL};

/* Modules try these, where there is nothing to start: no reason to die. */
static const char *const starts[] = {
	"execve", "execveat", "fork", "vfork", NULL};

static const unsigned ioctls[] = {FIONBIO, FIOCLEX, FIONREAD};
static const unsigned fcntls[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD,
	F_GETFL, F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK,
	F_OFD_SETLKW, F_ADD_SEALS};
#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

/* ---- rules; each false when libseccomp fails ---- */

static bool
is_named(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

struct rules {
	const char *const *allowed;
	bool may_load;
};

static bool
is_excepted(const struct rules *rules, const char *name)
{
	return is_named(rules->allowed, name) || is_named(everybody, name) ||
	       (rules->may_load && is_named(starts, name));
}

static bool
add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names,
	const struct rules *except)
{
	for (; *names; names++) {
		int number = seccomp_syscall_resolve_name(*names);

		if (number == __NR_SCMP_ERROR ||
			(except && is_excepted(except, *names)))
			continue;
		if (seccomp_rule_add(filter, action, number, 0) < 0)
			return false;
	}
	return true;
}

static bool
add_values(scmp_filter_ctx filter, int number, const unsigned *values,
	size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
			    SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX,
				    values[i])) < 0)
			return false;
	return true;
}

/* Who was sent a descriptor shares its flags with the sender, and with others:
   none that makes their reads fail. */
static bool
add_setfl(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 2,
		       SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, F_SETFL),
		       SCMP_A2(SCMP_CMP_MASKED_EQ, O_DIRECT, 0)) == 0;
}

/* fstat(2) is this in younger libraries; a path is another matter. */
static bool
add_fstat(scmp_filter_ctx filter, const char *const *allowed)
{
	return is_named(allowed, "newfstatat") ||
	       is_named(everybody, "newfstatat") ||
	       seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
		       SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH,
			       AT_EMPTY_PATH)) == 0;
}

/* abort(3) sends a signal to itself; to another process it is an attack. */
static bool
add_tgkill(scmp_filter_ctx filter)
{
	scmp_datum_t self = (scmp_datum_t)getpid();

	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		       SCMP_A0(SCMP_CMP_EQ, self)) == 0 &&
	       seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(tgkill),
		       1, SCMP_A0(SCMP_CMP_NE, self)) == 0;
}

#ifndef HAS_SANITIZER
/* Kills for all of `bits`, allows what has not all of them. */
static bool
add_protections(scmp_filter_ctx filter, int number, unsigned bits)
{
	for (unsigned has = 0; has <= bits; has++)
		if ((has & bits) == has &&
			seccomp_rule_add(filter,
				has == bits ? SCMP_ACT_KILL_PROCESS
					    : SCMP_ACT_ALLOW,
				number, 1,
				SCMP_A2(SCMP_CMP_MASKED_EQ, bits, has)) < 0)
			return false;
	return true;
}

/* Memory is written or executed, never both, and never made so later. */
static bool
add_memory(scmp_filter_ctx filter, const struct rules *rules)
{
	static const int numbers[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};

	for (size_t i = 0; i < COUNT(numbers); i++) {
		unsigned bits = PROT_EXEC;

		/* The text of a library, as it lies in its file. */
		if (rules->may_load && numbers[i] == SCMP_SYS(mmap))
			bits = PROT_EXEC | PROT_WRITE;
		if (!add_protections(filter, numbers[i], bits))
			return false;
	}
	return true;
}

/* What libraries ask of the kernel when they are loaded. */
static bool
add_questions(scmp_filter_ctx filter, const struct rules *rules)
{
	static const int asked[] = {PR_CAPBSET_READ, PR_GET_NAME, PR_SET_NAME,
		PR_GET_DUMPABLE, PR_GET_SECUREBITS};

	for (size_t i = 0; rules->may_load && i < COUNT(asked); i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
			    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)asked[i])) < 0)
			return false;
	return true;
}

/* A process is an attack; a thread is refused, since all have been started.
   Who may load starts threads, and a process is refused. */
static bool
add_clone(scmp_filter_ctx filter, const struct rules *rules)
{
	uint32_t action =
		rules->may_load ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS;
	scmp_datum_t flag = rules->may_load ? CLONE_THREAD : 0;

	/* clone3's flags lie in memory: glibc takes clone instead. */
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
		       SCMP_SYS(clone3), 0) == 0 &&
	       seccomp_rule_add(filter, action, SCMP_SYS(clone), 1,
		       SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, flag)) == 0;
}
#else
static bool
add_questions(scmp_filter_ctx filter, const struct rules *rules)
{
	return true;
}

static bool
add_memory(scmp_filter_ctx filter, const struct rules *rules)
{
	return true;
}

static bool
add_clone(scmp_filter_ctx filter, const struct rules *rules)
{
	return true;
}
#endif

static bool
add_all(scmp_filter_ctx filter, const struct rules *rules)
{
	const char *const *allowed = rules->allowed;

	return add_names(filter, SCMP_ACT_ALLOW, everybody, NULL) &&
	       add_names(filter, SCMP_ACT_ALLOW, allowed, NULL) &&
	       add_names(filter, SCMP_ACT_KILL_PROCESS, attacks, rules) &&
	       add_values(filter, SCMP_SYS(ioctl), ioctls, COUNT(ioctls)) &&
	       add_values(filter, SCMP_SYS(fcntl), fcntls, COUNT(fcntls)) &&
	       add_setfl(filter) && add_fstat(filter, allowed) &&
	       add_tgkill(filter) && add_questions(filter, rules) &&
	       add_memory(filter, rules) && add_clone(filter, rules);
}

/* ---- refusing ---- */

static void (*tell_refused)(int number);
static unsigned char is_told[NUMBERS_MAXIMUM];
static _Thread_local unsigned refused_starts;

static bool
is_start(int number)
{
	return number == SCMP_SYS(clone) || number == SCMP_SYS(execve) ||
	       number == SCMP_SYS(execveat) || number == SCMP_SYS(fork) ||
	       number == SCMP_SYS(vfork);
}

unsigned
seccomp_filter_refused_starts(void)
{
	return refused_starts;
}

/* The call was not made; here it gets its result. */
static void
on_sigsys(int signal, siginfo_t *info, void *context)
{
	__attribute__((unused)) ucontext_t *at = context;
	int number = info->si_syscall;

#if defined(__x86_64__)
	at->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
	at->uc_mcontext.regs[0] = (unsigned long)-EPERM;
#endif
	if (is_start(number))
		refused_starts++;
	if (number < 0 || number >= NUMBERS_MAXIMUM ||
		__atomic_exchange_n(&is_told[number], 1, __ATOMIC_RELAXED))
		return;
	if (tell_refused)
		tell_refused(number);
}

static uint32_t
refusal(void)
{
#if defined(__x86_64__) || defined(__aarch64__)
	struct sigaction action = {
		.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO | SA_NODEFER};

	if (sigaction(SIGSYS, &action, NULL) == 0)
		return SCMP_ACT_TRAP;
#endif
	/* Nobody is told, except by the kernel's audit. */
	return SCMP_ACT_ERRNO(EPERM);
}

enum outcome
seccomp_filter_enter(const char *const *allowed, bool may_load,
	void (*on_refused)(int number))
{
	const struct rules rules = {allowed, may_load};
	scmp_filter_ctx filter;
	enum outcome outcome = OK;
	int error;

	tell_refused = on_refused;
	filter = seccomp_init(refusal());
	if (!filter)
		return ERR_BROKEN;
	/* All threads; the privilege bit is set already. */
	if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) < 0 ||
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) < 0 ||
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0 ||
		!add_all(filter, &rules))
		outcome = ERR_BROKEN;
	error = outcome == OK ? seccomp_load(filter) : 0;
	if (error < 0)
		outcome = error == -ENOSYS || error == -EINVAL ? ERR_TRY_LATER
							       : ERR_BROKEN;
	seccomp_release(filter);
	return outcome;
}

void
seccomp_filter_name(int number, char out[32])
{
	char *name =
		seccomp_syscall_resolve_num_arch(seccomp_arch_native(), number);

	if (name)
		snprintf(out, 32, "%s", name);
	else
		snprintf(out, 32, "%d", number);
	free(name);
}
