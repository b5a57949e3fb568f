# SPDX-License-Identifier: ISC
# A clean Debian 12 with systemd as its init, for checks of what an administrator
# does: read by script/package-check and script/guide-check. In namespaces of its
# own, so that the real ports are free and nothing is left running. As root, in the
# project's folder.
#
# What is downloaded stays in build-clean/ for the next time.

MIRROR=${RESTANTE_MIRROR:-http://deb.debian.org/debian}
NAME=mail.example.org
CLEAN=$PWD/build-clean

fail() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# What an administrator types as root: the code marked sh of a page, or of one
# of its sections, from its Nth block to the end or to its Mth.
# blocks FILE [HEADING [N [M]]]
blocks() {
	awk -v "heading=${2-}" -v "first=${3:-1}" -v "last=${4:-999}" '
		BEGIN { is_there = heading == "" }
		/^```/ {
			is_code = !is_code
			is_sh = is_code && $0 == "```sh"
			count += is_sh && is_there
			next
		}
		/^#/ && !is_code { is_there = heading == "" || $0 == heading }
		is_sh && is_there && count >= first && count <= last
	' "$1"
}

clean_base() {
	[ "$(id -u)" = 0 ] || fail 'must be run by root'
	mkdir -p "$CLEAN/archives/partial"
	[ ! -e "$CLEAN/bookworm.tar" ] || return 0
	debootstrap --variant=minbase --include=systemd-sysv bookworm \
		"$CLEAN/fresh" "$MIRROR" >"$CLEAN/debootstrap.log" 2>&1 ||
		fail "debootstrap failed: $CLEAN/debootstrap.log"
	tar -C "$CLEAN/fresh" -cf "$CLEAN/bookworm.tar.new" .
	rm -rf "$CLEAN/fresh"
	mv "$CLEAN/bookworm.tar.new" "$CLEAN/bookworm.tar"
}

# clean_make PLACE: a new system there, in which services wait for the boot.
clean_make() {
	tar -C "$1" -xf "$CLEAN/bookworm.tar"
	chmod 755 "$1"
	printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
	chmod 755 "$1/usr/sbin/policy-rc.d"
	echo 'APT::Get::Assume-Yes "true";' >"$1/etc/apt/apt.conf.d/yes"
	cp /etc/resolv.conf "$1/etc/resolv.conf"
	printf '127.0.0.1 %s localhost\n::1 localhost\n' $NAME >"$1/etc/hosts"
	echo $NAME >"$1/etc/hostname"
	echo $NAME >"$1/etc/mailname"
}

# clean_run PLACE LOG <SCRIPT: with the network, before the boot: apt-get. One at a
# time, since all keep what they download in the same folder.
clean_run() {
	cat >"$1/root/with-network"
	flock "$CLEAN" unshare --mount --pid --fork --kill-child sh -ec '
		mount -t proc proc "$1/proc"
		mount --bind "$2" "$1/var/cache/apt/archives"
		DEBIAN_FRONTEND=noninteractive chroot "$1" \
			sh -ex /root/with-network
	' clean "$1" "$CLEAN/archives" >"$2" 2>&1 </dev/null || {
		tail -n 40 "$2" >&2
		fail "in the clean system: $2"
	}
}

# clean_boot PLACE COMMAND: without a network but loopback; the command is run
# by a unit once everything else is up, then the system is switched off.
clean_boot() {
	cat >"$1/etc/systemd/system/check.service" <<-END
		[Unit]
		After=multi-user.target
		SuccessAction=exit-force
		[Service]
		Type=oneshot
		Environment=HOME=/root
		StandardOutput=file:/root/said
		StandardError=inherit
		ExecStart=-/bin/sh -c '$2; echo \$\$? >/root/result'
		[Install]
		WantedBy=default.target
	END
	chroot "$1" systemctl -q enable check.service
	rm -f "$1/root/result"
	group=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$group" ] || fail 'no cgroup2 is mounted; systemd needs it'
	mkdir "$group/restante-$$"
	sh -c 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"' sh \
		"$group/restante-$$" \
		unshare --cgroup --mount --net --uts --ipc --pid --fork \
		--kill-child sh script/clean/boot.sh "$1" $NAME \
		>"$1/root/boot.log" 2>&1 </dev/null &
	booted=$!
	trap 'kill -9 $booted; exit 130' INT TERM
	wait $booted || :
	find "$group/restante-$$" -depth -type d -exec rmdir {} \;
	cat "$1/root/said"
	[ "$(cat "$1/root/result" 2>/dev/null)" = 0 ] || {
		tail -n 40 "$1/root/journal" 2>/dev/null
		fail 'see above'
	}
}
