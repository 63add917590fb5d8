#!/usr/bin/env bash
# Builds the page for browsers where it has changed, with a Node.js that is there or comes from PyPI.
# It must not know who serves the page: the server's build takes what lies in web/dist/page.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=scripts/needs.sh
. scripts/needs.sh

usage() {
    cat <<'TEXT'
Usage: scripts/page.sh
       scripts/page.sh npm ARGUMENTS...

Builds the page for browsers into web/dist/page, if it has changed since.
What it is built with comes from npm, again only when web/package-lock.json has
changed; no package runs a script of its own while it is installed. Build the
server afterwards: it takes the page in.

  npm ...   npm in web/ with the same Node.js, such as: npm test
  --help    this text
TEXT
}

case ${1:-} in
    -h | --help) usage; exit 0 ;;
    '' | npm) ;;
    *) usage >&2; exit 2 ;;
esac

# One at a time: ./run and ./test may both be at it.
mkdir -p web/dist
exec 9<web/dist
flock 9
cd web

# A Node.js that fits, first in PATH.
find_node() {
    local packages_for_it authorities=/etc/ssl/certs/ca-certificates.crt
    if ! use_node; then
        install_node_wheel || {
            packages_for_it=$(node_packages)
            fail "The page is built with Node.js 20.19 or newer, and there is $(node --version 2>/dev/null || echo none)." \
                "${packages_for_it:+As root: apt-get update && apt-get install -y --no-install-recommends ${packages_for_it#*:}}"
        }
        use_node || fail "The Node.js in $node_wheel does not run."
    fi
    # A proxy's authority is known to the machine, but not to Node.js.
    if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r $authorities ]; then export NODE_EXTRA_CA_CERTS=$authorities; fi
}

# The same packages for the same Node.js are not fetched again.
install_packages() {
    local wanted
    wanted=$({ node --version; uname -sm; cat package.json package-lock.json .npmrc; } | sha256sum)
    if [ "$(cat node_modules/installed-from 2>/dev/null)" = "$wanted" ]; then return; fi
    say "Fetching what the page is built with (npm)."
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
    echo "$wanted" >node_modules/installed-from
}

# What the page is built from; the same text is the same page.
sources() {
    find . ../proto \( -path ./node_modules -o -path ./dist -o -path ./.vite -o -path ./test -o -path ./browser \) \
        -prune -o -type f -print0 | LC_ALL=C sort --zero-terminated | xargs --null sha256sum | sha256sum
}

is_built() {
    # Whoever calls Vite on their own leaves a page that is newer than this note.
    [ -e dist/page/index.html ] && [ "$(cat dist/built-from 2>/dev/null)" = "$(sources)" ] &&
        [ ! dist/page/index.html -nt dist/built-from ]
}

if [ "${1:-}" = npm ]; then
    find_node
    install_packages
    exec npm "${@:2}" 9<&-
fi
if is_built; then exit; fi
find_node
install_packages
say "Building the page."
rm -f dist/built-from
# Of before: what is saved meanwhile may not be in the page.
built_from=$(sources)
npm run --silent build >&2
echo "$built_from" >dist/built-from
