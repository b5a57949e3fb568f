/* SPDX-License-Identifier: ISC */
#include "accounts/pam.h"

#include <limits.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Some modules refuse to work without a terminal. */
#define TERMINAL "restante"

/* Where PAM looks, in this order. */
static const char *const folders[] = {
	"/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d"};

bool
pam_has_service(const char *service, const char *folder)
{
	size_t count = sizeof(folders) / sizeof(folders[0]);
	char path[PATH_MAX];

	for (size_t i = 0; i < (folder[0] ? 1 : count); i++) {
		snprintf(path, sizeof(path), "%s/%s",
			folder[0] ? folder : folders[i], service);
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}

/* ---- the conversation ---- */

static char *
copy_of(struct bytes text)
{
	char *copy = text.octets < PAM_MAX_RESP_SIZE ? malloc(text.octets + 1)
						     : NULL;

	/* PAM frees it, and its modules wipe what they take for a password. */
	if (copy && !bytes_to_string(text, copy, text.octets + 1)) {
		free(copy);
		copy = NULL;
	}
	return copy;
}

static void
free_answers(struct pam_response *answers, int count)
{
	for (int i = 0; i < count; i++) {
		if (answers[i].resp)
			explicit_bzero(
				answers[i].resp, strlen(answers[i].resp));
		free(answers[i].resp);
	}
	free(answers);
}

/* What is typed unseen is the password, what is typed seen the name. */
static bool
answer(const struct pam_question *question, int style, char **out)
{
	switch (style) {
	case PAM_PROMPT_ECHO_OFF:
		*out = copy_of(question->password);
		return *out != NULL;
	case PAM_PROMPT_ECHO_ON:
		*out = copy_of(bytes_of_string(question->user));
		return *out != NULL;
	case PAM_TEXT_INFO:
	case PAM_ERROR_MSG:
		return true;
	default:
		return false;
	}
}

static int
converse(int count, const struct pam_message **messages,
	struct pam_response **out, void *context)
{
	struct pam_response *answers;

	if (count <= 0 || count > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	answers = calloc((size_t)count, sizeof(*answers));
	if (!answers)
		return PAM_BUF_ERR;
	for (int i = 0; i < count; i++)
		if (!answer(context, messages[i]->msg_style,
			    &answers[i].resp)) {
			free_answers(answers, count);
			return PAM_CONV_ERR;
		}
	*out = answers;
	return PAM_SUCCESS;
}

/* ---- the check ---- */

static enum outcome
outcome_of(int code)
{
	switch (code) {
	case PAM_SUCCESS:
		return OK;
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
	case PAM_MAXTRIES:
	case PAM_PERM_DENIED:
	case PAM_ACCT_EXPIRED:
	case PAM_CRED_EXPIRED:
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_AUTHTOK_EXPIRED:
		return ERR_DENIED;
	default:
		return ERR_TRY_LATER;
	}
}

/* Who failed waits elsewhere, and holds no thread meanwhile. */
static void
no_delay(int code, unsigned microseconds, void *context)
{
}

/* A module may settle on another name. Its mailbox is not the one asked for. */
static int
check_user(pam_handle_t *handle, const char *user)
{
	const void *settled = NULL;
	int code = pam_get_item(handle, PAM_USER, &settled);

	if (code != PAM_SUCCESS || !settled)
		return PAM_SYSTEM_ERR;
	return strcmp(settled, user) == 0 ? PAM_SUCCESS : PAM_PERM_DENIED;
}

static int
run(pam_handle_t *handle, const struct pam_question *question)
{
	const int flags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
	union {
		void (*function)(int, unsigned, void *);
		const void *item;
	} delay = {.function = no_delay};
	int code;

	code = pam_set_item(handle, PAM_FAIL_DELAY, delay.item);
	if (code == PAM_SUCCESS)
		code = pam_set_item(handle, PAM_TTY, TERMINAL);
	if (code == PAM_SUCCESS && question->host[0])
		code = pam_set_item(handle, PAM_RHOST, question->host);
	if (code == PAM_SUCCESS)
		code = pam_authenticate(handle, flags);
	if (code == PAM_SUCCESS)
		code = pam_acct_mgmt(handle, flags);
	if (code == PAM_SUCCESS)
		code = check_user(handle, question->user);
	return code;
}

enum outcome
pam_check(const struct pam_question *question, char error[PAM_ERROR_SIZE])
{
	/* PAM's type has no const; the conversation changes nothing. */
	union {
		const struct pam_question *question;
		void *context;
	} borrowed = {.question = question};
	struct pam_conv conversation = {converse, borrowed.context};
	pam_handle_t *handle = NULL;
	int code;

	error[0] = '\0';
	code = pam_start_confdir(question->service, question->user,
		&conversation, question->folder[0] ? question->folder : NULL,
		&handle);
	if (code == PAM_SUCCESS)
		code = run(handle, question);
	if (code != PAM_SUCCESS)
		snprintf(error, PAM_ERROR_SIZE, "%s",
			pam_strerror(handle, code));
	if (handle)
		pam_end(handle, code);
	return outcome_of(code);
}
