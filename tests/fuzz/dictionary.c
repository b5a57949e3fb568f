/* SPDX-License-Identifier: ISC */
/*
 * Prints the words that a fuzzer is to know, as libFuzzer's -dict has them, one
 * file for each protocol. They come from the tables that own them, so that a new
 * command or setting is fuzzed without a word more.
 *
 * usage: dictionary pop3|lmtp|settings
 */
#include <stdio.h>
#include <string.h>

#include "config/server_settings.h"
#include "lmtp/commands.h"
#include "pop3/commands.h"

static void
put(const char *word, size_t octets)
{
	putchar('"');
	for (size_t i = 0; i < octets; i++) {
		unsigned char octet = (unsigned char)word[i];

		if (octet > ' ' && octet < 0x7f && octet != '"' &&
			octet != '\\')
			putchar(octet);
		else
			printf("\\x%02x", octet);
	}
	puts("\"");
}

static void
put_word(const char *word)
{
	put(word, strlen(word));
}

static int
put_pop3(void)
{
	static const char *const more[] = {"+OK ", "-ERR ", "+ ", "\r\n",
		".\r\n", " 1\r\n", "[IN-USE] ", "[AUTH] ", "[SYS/TEMP] ",
		"[SYS/PERM] ", "[LOGIN-DELAY] ", "EXPIRE NEVER",
		"LOGIN-DELAY 10 USER", "SASL PLAIN LOGIN",
		"AGFsaWNlAHNlY3JldA=="};

	for (unsigned i = 0; i < pop3_command_count; i++) {
		put_word(pop3_commands[i].verb);
		if (pop3_commands[i].capability)
			put_word(pop3_commands[i].capability);
	}
	for (unsigned i = 0; pop3_plain_capabilities[i]; i++)
		put_word(pop3_plain_capabilities[i]);
	for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		put_word(more[i]);
	return 0;
}

static int
put_lmtp(void)
{
	static const char *const more[] = {" FROM:<a@b>", " TO:<c@d>",
		" SIZE=100", " BODY=8BITMIME", " SMTPUTF8", "\r\n", "\r\n.\r\n",
		"\n.\n", "\r.\r", ".."};

	for (unsigned i = 0; i < lmtp_command_count; i++)
		put_word(lmtp_commands[i].verb);
	for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		put_word(more[i]);
	return 0;
}

/* Its sample has every section and key, as comments or not. */
static int
put_settings(void)
{
	struct buffer sample;
	struct bytes rest;

	buffer_init(&sample, 1u << 20);
	if (!server_settings_sample(&sample))
		return 1;
	rest = buffer_bytes(&sample);
	while (rest.octets > 0) {
		struct bytes line = bytes_cut(&rest, '\n');

		while (line.octets > 0 &&
			(line.at[0] == ';' || line.at[0] == '#'))
			line = bytes_after(line, 1);
		if (bytes_has(line, '=') || bytes_has(line, '['))
			put((const char *)line.at, line.octets);
	}
	buffer_release(&sample);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *which = argc == 2 ? argv[1] : "";

	if (!strcmp(which, "pop3"))
		return put_pop3();
	if (!strcmp(which, "lmtp"))
		return put_lmtp();
	if (!strcmp(which, "settings"))
		return put_settings();
	fputs("usage: dictionary pop3|lmtp|settings\n", stderr);
	return 64;
}
