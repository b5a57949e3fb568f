/* SPDX-License-Identifier: ISC */
/* restantectl mailbox repair and rebuild: the running server does it. */
#include "programs/progress.h"
#include "programs/restantectl/mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- asking the server ---- */

static bool
get_count(const json_t *reply, const char *key, uint64_t *out)
{
	const json_t *value = json_object_get(reply, key);

	if (json_is_integer(value))
		*out = (uint64_t)json_integer_value(value);
	return json_is_integer(value);
}

/* A pass may follow another. */
static void
show(struct progress *progress, const char *name, uint64_t *last, uint64_t done,
	uint64_t total)
{
	if (done < *last)
		progress_end(progress, 0);
	*last = done;
	progress_set(progress, 0, name, 0, 0, done, total);
}

/* The line that is no progress; NULL: it does not come. */
static json_t *
read_result(FILE *from, const char *name, bool is_quiet)
{
	struct progress *progress = progress_new(1, is_quiet);
	uint64_t done, total, last = 0;
	json_t *reply = NULL;
	size_t room = 0;
	char *line = NULL;

	while (progress && !reply && getline(&line, &room, from) > 0) {
		reply = json_loads(line, 0, NULL);
		if (!get_count(reply, "done", &done) ||
			!get_count(reply, "total", &total))
			break;
		show(progress, name, &last, done, total);
		json_decref(reply);
		reply = NULL;
	}
	progress_free(&progress);
	free(line);
	return reply;
}

static int
ask(struct arguments *arguments, const char *word, const char *name,
	json_t **out)
{
	int fd = connect_control(&arguments->settings, "control.sock");
	FILE *control = fd >= 0 ? fdopen(fd, "r+") : NULL;

	if (!control)
		return complain(errno == EACCES ? EX_NOPERM : EX_UNAVAILABLE,
			"no server answers on %s/control/control.sock: %s",
			arguments->settings.state, strerror(errno));
	fprintf(control, "%s %s\n", word, name);
	if (fflush(control) == 0)
		*out = read_result(control, name, arguments->is_json);
	fclose(control);
	return *out ? EX_OK
		    : complain(EX_TEMPFAIL,
			      "the server does not answer; what was begun may "
			      "still be under way");
}

/* ---- what came of it ---- */

static const struct {
	const char *outcome;
	int code;
	const char *text;
} failures[] = {
	{"busy", EX_TEMPFAIL,
		"a session has the mailbox open [IN-USE]: try again when it is "
		"over"},
	{"try-later", EX_TEMPFAIL,
		"it cannot be done now; the server's log says why"},
	{"no-space", EX_TEMPFAIL, "there is no room for the new index"},
	{"broken", EX_DATAERR,
		"what is there is no Maildir; the server's log says where"},
	{"peer", EX_UNAVAILABLE, "this store keeps no index"},
};

static int
code_of(const json_t *result, const char *name)
{
	const char *outcome =
		json_string_value(json_object_get(result, "outcome"));
	const char *error = json_string_value(json_object_get(result, "error"));

	if (error || !outcome)
		return complain(EX_TEMPFAIL, "%s: %s", name,
			error ? error : "the server's answer makes no sense");
	for (unsigned i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		if (!strcmp(outcome, failures[i].outcome))
			return complain(failures[i].code, "%s: %s", name,
				failures[i].text);
	return EX_OK; /* "denied" too: nobody has had mail there yet */
}

static const struct {
	const char *key, *one, *many;
} findings[] = {
	{"wrong", "message was not what the index said",
		"messages were not what the index said"},
	{"new", "new message found", "new messages found"},
	{"removed", "message in the index had no file any more",
		"messages in the index had no files any more"},
	{"leftovers", "file that a delivery left in tmp/ removed",
		"files that deliveries left in tmp/ removed"},
	{"uidls_restored", "UIDL noted again as the index has it",
		"UIDLs noted again as the index has them"},
	{"uidls_set_aside_octets", "damaged octet in the file of UIDLs",
		"damaged octets in the file of UIDLs; the whole was kept as "
		"uidls.damaged"},
};

static const char *
state_of(const json_t *result)
{
	if (json_is_true(json_object_get(result, "was_damaged")))
		return "the index was damaged and is made anew";
	if (json_is_true(json_object_get(result, "was_missing")))
		return "there was no index; it is made";
	if (json_is_true(json_object_get(result, "was_made_anew")))
		return "the index is made anew";
	return "the index is in order";
}

static void
print(const json_t *result, const char *name)
{
	const char *outcome =
		json_string_value(json_object_get(result, "outcome"));
	uint64_t count = 0;

	if (!strcmp(outcome, "denied")) {
		printf("%s: there is no mailbox yet\n", name);
		return;
	}
	get_count(result, "count", &count);
	printf("%s: %llu message%s; %s\n", name, (unsigned long long)count,
		count == 1 ? "" : "s", state_of(result));
	for (unsigned i = 0; i < sizeof(findings) / sizeof(findings[0]); i++) {
		uint64_t found = 0;

		if (get_count(result, findings[i].key, &found) && found > 0)
			printf("  %llu %s\n", (unsigned long long)found,
				found == 1 ? findings[i].one
					   : findings[i].many);
	}
}

static int
mend(struct arguments *arguments, const char *word)
{
	json_t *names = json_array(), *result = NULL;
	int code = mailbox_names(arguments, names);
	const char *name = json_string_value(json_array_get(names, 0));

	if (code == EX_OK)
		code = ask(arguments, word, name, &result);
	if (code == EX_OK)
		code = code_of(result, name);
	if (result && arguments->is_json) {
		json_dumpf(result, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (code == EX_OK) {
		print(result, name);
	}
	json_decref(result);
	json_decref(names);
	return code;
}

int
mailbox_repair(struct arguments *arguments)
{
	return mend(arguments, "repair");
}

int
mailbox_rebuild(struct arguments *arguments)
{
	return mend(arguments, "rebuild");
}
