/* SPDX-License-Identifier: ISC */
/* restante doctor: looks at everything an account needs, in order. */
#include "programs/restante/doctor.h"
#include "programs/json_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* ---- saying ---- */

void
doctor_says(struct doctor *doctor, const char *step, enum finding_kind kind,
	const char *format, ...)
{
	struct diagnosis *one = &doctor->steps[doctor->count];
	va_list arguments;

	if (doctor->count == FINDINGS_MAXIMUM)
		return;
	doctor->count++;
	one->step = step;
	one->kind = kind;
	va_start(arguments, format);
	vsnprintf(one->text, sizeof(one->text), format, arguments);
	va_end(arguments);
}

void
doctor_advises(struct doctor *doctor, int code, const char *format, ...)
{
	struct diagnosis *one = &doctor->steps[doctor->count - 1];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(one->advice, sizeof(one->advice), format, arguments);
	va_end(arguments);
	if (one->kind == FINDING_BAD && doctor->code == EX_OK)
		doctor->code = code;
}

/* ---- printing ---- */

static const char *
word_of(enum finding_kind kind, bool is_coloured)
{
	static const char *const words[] = {"ok  ", "WARN", "BAD ", "--  "};
	static const char *const coloured[] = {"\033[32mok  \033[0m",
		"\033[33mWARN\033[0m", "\033[31mBAD \033[0m", "--  "};

	return is_coloured ? coloured[kind] : words[kind];
}

static void
print(const struct doctor *doctor)
{
	const char *plain = getenv("NO_COLOR");
	bool is_coloured = isatty(STDOUT_FILENO) && (!plain || !*plain);
	const struct collect_account *account = doctor->account;

	printf("%s: %s port %u, %s:%u\n\n", account->name, account->host,
		account_port(account), account->file, account->line);
	for (size_t i = 0; i < doctor->count; i++) {
		const struct diagnosis *one = &doctor->steps[i];

		printf("  %s  %-12s %s\n", word_of(one->kind, is_coloured),
			one->step, one->text);
		if (one->advice[0])
			printf("                     -> %s\n", one->advice);
	}
}

static void
print_json(const struct doctor *doctor)
{
	static const char *const kinds[] = {
		"good", "warning", "bad", "skipped"};
	json_t *list = json_array(), *object;

	for (size_t i = 0; i < doctor->count; i++) {
		const struct diagnosis *one = &doctor->steps[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:o}", "step",
				      one->step, "result", kinds[one->kind],
				      "text", json_text(one->text), "advice",
				      json_text(one->advice)));
	}
	object = json_pack("{s:s, s:b, s:o}", "account", doctor->account->name,
		"is_good", (int)(doctor->code == EX_OK), "steps", list);
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

/* ---- all of it ---- */

static void
examine(struct doctor *doctor)
{
	bool has_password = doctor_has_password(doctor);
	bool is_served = doctor_looks_at_server(doctor);
	struct ledger *ledger = doctor_looks_at_ledger(doctor);

	if (has_password && is_served && ledger)
		doctor_logs_in(doctor, ledger);
	else
		doctor_says(doctor, "login", FINDING_SKIPPED, "not tried");
	doctor_looks_at_delivery(doctor);
	doctor_looks_at_disk(doctor);
	doctor_looks_at_clock(doctor, ledger);
	ledger_close(&ledger);
}

int
examine_account(struct arguments *arguments)
{
	struct doctor *doctor = calloc(1, sizeof(*doctor));
	const char *name = arguments->operands.at[0];
	int code;

	if (!doctor)
		return complain(EX_OSERR, "no memory");
	doctor->arguments = arguments;
	doctor->account = collect_settings_find(&arguments->settings, name);
	if (!doctor->account) {
		free(doctor);
		return complain(EX_USAGE,
			"there is no account %s; \"restante account list\" "
			"shows what there is",
			name);
	}
	examine(doctor);
	if (arguments->is_json)
		print_json(doctor);
	else
		print(doctor);
	code = doctor->code;
	secret_release(&doctor->password);
	secret_release(&doctor->deliver_password);
	free(doctor);
	return code;
}
