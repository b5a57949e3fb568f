/* SPDX-License-Identifier: ISC */
/*
 * answer - what the set-up listener says to a request: a page, a file for a mail
 * program, or why not. Pure.
 *
 *	GET	/	what to type into a mail program
 *	GET	/mail/config-v1.1.xml
 *	GET	/.well-known/autoconfig/mail/config-v1.1.xml
 *	POST	/autodiscover/autodiscover.xml, in any case of letters
 *	GET	/mail.mobileconfig?emailaddress=
 *
 * HEAD is GET without what follows the head. The connection is closed after
 * every answer.
 */
#ifndef SETUP_ANSWER_H
#define SETUP_ANSWER_H

#include "setup/facts.h"
#include "setup/http_request.h"

/* The status that was written, with its answer, into `out`; 0: no room. */
unsigned setup_answer(const struct setup_facts *facts,
	const struct http_request *request, struct buffer *out);
/* The same for what http_request_read refused. */
unsigned setup_refuse(unsigned status, struct buffer *out);

#endif
