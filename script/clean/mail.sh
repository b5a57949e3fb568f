# SPDX-License-Identifier: ISC
# What must be so with every MTA in front; read by the part of package-check and
# guide-check that runs in the clean system. Mail comes from 192.0.2.25, which no
# MTA takes for a machine of its own.

USER=alice@example.org
CA=/var/lib/restante/tls/certificate.pem

fail() {
	echo "check: $*"
	journalctl --no-pager -o cat >/root/journal
	tail -n 20 /var/log/exim4/mainlog >>/root/journal 2>/dev/null
	exit 1
}

# until_true SECONDS COMMAND...
until_true() {
	end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt $end ] || fail "in vain: $*"
		sleep 0.2
	done
}

# Runs what a page says, but types the password.
follow() {
	{
		cat <<-'END'
			restantectl() {
				case "$1 $2" in
				'user add') set -- "$@" --password-stdin ;;
				esac
				echo sesame | /usr/bin/restantectl "$@"
			}
		END
		cat "$1"
	} >/root/followed
	sh -ex /root/followed >/root/followed.log 2>&1 || {
		cat /root/followed.log
		fail "$1 cannot be followed"
	}
}

has_messages() {
	restantectl mailbox list $USER | grep -q "^$USER  *$1 "
}

smtp() { # smtp RECIPIENT FILE
	curl -sS --url smtp://192.0.2.25 --upload-file "$2" \
		--mail-from ruth@example.com --mail-rcpt "$1" 2>/root/smtp.log
}

pop3() { # pop3 NUMBER
	curl -sS --cacert $CA -u $USER:sesame "pop3s://$(hostname)/$1"
}

body() { sed '1,/^\r*$/d' | tr -d '\r'; }

# message SUBJECT [KIBIBYTES]: octets that 7 bits, dots or lines could spoil.
message() {
	printf 'From: ruth@example.com\nTo: %s\nSubject: %s\n' $USER "$1"
	printf 'MIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n'
	printf 'Content-Type: text/plain; charset=iso-8859-1\n\n'
	printf '.\n..\n.a line\n\344\366\374 \200\377\n%0900d\n>From\n' 0
	[ -z "${2-}" ] || head -c "$((768 * $2))" /dev/urandom | base64
	echo end
}

write_message() { message "$@" | sed 's/$/\r/' >/root/sent; }

arrives() { # arrives NUMBER RECIPIENT SUBJECT [KIBIBYTES]
	write_message "$3" ${4-}
	until_true 60 smtp "$2" /root/sent
	until_true 60 has_messages "$1"
	pop3 "$1" | body >/root/came
	body </root/sent | cmp - /root/came || fail "$3 came otherwise"
}

is_refused() {
	write_message stranger
	until_true 60 eval '! smtp nobody@example.org /root/sent && grep -q " 55[0-9]" /root/smtp.log'
}

# Taken and kept until restanted is back, or refused for now; never for good.
while_away() {
	systemctl stop restante.socket restante
	write_message away
	if smtp $USER /root/sent; then
		sleep 3
		systemctl start restante
		until_true 20 restantectl status
		follow /root/after-away
	else
		grep -q ' 4[0-9][0-9]' /root/smtp.log ||
			fail "while restanted is away: $(cat /root/smtp.log)"
		systemctl start restante
		until_true 60 smtp $USER /root/sent
	fi
	until_true 60 has_messages 4
}

# Four messages are there afterwards.
check_mail() {
	restantectl alias add postmaster@example.org $USER
	arrives 1 $USER eight-bits
	is_refused
	arrives 2 postmaster@example.org alias
	arrives 3 $USER large 8192
	while_away
	is_refused
}
