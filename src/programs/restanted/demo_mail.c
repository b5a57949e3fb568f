/* SPDX-License-Identifier: ISC */
#include "programs/restanted/demo.h"

const struct demo_mail demo_mails[] = {
	{"alice", "From: The Post Office <post@localhost>\r\n"
		  "To: Alice <alice@localhost>\r\n"
		  "Subject: Welcome to poste restante\r\n"
		  "Date: Tue, 24 Nov 2026 08:00:00 +0000\r\n"
		  "Message-ID: <welcome.alice@localhost>\r\n"
		  "\r\n"
		  "Dear Alice,\r\n"
		  "\r\n"
		  "your mail is kept here until you call for it.\r\n"
		  "\r\n"
		  ".. and a line that begins with dots arrives as it was "
		  "sent.\r\n"
		  "\r\n"
		  "The Post Office\r\n"},
	{"alice",
		"From: =?UTF-8?Q?Andr=C3=A9?= <andre@localhost>\r\n"
		"To: Alice <alice@localhost>\r\n"
		"Subject: =?UTF-8?Q?Caf=C3=A9_at_four=3F?=\r\n"
		"Date: Tue, 24 Nov 2026 08:05:00 +0000\r\n"
		"Message-ID: <cafe.alice@localhost>\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=UTF-8\r\n"
		"Content-Transfer-Encoding: 8bit\r\n"
		"\r\n"
		"At the caf\303\251 behind the post office? Bring the map.\r\n"
		"\r\n"
		"Andr\303\251\r\n"},
	{"bob", "From: The Post Office <post@localhost>\r\n"
		"To: Bob <bob@localhost>\r\n"
		"Subject: Welcome to poste restante\r\n"
		"Date: Tue, 24 Nov 2026 08:00:00 +0000\r\n"
		"Message-ID: <welcome.bob@localhost>\r\n"
		"\r\n"
		"Dear Bob,\r\n"
		"\r\n"
		"your mail is kept here until you call for it.\r\n"
		"\r\n"
		"The Post Office\r\n"},
};

const unsigned demo_mail_count = sizeof(demo_mails) / sizeof(*demo_mails);
