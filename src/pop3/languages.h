/* SPDX-License-Identifier: ISC */
/*
 * languages - the human text of replies in the languages LANG knows. Handlers
 * say it in English; here is what stands for it in others.
 *
 * Source: RFC 6856 section 3, RFC 4647 section 3.4.
 */
#ifndef POP3_LANGUAGES_H
#define POP3_LANGUAGES_H

#include "base/bytes.h"

struct pop3_language {
	const char *tag;
	const char *name; /* in the language itself */
};

/* The first is i-default, which every session begins with. */
extern const struct pop3_language pop3_languages[];
extern const unsigned pop3_language_count;

/*
 * The language for a basic language range: its tag, or that of the range with
 * subtags taken off its end ("de-CH" is "de"). False: there is none.
 */
bool pop3_find_language(struct bytes range, unsigned *out);

/* The text in that language; the English one where there is no other. */
const char *pop3_translate(unsigned language, const char *english);

/* For tests: the texts that are translated, in order; NULL behind the last. */
const char *pop3_text_at(unsigned index);

#endif
