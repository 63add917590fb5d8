#!/usr/bin/env bash
# Proves ./run on a fresh Debian: in a chroot where nothing is installed, as root and as an ordinary user.
# Needs root, debootstrap and the packages' servers. `chroot.sh user` or `chroot.sh root` does one of the two.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

suite=${MOSAIC_CHROOT_SUITE:-bookworm}
cache=${MOSAIC_CHROOT_CACHE:-/var/tmp/mosaic-chroot}
mirror=http://deb.debian.org

say() { printf '==> %s\n' "$*" >&2; }
[ "$(id -u)" = 0 ] || { say "Only root can make a chroot."; exit 1; }

fresh=$cache/$suite
if [ ! -d "$fresh/etc" ]; then
    say "A fresh Debian $suite in $fresh"
    mkdir -p "$cache"
    debootstrap --variant=minbase "$suite" "$fresh" "$mirror/debian" >"$cache/debootstrap.log"
fi
places=()
leave() { # leave PLACE: ends what runs in it, by its root directory and only that, and deletes it.
    local process
    for process in /proc/[0-9]*; do
        [ "$(readlink "$process/root" 2>/dev/null)" != "$1" ] || kill -KILL "${process#/proc/}" 2>/dev/null || true
    done
    umount "$1/dev/pts" "$1/proc" || { say "$1 stays: something in it is busy"; return; }
    rm -rf --one-file-system "$1"
}
finish() {
    for place in ${places[@]+"${places[@]}"}; do leave "$place"; done
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

enter() { # Makes a copy of the fresh Debian and calls it $place.
    place=$(mktemp -d "$cache/trial.XXXXXX")
    chmod 755 "$place"
    cp -a "$fresh/." "$place"
    # Its own pseudo-terminals and the few devices that programs expect.
    mkdir -p "$place/dev/pts" "$place/dev/shm"
    mount -t proc proc "$place/proc"
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$place/dev/pts"
    places+=("$place")
    ln -sf pts/ptmx "$place/dev/ptmx"
    ln -sfn /proc/self/fd "$place/dev/fd"
    chmod 1777 "$place/dev/shm" "$place/tmp"
    # The network as this machine has it: names, certificates, and apt's settings that no package brought.
    cp -L /etc/resolv.conf /etc/hosts "$place/etc/"
    mkdir -p "$place/usr/local/share/ca-certificates"
    cp -r /usr/local/share/ca-certificates/. "$place/usr/local/share/ca-certificates/"
    for setting in /etc/apt/apt.conf.d/*; do
        case $setting in
            */docker-*) ;;
            *) dpkg -S "$setting" >/dev/null 2>&1 || cp "$setting" "$place/etc/apt/apt.conf.d/" ;;
        esac
    done
    cat >"$place/etc/apt/sources.list" <<TEXT
deb $mirror/debian $suite main
deb $mirror/debian $suite-updates main
deb $mirror/debian-security $suite-security main
TEXT
}

inside() { # inside USER COMMAND: runs a command line in the chroot with the environment of a login.
    local user=$1 home
    shift
    home=$(awk -F: -v user="$user" '$1 == user { print $6 }' "$place/etc/passwd")
    chroot --userspec="$user:$user" "$place" /usr/bin/env -i HOME="$home" USER="$user" LOGNAME="$user" LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SHELL=/bin/bash \
        http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" \
        bash -c "$*"
}

clone() { # clone PATH USER: this repository, as it stands, without what was built.
    mkdir -p "$place$1"
    git ls-files -z --cached --others --exclude-standard | tar --null --create --ignore-failed-read --files-from=- 2>/dev/null | tar -x -C "$place$1"
    chroot "$place" chown -R "$2:$2" "$1"
}

# The page that the server in the chroot has, without a program that a fresh machine may lack.
front_page() {
    exec 3<>/dev/tcp/127.0.0.1/50051
    printf 'GET / HTTP/1.1\r\nhost: 127.0.0.1:50051\r\nconnection: close\r\n\r\n' >&3
    cat <&3
    exec 3>&-
}

# use USER REPOSITORY: starts ./run, uses it once, ends it well; twice, the second time in seconds.
use() {
    local user=$1 repository=$2 round start
    for round in first second; do
        start=$SECONDS
        # Empty before the loop below reads it: the one of the round before says that a server listens.
        : >"$place/tmp/run.out"
        : >"$place/tmp/run.err"
        inside "$user" "echo \$\$ >/tmp/run.pid; cd $repository && exec ./run --dev" >"$place/tmp/run.out" 2>"$place/tmp/run.err" &
        local runner=$!
        tail --pid=$runner -n +1 -f "$place/tmp/run.err" >&2 &
        local shown=$!
        until grep -q '^Data:' "$place/tmp/run.out"; do
            kill -0 $runner 2>/dev/null || { cat "$place/tmp/run.out"; say "./run ended"; return 1; }
            sleep 0.2
        done
        kill $shown 2>/dev/null || true
        say "$user, $round start: listens after $((SECONDS - start)) s"
        cat "$place/tmp/run.out"
        [ "$round" = first ] || [ $((SECONDS - start)) -le 10 ] || { say "A second start must take seconds."; return 1; }
        # A directory that every user can enter: the terminal begins where the command line is.
        inside "$user" "cd / && $repository/target/debug/mosaic status &&
            $repository/target/debug/mosaic term new --wait -- sh -c 'id -un; tty; echo works'"
        front_page >"$place/tmp/page"
        grep -q '<div id="root">' "$place/tmp/page" || { cat "$place/tmp/page"; say "There is no page."; return 1; }
        grep -q '^Open in a browser: http://.*/#sign-in=code_' "$place/tmp/run.out" || { say "There is no link."; return 1; }
        say "$user, $round start: the page is there"
        # ./run gives its place to the server: one process, one pid.
        kill -TERM "$(cat "$place/tmp/run.pid")"
        wait $runner || { tail -n 20 "$place/tmp/run.err"; say "The server did not end well."; return 1; }
    done
    inside "$user" "cd $repository && target/debug/mosaic-server stop --all"
}

as_user() {
    say "As an ordinary user, with nothing installed: ./run must name the one line for root, and change nothing."
    enter
    chroot "$place" useradd --create-home --shell /bin/bash newcomer
    clone /home/newcomer/mosaic newcomer
    before=$(chroot "$place" dpkg-query --show)
    if inside newcomer "cd ~/mosaic && ./run --dev" >"$place/tmp/line" 2>"$place/tmp/why"; then
        say "./run went on without its needs"
        exit 1
    fi
    cat "$place/tmp/why" "$place/tmp/line" >&2
    [ "$before" = "$(chroot "$place" dpkg-query --show)" ] || { say "./run changed the machine"; exit 1; }
    [ "$(grep -c . "$place/tmp/line")" = 1 ] || { say "that is not one line"; exit 1; }

    say "Root runs that line, and then the user ./run."
    inside root "export DEBIAN_FRONTEND=noninteractive; $(cat "$place/tmp/line")" >"$place/tmp/apt.log" 2>&1 ||
        { tail -n 30 "$place/tmp/apt.log"; exit 1; }
    [ -z "$(chroot "$place" pg_lsclusters --no-header)" ] || { say "Debian's own cluster was made"; exit 1; }
    use newcomer /home/newcomer/mosaic
}

as_root() {
    say "As root, with nothing installed."
    enter
    clone /root/mosaic root
    use root /root/mosaic
    chroot "$place" getent passwd mosaic mosaic-shell
}

[ $# -gt 0 ] || set -- user root
for part in "$@"; do "as_$part"; done
say "./run works on a fresh Debian $suite: $*."
