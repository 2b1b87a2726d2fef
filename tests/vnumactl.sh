#!/bin/sh
# What vnumactl says to bad input, and without a daemon, as its user sees it.
set -u
vnumactl=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0
export VNUMACTL_CONNECT="$dir/control.sock" LC_ALL=C

# expect STATUS TEXT COMMAND...: the command's exit status, and a text in its output
expect() {
    want=$1 text=$2
    shift 2
    output=$("$@" 2>&1)
    got=$?
    if [ "$got" -ne "$want" ] || ! printf '%s' "$output" | grep -qF -- "$text"; then
        printf 'FAILED: %s\n  exit status %s, wanted %s; output:\n%s\n' "$*" "$got" "$want" "$output"
        status=1
    fi
}

# Usage.
expect 2 'a verb is missing' "$vnumactl"
expect 2 'there is no verb "lst"; did you mean "list"?' "$vnumactl" lst
expect 2 'there is no option --sotr of list; did you mean "--sort"?' "$vnumactl" list --sotr cpu
expect 2 'GUEST is required' "$vnumactl" show
expect 2 'argument too many' "$vnumactl" show a b
expect 2 'policy VERB' "$vnumactl" policy
expect 2 'KEY=VALUE' "$vnumactl" policy set web1 mode
expect 2 'whose policy?' "$vnumactl" policy set
expect 2 'the home "x" must be a node' "$vnumactl" move web1 x
expect 2 '--memory 4X: must be a size' "$vnumactl" place --vcpus 2 --memory 4X
expect 2 '--nodes 0-: must be a list of nodes' "$vnumactl" place --vcpus 2 --memory 4G --nodes 0-
expect 2 '--vcpus' "$vnumactl" place --vcpus 0 --memory 4G
expect 2 '--since never: must be a duration' "$vnumactl" events --since never
expect 2 '--since' "$vnumactl" explain web1 --since never
expect 2 '--until soon: must be a duration' "$vnumactl" policy set web1 mode=act --until soon
expect 2 '--sort' "$vnumactl" list --sort colour
expect 0 'Example: vnumactl list' "$vnumactl" list --help
expect 0 '--connect' "$vnumactl" --help
expect 0 '.' "$vnumactl" --version

# Without a daemon.
for verb in status list 'show web1' 'explain web1' events 'policy get' 'group list' 'move web1 1' \
    freeze thaw 'freeze web1' 'restore web1' 'restore --yes' metrics 'place --vcpus 1 --memory 1G' \
    'record /dev/null'; do
    # shellcheck disable=SC2086
    expect 1 'systemctl start vnumad' "$vnumactl" $verb
done
expect 1 "$dir/other.sock (No such file or directory)" "$vnumactl" -c "$dir/other.sock" status

# A socket that nobody listens at any more.
python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/old.sock"
expect 1 'Connection refused' "$vnumactl" -c "$dir/old.sock" status

# What needs no daemon.
expect 0 'complete -F _vnumactl vnumactl' "$vnumactl" completion bash
output=$("$vnumactl" completion bash) && printf '%s' "$output" | bash -n || status=1
# Words up to the cursor, and what they can become.
complete() {
    wanted=$1
    shift
    expect 0 "$wanted" bash -c 'PATH=$(dirname "$0"):$PATH
        source <(vnumactl completion bash)
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _vnumactl
        echo "<${COMPREPLY[*]}>"' "$vnumactl" vnumactl "$@"
}
complete '<explain events>' e
complete '<cpu>' list --sort c
complete '<memory= mode=>' policy set web1 m
complete '<home>' policy unset web1 ho
complete '<--persist>' policy set --p
"$vnumactl" check-host --json | python3 -c 'import json, sys; json.load(sys.stdin)' || status=1
golden=$(dirname "$0")/golden/recordings/two-nodes.jsonl
expect 0 '12 plans, 12 the same, 0 different' "$vnumactl" replay "$golden"
expect 2 '/no/such/file' "$vnumactl" replay /no/such/file

# A policy that lasts needs no daemon either.
printf 'mode = "observe"\n' >"$dir/vnumad.conf"
expect 0 "$dir/vnumad.conf.d/50-vnumactl.conf" \
    "$vnumactl" policy set web1 mode=observe --persist --config "$dir/vnumad.conf"
expect 0 'mode = "observe"' cat "$dir/vnumad.conf.d/50-vnumactl.conf"
expect 1 'must be one of' \
    "$vnumactl" policy set web1 mode=acto --persist --config "$dir/vnumad.conf"
expect 2 'may be an id or a pid' \
    "$vnumactl" policy set 17 mode=act --persist --config "$dir/vnumad.conf"

# Output that cannot be written.
expect 1 'the output cannot be written' sh -c "$vnumactl completion bash >/dev/full"
exit $status
