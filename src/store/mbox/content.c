/* SPDX-License-Identifier: ISC */
#include "store/mbox/content.h"

#include <string.h>
#include <strings.h>

/* What mutt, pine, UW-IMAP, Thunderbird and mailx write into messages. */
static const char *const notes[] = {"Status", "X-Status", "X-Keywords", "X-UID",
	"X-IMAP", "X-IMAPbase", "Content-Length", "Lines", "X-Mozilla-Status",
	"X-Mozilla-Status2", "X-Mozilla-Keys"};

bool
mbox_content_init(struct mbox_content *c)
{
	*c = (struct mbox_content){.digest = EVP_MD_CTX_new()};
	return c->digest != NULL;
}

void
mbox_content_release(struct mbox_content *c)
{
	EVP_MD_CTX_free(c->digest);
	c->digest = NULL;
}

void
mbox_content_begin(struct mbox_content *c)
{
	c->has_failed = EVP_DigestInit_ex(c->digest, EVP_sha256(), NULL) != 1;
	c->is_body = c->is_skipping = false;
	c->is_line_start = true;
	c->held = 0;
}

static void
digest(struct mbox_content *c, const void *at, size_t octets)
{
	if (octets > 0 && EVP_DigestUpdate(c->digest, at, octets) != 1)
		c->has_failed = true;
}

static bool
is_note(const struct mbox_content *c)
{
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++)
		if (strlen(notes[i]) == c->held &&
			!strncasecmp(notes[i], (const char *)c->name, c->held))
			return true;
	return false;
}

/* What the line is, is known: the rest of it is passed on or skipped. */
static void
settle_line(struct mbox_content *c, bool is_skipping)
{
	c->is_skipping = is_skipping;
	if (!is_skipping)
		digest(c, c->name, c->held);
	c->is_line_start = false;
	c->held = 0;
}

/* The next octet of a header line whose name is not known yet. */
static void
put_name(struct mbox_content *c, unsigned char octet)
{
	bool is_first = c->held == 0;

	if (is_first && (octet == ' ' || octet == '\t')) {
		settle_line(c, c->is_skipping);
	} else if (octet == ':') {
		settle_line(c, is_note(c));
	} else if (octet == '\n') {
		bool is_empty =
			is_first || (c->held == 1 && c->name[0] == '\r');

		settle_line(c, false);
		c->is_body = is_empty;
		c->is_line_start = true;
	} else if (c->held == sizeof(c->name)) {
		settle_line(c, false);
	} else {
		c->name[c->held++] = octet;
		return;
	}
	if (!c->is_skipping)
		digest(c, &octet, 1);
}

static size_t
put_line(struct mbox_content *c, struct bytes rest)
{
	const unsigned char *lf = memchr(rest.at, '\n', rest.octets);
	size_t octets = lf ? (size_t)(lf - rest.at) + 1 : rest.octets;

	if (!c->is_skipping)
		digest(c, rest.at, octets);
	c->is_line_start = lf != NULL;
	return octets;
}

void
mbox_content_put(struct mbox_content *c, struct bytes octets)
{
	while (octets.octets > 0 && !c->is_body) {
		size_t done = 1;

		if (c->is_line_start)
			put_name(c, octets.at[0]);
		else
			done = put_line(c, octets);
		octets = bytes_after(octets, done);
	}
	digest(c, octets.at, octets.octets);
}

bool
mbox_content_end(struct mbox_content *c, unsigned char out[UIDL_DIGEST_OCTETS])
{
	unsigned char whole[EVP_MAX_MD_SIZE];

	digest(c, c->name, c->held);
	if (c->has_failed || EVP_DigestFinal_ex(c->digest, whole, NULL) != 1)
		return false;
	memcpy(out, whole, UIDL_DIGEST_OCTETS);
	return true;
}
