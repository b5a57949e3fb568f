/* SPDX-License-Identifier: ISC */
#include "setup/files.h"
#include "setup/escape.h"

#include <openssl/evp.h>
#include <string.h>

/* ---- autoconfig ---- */

static bool
put_server(const struct setup_facts *facts, const struct setup_server *server,
	const char *element, const char *type, struct buffer *out)
{
	return buffer_printf(out,
		"<%s type=\"%s\">\n<hostname>%s</hostname>\n<port>%u</port>\n"
		"<socketType>%s</socketType>\n<username>%s</username>\n"
		"<authentication>password-cleartext</authentication>\n</%s>\n",
		element, type, server->host, server->port,
		server->is_starttls ? "STARTTLS" : "SSL",
		facts->is_local_part ? "%EMAILLOCALPART%" : "%EMAILADDRESS%",
		element);
}

bool
setup_write_autoconfig(
	const struct setup_facts *facts, const char *domain, struct buffer *out)
{
	bool is_good =
		buffer_printf(out,
			"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
			"<clientConfig version=\"1.1\">\n"
			"<emailProvider id=\"%s\">\n<domain>%s</domain>\n"
			"<displayName>",
			domain, domain) &&
		setup_escape(facts->name, out) &&
		buffer_append_string(
			out, "</displayName>\n<displayShortName>") &&
		setup_escape(facts->name, out) &&
		buffer_append_string(out, "</displayShortName>\n");

	for (size_t i = 0; i < facts->pop3_count; i++)
		is_good = is_good && put_server(facts, &facts->pop3[i],
					     "incomingServer", "pop3", out);
	if (facts->submission.host[0])
		is_good = is_good && put_server(facts, &facts->submission,
					     "outgoingServer", "smtp", out);
	return is_good && buffer_append_string(out, "<documentation url=\"") &&
	       setup_escape(facts->url, out) &&
	       buffer_append_string(
		       out, "\"/>\n</emailProvider>\n</clientConfig>\n");
}

/* ---- a profile ---- */

/* The same for the same address, so that a profile that is fetched again takes
   the place of the one before. */
static bool
put_uuid(const char *what, const struct setup_facts *facts,
	const struct setup_who *who, struct buffer *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE] = {0}, *d = digest;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const char *parts[] = {what, facts->pop3[0].host, who->address};
	bool is_good =
		context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; i < 3; i++)
		is_good = is_good && EVP_DigestUpdate(context, parts[i],
					     strlen(parts[i]) + 1) == 1;
	is_good = is_good && EVP_DigestFinal_ex(context, digest, NULL) == 1;
	EVP_MD_CTX_free(context);
	/* RFC 9562: version 8, of a kind of its own. */
	d[6] = (d[6] & 0x0F) | 0x80;
	d[8] = (d[8] & 0x3F) | 0x80;
	return is_good &&
	       buffer_printf(out,
		       "<key>PayloadUUID</key><string>%02X%02X%02X%02X-%02X%02X"
		       "-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X</string>\n",
		       d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8],
		       d[9], d[10], d[11], d[12], d[13], d[14], d[15]);
}

static bool
put_string(const char *key, const char *value, struct buffer *out)
{
	return buffer_printf(out, "<key>%s</key><string>", key) &&
	       setup_escape(value, out) &&
	       buffer_append_string(out, "</string>\n");
}

/* Incoming or Outgoing. Apple's "UseSSL" is whichever TLS the port has. */
static bool
put_mail_server(const char *which, const struct setup_server *server,
	const char *login, struct buffer *out)
{
	return buffer_printf(out,
		       "<key>%sMailServerAuthentication</key><string>"
		       "EmailAuthPassword</string>\n"
		       "<key>%sMailServerHostName</key><string>%s</string>\n"
		       "<key>%sMailServerPortNumber</key><integer>%u</"
		       "integer>\n"
		       "<key>%sMailServerUseSSL</key><true/>\n"
		       "<key>%sMailServerUsername</key><string>",
		       which, which, server->host, which, server->port, which,
		       which) &&
	       setup_escape(login, out) &&
	       buffer_append_string(out, "</string>\n");
}

static bool
put_account(const struct setup_facts *facts, const struct setup_who *who,
	struct buffer *out)
{
	const char *login = setup_login(facts, who);

	return buffer_append_string(out,
		       "<dict>\n<key>PayloadType</key><string>"
		       "com.apple.mail.managed</string>\n"
		       "<key>PayloadVersion</key><integer>1</integer>\n"
		       "<key>EmailAccountType</key><string>EmailTypePOP"
		       "</string>\n"
		       "<key>OutgoingPasswordSameAsIncomingPassword</key>"
		       "<true/>\n") &&
	       put_uuid("account", facts, who, out) &&
	       put_string("PayloadIdentifier", facts->url, out) &&
	       put_string("PayloadDisplayName", facts->name, out) &&
	       put_string("EmailAccountDescription", facts->name, out) &&
	       put_string("EmailAddress", who->address, out) &&
	       put_mail_server("Incoming", &facts->pop3[0], login, out) &&
	       put_mail_server("Outgoing", &facts->submission, login, out) &&
	       buffer_append_string(out, "</dict>\n");
}

bool
setup_write_profile(const struct setup_facts *facts,
	const struct setup_who *who, struct buffer *out)
{
	return buffer_append_string(out,
		       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		       "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
		       "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
		       "<plist version=\"1.0\">\n<dict>\n"
		       "<key>PayloadType</key><string>Configuration</string>\n"
		       "<key>PayloadVersion</key><integer>1</integer>\n") &&
	       put_uuid("profile", facts, who, out) &&
	       put_string("PayloadIdentifier", facts->pop3[0].host, out) &&
	       put_string("PayloadDisplayName", facts->name, out) &&
	       put_string("PayloadDescription",
		       "Sets up mail. It asks for the password when it is "
		       "installed.",
		       out) &&
	       buffer_append_string(
		       out, "<key>PayloadContent</key>\n<array>\n") &&
	       put_account(facts, who, out) &&
	       buffer_append_string(out, "</array>\n</dict>\n</plist>\n");
}
