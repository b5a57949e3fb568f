/* SPDX-License-Identifier: ISC */
#include "store/path.h"

#include <stdio.h>
#include <string.h>

#include "store/uidl.h"

/* Escaped octets kept of a name that is too long. */
#define CUT_OCTETS (STATE_NAME_OCTETS - 1 - 2 - UIDL_OWN_OCTETS)

static bool
append(char *out, size_t *octets, const char *from, size_t from_octets)
{
	if (*octets + from_octets >= MAILBOX_PATH_OCTETS)
		return false;
	memcpy(out + *octets, from, from_octets);
	*octets += from_octets;
	out[*octets] = '\0';
	return true;
}

static bool
append_value(char *out, size_t *octets, char which, const char *mailbox)
{
	const char *at = strrchr(mailbox, '@');
	size_t local = at ? (size_t)(at - mailbox) : strlen(mailbox);

	switch (which) {
	case 'u':
		return append(out, octets, mailbox, strlen(mailbox));
	case 'n':
		return append(out, octets, mailbox, local);
	case 'd':
		return !at || append(out, octets, at + 1, strlen(at + 1));
	case '%':
		return append(out, octets, "%", 1);
	default:
		return false;
	}
}

static bool
components_are_safe(const char *path)
{
	while (*path != '\0') {
		size_t octets = strcspn(path, "/");

		if (octets == 0 || (octets == 1 && path[0] == '.') ||
			(octets == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += octets;
		if (path[0] == '/' && path[1] == '\0')
			return false;
		path += path[0] == '/';
	}
	return true;
}

enum outcome
path_expand(const char *template, const char *mailbox,
	char out[MAILBOX_PATH_OCTETS])
{
	char path[MAILBOX_PATH_OCTETS];
	size_t octets = 0;
	bool fits = true;

	path[0] = '\0';
	for (; *template && fits; template ++) {
		if (*template != '%')
			fits = append(path, &octets, template, 1);
		else
			fits = append_value(
				path, &octets, *++template, mailbox);
		if (*template == '\0')
			break;
	}
	if (!fits || octets == 0 || !components_are_safe(path))
		return ERR_BROKEN;
	memcpy(out, path, octets + 1);
	return OK;
}

static bool
stays(unsigned char c, size_t at)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9'))
		return true;
	return c == '@' || c == '_' || c == '+' || c == '-' ||
	       (c == '.' && at > 0);
}

enum outcome
path_of_state(const char *mailbox, char out[STATE_NAME_OCTETS])
{
	unsigned char digest[UIDL_DIGEST_OCTETS];
	size_t octets = 0, cut = 0;

	for (const char *c = mailbox; *c; c++) {
		bool is_plain = stays((unsigned char)*c, octets);
		size_t more = is_plain ? 1 : 3;

		if (octets + more <= CUT_OCTETS)
			cut = octets + more;
		if (octets + more >= STATE_NAME_OCTETS)
			break;
		if (is_plain)
			out[octets] = *c;
		else
			snprintf(out + octets, STATE_NAME_OCTETS - octets,
				"%%%02X", (unsigned char)*c);
		octets += more;
		out[octets] = '\0';
		if (c[1] == '\0')
			return OK;
	}
	if (!uidl_digest(bytes_of_string(mailbox), digest))
		return ERR_TRY_LATER;
	memcpy(out + cut, "%%", 2);
	uidl_print(digest, out + cut + 2);
	return OK;
}
