#!/bin/sh
# Runs a command in a Mosaic terminal from a CI job: its output here, its exit
# code ours, its whole process tree ended when the job is cancelled.
#
#     MOSAIC_ENDPOINT=https://mosaic.example.org MOSAIC_TOKEN=... ./ci.sh make test
#
# MOSAIC_CWD is the directory on the server; MOSAIC_LOG, if set, gets the whole
# output once more, for the job's artifacts.
set -eu

[ $# -gt 0 ] || set -- make test
name="ci-${CI_JOB_ID:-${GITHUB_RUN_ID:-local}}-$$"

cancel() {
    trap - INT TERM HUP
    mosaic term close "$name" >&2 || true
    kill "$job" 2>/dev/null || true
    exit 143
}

mosaic term new --name "$name" ${MOSAIC_CWD:+--cwd "$MOSAIC_CWD"} --wait -- "$@" &
job=$!
# The shell runs a trap at once only while it waits, not while a command runs.
trap cancel INT TERM HUP
status=0
wait "$job" || status=$?

if [ -n "${MOSAIC_LOG:-}" ]; then
    mosaic term logs "$name" >"$MOSAIC_LOG"
fi
exit "$status"
