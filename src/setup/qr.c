/* SPDX-License-Identifier: ISC */
/* The QR code of the page's URL, by libqrencode. Source: ISO/IEC 18004. */
#include "setup/facts.h"

#include <qrencode.h>
#include <string.h>

#define QUIET_ZONE 4 /* modules around it */

/* A row's dark modules, each run of them one rectangle. */
static bool
put_row(const QRcode *code, int row, struct buffer *out)
{
	const unsigned char *modules = code->data + row * code->width;
	bool is_good = true;

	for (int x = 0; x < code->width && is_good; x++) {
		int run = 0;

		while (x + run < code->width && modules[x + run] & 1)
			run++;
		if (run > 0)
			is_good = buffer_printf(out, "M%d %dh%dv1h-%dz",
				x + QUIET_ZONE, row + QUIET_ZONE, run, run);
		x += run;
	}
	return is_good;
}

static bool
put_svg(const QRcode *code, struct buffer *out)
{
	int width = code->width + 2 * QUIET_ZONE;
	bool is_good = buffer_printf(out,
		"<svg class=\"qr\" viewBox=\"0 0 %d %d\" role=\"img\" "
		"aria-label=\"QR code of this page's address\" "
		"shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 "
		"0h%dv%dH0z\"/><path fill=\"#000\" d=\"",
		width, width, width, width);

	for (int row = 0; row < code->width && is_good; row++)
		is_good = put_row(code, row, out);
	return is_good && buffer_append_string(out, "\"/></svg>\n");
}

bool
setup_draw_qr(const char *url, struct buffer *out)
{
	QRcode *code = QRcode_encodeString8bit(url, 0, QR_ECLEVEL_M);
	bool is_good = code && put_svg(code, out);

	QRcode_free(code);
	return is_good;
}
