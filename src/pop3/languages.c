/* SPDX-License-Identifier: ISC */
#include "pop3/languages.h"

#include <string.h>

enum { I_DEFAULT, ENGLISH, GERMAN, FRENCH };

const struct pop3_language pop3_languages[] = {
	[I_DEFAULT] = {"i-default", "English, for everybody"},
	[ENGLISH] = {"en", "English"},
	[GERMAN] = {"de", "Deutsch"},
	[FRENCH] = {"fr", "Français"},
};

const unsigned pop3_language_count =
	sizeof(pop3_languages) / sizeof(pop3_languages[0]);

/* %1 and %2 are numbers, %s is the session's id. A reply line has 512 octets at most. */
static const struct {
	const char *english, *german, *french;
} texts[] = {
	{"plain passwords need TLS here: use port 995 or give STLS first",
		"Passwörter nur mit TLS: Port 995 nehmen oder zuerst STLS "
		"geben",
		"mots de passe seulement sous TLS : port 995, ou d'abord STLS"},
	{"USER needs a name", "USER braucht einen Namen",
		"USER demande un nom"},
	{"out of memory", "kein Speicher frei", "mémoire épuisée"},
	{"now the password", "jetzt das Passwort",
		"le mot de passe maintenant"},
	{"PASS comes after USER", "PASS kommt nach USER",
		"PASS vient après USER"},
	{"PASS needs a password", "PASS braucht ein Passwort",
		"PASS demande un mot de passe"},
	{"APOP needs a name and a digest of 32 digits",
		"APOP braucht einen Namen und 32 Ziffern",
		"APOP demande un nom et 32 chiffres"},
	{"mechanisms follow", "es folgen die Verfahren",
		"voici les mécanismes"},
	{"no such mechanism", "das Verfahren gibt es nicht",
		"ce mécanisme n'existe pas"},
	{"not base64", "das ist kein base64", "ce n'est pas du base64"},
	{"login cancelled", "Anmeldung abgebrochen", "connexion annulée"},
	{"the message cannot be listed",
		"die Nachricht kann nicht aufgelistet werden",
		"le message ne peut pas être listé"},
	{"unique ids follow", "es folgen die Kennungen",
		"voici les identifiants"},
	{"octets follow", "es folgen die Größen", "voici les tailles"},
	{"capabilities follow", "es folgen die Fähigkeiten",
		"voici les capacités"},
	{"%1 octets", "%1 Oktette", "%1 octets"},
	{"top of it follows", "es folgt der Anfang", "en voici le début"},
	{"that is not a message number", "das ist keine Nachrichtennummer",
		"ce n'est pas un numéro de message"},
	{"no such message", "die Nachricht gibt es nicht",
		"ce message n'existe pas"},
	{"that message is marked deleted",
		"die Nachricht ist als gelöscht markiert",
		"ce message est marqué effacé"},
	{"an argument is missing", "ein Argument fehlt",
		"il manque un argument"},
	{"too many arguments", "zu viele Argumente", "trop d'arguments"},
	{"TOP needs a message number and a number of lines",
		"TOP braucht eine Nachrichtennummer und eine Zeilenzahl",
		"TOP demande un numéro de message et un nombre de lignes"},
	{"unknown command", "unbekannter Befehl", "commande inconnue"},
	{"log in first", "erst anmelden", "connectez-vous d'abord"},
	{"you are logged in already", "die Anmeldung ist schon geschehen",
		"vous êtes déjà connecté"},
	{"that line is too long", "die Zeile ist zu lang",
		"cette ligne est trop longue"},
	{"a NUL has no place in a command",
		"NUL hat in einem Befehl nichts verloren",
		"NUL n'a pas sa place dans une commande"},
	{"maildrop has %1 messages (%2 octets)",
		"%1 Nachrichten im Postfach (%2 Oktette)",
		"la boîte contient %1 messages (%2 octets)"},
	{"maildrop has %1 messages (%2 octets), session %s",
		"%1 Nachrichten im Postfach (%2 Oktette), Sitzung %s",
		"la boîte contient %1 messages (%2 octets), session %s"},
	{"that is not how the mechanism goes", "so geht das Verfahren nicht",
		"le mécanisme ne va pas ainsi"},
	{"wrong user name or password", "Name oder Passwort falsch",
		"nom ou mot de passe erroné"},
	{"the maildrop is open in another session",
		"das Postfach ist in einer anderen Sitzung offen",
		"la boîte est ouverte dans une autre session"},
	{"the last login was not long ago",
		"die letzte Anmeldung ist noch nicht lange her",
		"la dernière connexion est trop récente"},
	{"the maildrop cannot be opened now",
		"das Postfach kann jetzt nicht geöffnet werden",
		"la boîte ne peut pas être ouverte maintenant"},
	{"some deleted messages not removed",
		"gelöschte Nachrichten wurden nicht entfernt",
		"des messages effacés n'ont pas été supprimés"},
	{"bye (%1 messages removed)",
		"auf Wiedersehen (%1 Nachrichten entfernt)",
		"au revoir (%1 messages supprimés)"},
	{"the message cannot be read",
		"die Nachricht kann nicht gelesen werden",
		"le message ne peut pas être lu"},
	{"TLS is on already", "TLS ist schon an", "TLS est déjà actif"},
	{"there is no TLS here", "hier gibt es kein TLS",
		"il n'y a pas de TLS ici"},
	{"STLS comes before UTF8", "STLS kommt vor UTF8",
		"STLS vient avant UTF8"},
	{"begin TLS", "TLS kann beginnen", "TLS peut commencer"},
	{"still here", "noch da", "toujours là"},
	{"the message cannot be deleted",
		"die Nachricht kann nicht gelöscht werden",
		"le message ne peut pas être effacé"},
	{"this login may only read", "diese Anmeldung darf nur lesen",
		"cette connexion ne peut que lire"},
	{"message %1 marked deleted", "Nachricht %1 als gelöscht markiert",
		"message %1 marqué effacé"},
	{"bye", "auf Wiedersehen", "au revoir"},
	{"too many bad commands, closing",
		"zu viele falsche Befehle, die Verbindung endet",
		"trop d'erreurs, fin de la connexion"},
	{"this message needs UTF8, which stands before the login",
		"diese Nachricht braucht UTF8, vor der Anmeldung",
		"ce message demande UTF8, avant la connexion"},
	{"UTF-8 from now on", "ab jetzt UTF-8", "UTF-8 dorénavant"},
	{"that is not UTF-8", "das ist kein UTF-8", "ce n'est pas de l'UTF-8"},
	{"a character there is not allowed",
		"ein Zeichen darin ist nicht erlaubt",
		"un caractère n'y est pas permis"},
	{"languages follow", "es folgen die Sprachen", "voici les langues"},
	{"no such language", "die Sprache gibt es nicht",
		"cette langue n'existe pas"},
	{"English it is", "nun auf Deutsch", "en français désormais"},
	{"server is going down", "der Server wird beendet",
		"le serveur s'arrête"},
	{"mail store restarted, log in again",
		"der Mailspeicher wurde neu gestartet, bitte neu anmelden",
		"le stockage a redémarré, reconnectez-vous"},
	{"lost the lock on the maildrop, log in again",
		"die Sperre des Postfachs ging verloren, bitte neu anmelden",
		"le verrou de la boîte est perdu, reconnectez-vous"},
};

const char *
pop3_text_at(unsigned index)
{
	return index < sizeof(texts) / sizeof(texts[0]) ? texts[index].english
							: NULL;
}

const char *
pop3_translate(unsigned language, const char *english)
{
	if (language != GERMAN && language != FRENCH)
		return english;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(texts[i].english, english) == 0)
			return language == GERMAN ? texts[i].german
						  : texts[i].french;
	return english;
}

static bool
find(struct bytes tag, unsigned *out)
{
	for (unsigned i = 0; i < pop3_language_count; i++) {
		if (bytes_equal_ignoring_case(
			    tag, bytes_of_string(pop3_languages[i].tag))) {
			*out = i;
			return true;
		}
	}
	return false;
}

bool
pop3_find_language(struct bytes range, unsigned *out)
{
	while (range.octets > 0) {
		if (find(range, out))
			return true;
		while (range.octets > 0 && range.at[--range.octets] != '-')
			continue;
	}
	return false;
}
