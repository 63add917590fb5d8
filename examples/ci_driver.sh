#!/bin/bash
# Runs a command line as a job with nothing but grpcurl: its output here, its exit
# code ours, the job cancelled when this script is interrupted.
#
#     MOSAIC_ENDPOINT=http://127.0.0.1:50051 MOSAIC_TOKEN=... ./ci_driver.sh 'make test'
#
# Each call can be repeated: the first carries a request id, the others change nothing
# twice. So a lost connection, or a restart of the server, is mended by the loops.
set -uo pipefail

service=mosaic.orchestrator.v1.OrchestratorService
plaintext=-plaintext
case $MOSAIC_ENDPOINT in https://*) plaintext= ;; esac

# call METHOD JSON: the answer, or the messages of a stream, as JSON.
call() {
    # grpcurl reads the token from the environment, so that no list of processes shows it.
    # shellcheck disable=SC2016
    grpcurl $plaintext -expand-headers -H 'authorization: Bearer ${MOSAIC_TOKEN}' \
        -d "$2" "${MOSAIC_ENDPOINT#*://}" "$service/$1"
}

# again METHOD JSON: the same, for as long as the server is away (14 is UNAVAILABLE; grpcurl
# adds 64), for up to five minutes. 1: nobody listens. 69, NOT_FOUND, is what an agent that is
# about to start has instead of output.
again() {
    local status=0 tries
    for ((tries = 0; tries < 300; tries++)); do
        call "$1" "$2" 2>/tmp/mosaic-ci-$$.err && return 0
        status=$?
        [ $status -eq 78 ] || [ $status -eq 1 ] || { [ $status -eq 69 ] && [ $tries -lt 5 ]; } || break
        sleep 1
    done
    cat /tmp/mosaic-ci-$$.err >&2
    return $status
}

# field NAME: the first string of that name in the JSON that comes in.
field() { sed -n "s/^ *\"$1\": \"\(.*\)\",\{0,1\}\$/\1/p" | head -n 1; }

spawned=
job=
cancel() {
    trap - INT TERM HUP
    # It may have come between the call's answer and the next line.
    [ -n "$job" ] || job=$(field id <<<"$spawned")
    [ -z "$job" ] || call CancelJob "{\"job_id\": \"$job\", \"reason\": \"CI was interrupted\"}" >/dev/null
    rm -f /tmp/mosaic-ci-$$.err
    exit 143
}
trap cancel INT TERM HUP

# The command line as a JSON string. It is one line.
prompt=$(printf '%s' "${*:-make test}" | sed 's/\\/\\\\/g; s/"/\\"/g; s/\t/\\t/g')
request="ci-${CI_JOB_ID:-local}-$$-$RANDOM$RANDOM"
spawned=$(again SpawnAgent "{\"request_id\": \"$request\", \"prompt\": \"$prompt\", \"timeout\": \"900s\"}") || exit 125
job=$(field id <<<"$spawned")
echo "job $(field name <<<"$spawned")" >&2

# Until it runs, or is over without having run: the time being up is an answer, not an error.
while :; do
    waited=$(again WaitJob "{\"job_id\": \"$job\", \"until\": \"UNTIL_STARTED\", \"timeout\": \"60s\"}") || exit 125
    grep -q '"timedOut": true' <<<"$waited" || break
done
agent=$(field agentId <<<"$waited")

# Its output, to its end. The text of a message is a JSON string, whose escapes bash knows.
if [ -n "$agent" ]; then
    again TailLog "{\"agent_id\": \"$agent\", \"format\": \"FORMAT_TEXT\"}" |
        sed -un 's/^ *"text": "\(.*\)"$/\1/p' |
        while IFS= read -r text; do printf '%b' "${text//\\\"/\"}"; done &
    # The shell runs a trap at once only while it waits, not while a command runs.
    wait $!
fi

while :; do
    waited=$(again WaitJob "{\"job_id\": \"$job\", \"timeout\": \"60s\"}") || exit 125
    grep -q '"timedOut": true' <<<"$waited" || break
done
rm -f /tmp/mosaic-ci-$$.err
state=$(field state <<<"$waited")
echo "$state $(field message <<<"$waited")" >&2
case $state in
STATE_SUCCEEDED) exit 0 ;;
STATE_TIMED_OUT) exit 124 ;;
STATE_FAILED) ;;
*) exit 125 ;;
esac
code=$(sed -n 's/^ *"code": \([0-9]*\),*$/\1/p' <<<"$waited" | head -n 1)
exit "${code:-125}"
