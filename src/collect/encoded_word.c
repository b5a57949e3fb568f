/* SPDX-License-Identifier: ISC */
#include "collect/encoded_word.h"
#include "base/base64.h"
#include "base/buffer.h"

#include <iconv.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAXIMUM_OCTETS 4096
#define CHARSET_SIZE	    48

static int
hex_value(char c)
{
	static const char digits[] = "0123456789ABCDEF0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)((at - digits) % 16) : -1;
}

static bool
decode_q(struct bytes text, struct buffer *out)
{
	for (size_t i = 0; i < text.octets; i++) {
		char c = (char)text.at[i];

		if (c == '_')
			c = ' ';
		if (c == '=') {
			int high, low;

			if (i + 2 >= text.octets)
				return false;
			high = hex_value((char)text.at[i + 1]);
			low = hex_value((char)text.at[i + 2]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (!buffer_append(out, &c, 1))
			return false;
	}
	return true;
}

/* Appends `from` as UTF-8 to what *held octets of out hold. */
static bool
convert(const char *charset, struct bytes from, char *out, size_t size,
	size_t *held)
{
	iconv_t cd = iconv_open("UTF-8", charset);
	char *in = (char *)(uintptr_t)from.at, *to = out + *held;
	size_t in_octets = from.octets, room = size - 1 - *held, done;

	if (cd == (iconv_t)-1)
		return false;
	done = iconv(cd, &in, &in_octets, &to, &room);
	iconv_close(cd);
	if (done == (size_t)-1)
		return false;
	for (char *at = out + *held; at < to; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = ' ';
	*held = (size_t)(to - out);
	return true;
}

/* *text stands at "=?"; behind the word when it was one. */
static bool
take_word(const char **text, char *out, size_t size, size_t *held)
{
	const char *charset = *text + 2, *encoding, *body, *end;
	char name[CHARSET_SIZE];
	struct buffer octets;
	bool is_good;

	encoding = strchr(charset, '?');
	if (!encoding || !encoding[1] || encoding[2] != '?')
		return false;
	body = encoding + 3;
	end = strstr(body, "?=");
	if (!end || !bytes_to_string(bytes_of(charset, strcspn(charset, "*?")),
			    name, sizeof(name)))
		return false;
	buffer_init(&octets, WORD_MAXIMUM_OCTETS);
	is_good = strchr("Qq", encoding[1])
			  ? decode_q(bytes_of(body, (size_t)(end - body)),
				    &octets)
			  : strchr("Bb", encoding[1]) &&
				    base64_decode(bytes_of(body,
							  (size_t)(end - body)),
					    &octets);
	is_good = is_good &&
		  convert(name, buffer_bytes(&octets), out, size, held);
	buffer_release(&octets);
	if (is_good)
		*text = end + 2;
	return is_good;
}

void
encoded_words_decode(const char *text, char *out, size_t size)
{
	size_t held = 0;

	while (*text && held + 1 < size) {
		const char *blank;

		if (text[0] != '=' || text[1] != '?' ||
			!take_word(&text, out, size, &held)) {
			out[held++] = *text++;
			continue;
		}
		/* Blanks between two words are part of neither. */
		blank = text + strspn(text, " ");
		if (blank > text && blank[0] == '=' && blank[1] == '?')
			text = blank;
	}
	out[held] = '\0';
}
