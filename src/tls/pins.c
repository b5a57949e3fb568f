/* SPDX-License-Identifier: ISC */
#include "tls/pins.h"
#include "base/base64.h"

#include <stdio.h>
#include <string.h>

#define PREFIX	      "sha256//"
#define PREFIX_OCTETS (sizeof(PREFIX) - 1)

static bool
parse_pin(struct bytes word, unsigned char out[TLS_PIN_OCTETS])
{
	struct buffer digest;
	bool is_pin = false;

	if (word.octets <= PREFIX_OCTETS ||
		memcmp(word.at, PREFIX, PREFIX_OCTETS) != 0)
		return false;
	buffer_init(&digest, TLS_PIN_OCTETS);
	if (base64_decode(bytes_after(word, PREFIX_OCTETS), &digest) &&
		digest.octets == TLS_PIN_OCTETS) {
		memcpy(out, buffer_bytes(&digest).at, TLS_PIN_OCTETS);
		is_pin = true;
	}
	buffer_release(&digest);
	return is_pin;
}

bool
tls_pins_parse(const char *text, struct tls_pins *out)
{
	struct bytes rest = bytes_trim(bytes_of_string(text));
	struct tls_pins pins = {0};

	while (rest.octets > 0) {
		struct bytes word = bytes_trim(bytes_cut(&rest, ','));

		if (pins.count == TLS_PINS_MAXIMUM ||
			!parse_pin(word, pins.digests[pins.count]))
			return false;
		pins.count++;
	}
	*out = pins;
	return true;
}

bool
tls_pins_have(
	const struct tls_pins *pins, const unsigned char digest[TLS_PIN_OCTETS])
{
	for (size_t i = 0; i < pins->count; i++)
		if (memcmp(pins->digests[i], digest, TLS_PIN_OCTETS) == 0)
			return true;
	return false;
}

const char *
tls_pin_text(
	const unsigned char digest[TLS_PIN_OCTETS], char out[TLS_PIN_TEXT_SIZE])
{
	struct buffer text;

	out[0] = '\0';
	buffer_init(&text, TLS_PIN_TEXT_SIZE);
	if (base64_encode(bytes_of(digest, TLS_PIN_OCTETS), &text))
		snprintf(out, TLS_PIN_TEXT_SIZE, PREFIX "%.*s",
			(int)text.octets, (const char *)buffer_bytes(&text).at);
	buffer_release(&text);
	return out;
}
