# SPDX-License-Identifier: ISC
# Becomes systemd, the init of the system in PLACE, in new namespaces.
#
# usage: boot.sh PLACE NAME     (by clean_boot)
set -e

hostname "$2"
ip link set lo up
ip address add 192.0.2.25/32 dev lo
cd "$1"
mount --bind . .
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
for folder in run tmp dev; do
	mount -t tmpfs -o mode=755 tmpfs $folder
done
chmod 1777 tmp
for device in null zero full random urandom tty; do
	touch dev/$device
	mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
	chroot . /lib/systemd/systemd
