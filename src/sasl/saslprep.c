/* SPDX-License-Identifier: ISC */
#include "sasl/saslprep.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* ---- RFC 3454, tables ---- */

struct range {
	uint32_t first, last;
};

static const struct range mapped_to_nothing[] = {/* B.1 */
	{0x00AD, 0x00AD}, {0x034F, 0x034F}, {0x1806, 0x1806}, {0x180B, 0x180D},
	{0x200B, 0x200D}, {0x2060, 0x2060}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}};

static const struct range spaces[] = {/* C.1.2 */
	{0x00A0, 0x00A0}, {0x1680, 0x1680}, {0x2000, 0x200B}, {0x202F, 0x202F},
	{0x205F, 0x205F}, {0x3000, 0x3000}};

static const struct range prohibited[] = {/* C.2.1 to C.9 */
	{0x0000, 0x001F}, {0x007F, 0x009F}, {0x0340, 0x0341}, {0x06DD, 0x06DD},
	{0x070F, 0x070F}, {0x180E, 0x180E}, {0x200C, 0x200F}, {0x2028, 0x202E},
	{0x2060, 0x2063}, {0x206A, 0x206F}, {0x2FF0, 0x2FFB}, {0xD800, 0xF8FF},
	{0xFDD0, 0xFDEF}, {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFF},
	{0x1D173, 0x1D17A}, {0x1FFFE, 0x1FFFF}, {0x2FFFE, 0x2FFFF},
	{0x3FFFE, 0x3FFFF}, {0x4FFFE, 0x4FFFF}, {0x5FFFE, 0x5FFFF},
	{0x6FFFE, 0x6FFFF}, {0x7FFFE, 0x7FFFF}, {0x8FFFE, 0x8FFFF},
	{0x9FFFE, 0x9FFFF}, {0xAFFFE, 0xAFFFF}, {0xBFFFE, 0xBFFFF},
	{0xCFFFE, 0xCFFFF}, {0xDFFFE, 0xDFFFF}, {0xE0001, 0xE0001},
	{0xE0020, 0xE007F}, {0xEFFFE, 0x10FFFF}};

#define IN(table, c) is_in((table), sizeof(table) / sizeof((table)[0]), (c))

static bool
is_in(const struct range *table, size_t count, uint32_t c)
{
	for (size_t i = 0; i < count; i++)
		if (c >= table[i].first && c <= table[i].last)
			return true;
	return false;
}

/* ---- the steps ---- */

/* Section 2.1; returns how many are left. */
static size_t
map(uint32_t *at, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (IN(mapped_to_nothing, at[i]))
			continue;
		at[kept++] = IN(spaces, at[i]) ? ' ' : at[i];
	}
	return kept;
}

/* Section 2.3. */
static bool
has_prohibited(const uint32_t *at, size_t count, enum saslprep_kind kind)
{
	for (size_t i = 0; i < count; i++)
		if (IN(prohibited, at[i]) || IN(spaces, at[i]) ||
			(kind == SASLPREP_STORED &&
				uc_is_general_category_withtable(
					at[i], UC_CATEGORY_MASK_Cn)))
			return true;
	return false;
}

static bool
is_right_to_left(uint32_t c)
{
	int class = uc_bidi_class(c);

	return class == UC_BIDI_R || class == UC_BIDI_AL;
}

/* Section 2.4, RFC 3454 section 6. */
static bool
has_mixed_directions(const uint32_t *at, size_t count)
{
	bool has_right = false, has_left = false;

	for (size_t i = 0; i < count; i++) {
		has_right = has_right || is_right_to_left(at[i]);
		has_left = has_left || uc_bidi_class(at[i]) == UC_BIDI_L;
	}
	return has_right && (has_left || !is_right_to_left(at[0]) ||
				    !is_right_to_left(at[count - 1]));
}

/* ---- the whole ---- */

/* Frees what may be a password. */
static void
forget(void *at, size_t octets)
{
	if (at)
		explicit_bzero(at, octets);
	free(at);
}

static enum saslprep_result
set(const uint32_t *at, size_t count, struct secret *out)
{
	enum saslprep_result result = SASLPREP_NO_MEMORY;
	size_t octets = 0;
	uint8_t *text = u32_to_u8(at, count, NULL, &octets);

	if (text && secret_set(out, bytes_of(text, octets)))
		result = SASLPREP_DONE;
	forget(text, octets);
	return result;
}

static enum saslprep_result
finish(const uint32_t *at, size_t count, enum saslprep_kind kind,
	struct secret *out)
{
	if (count == 0 || has_prohibited(at, count, kind) ||
		has_mixed_directions(at, count))
		return SASLPREP_PROHIBITED;
	return set(at, count, out);
}

/* Most names and passwords: nothing is mapped, composed or refused. */
static bool
is_plain(struct bytes text)
{
	for (size_t i = 0; i < text.octets; i++)
		if (text.at[i] < ' ' || text.at[i] > '~')
			return false;
	return text.octets > 0;
}

enum saslprep_result
saslprep(struct bytes text, enum saslprep_kind kind, struct secret *out)
{
	enum saslprep_result result = SASLPREP_NO_MEMORY;
	uint32_t *given, *normal = NULL;
	size_t count = 0, mapped, normal_count = 0;

	if (is_plain(text))
		return secret_set(out, text) ? SASLPREP_DONE
					     : SASLPREP_NO_MEMORY;
	if (!utf8_is_valid(text))
		return SASLPREP_NOT_UTF8;
	given = u8_to_u32(text.at, text.octets, NULL, &count);
	if (!given)
		return SASLPREP_NO_MEMORY;
	mapped = map(given, count);
	if (mapped > 0)
		normal = u32_normalize(
			UNINORM_NFKC, given, mapped, NULL, &normal_count);
	else
		result = SASLPREP_PROHIBITED;
	if (normal)
		result = finish(normal, normal_count, kind, out);
	forget(given, count * sizeof(*given));
	forget(normal, normal_count * sizeof(*normal));
	return result;
}
