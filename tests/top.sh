#!/bin/sh
# `vnumactl top` as its user sees it, in a terminal that tmux makes: keys, sizes, a vnumad that does
# not answer, and a terminal that is as it was afterwards. Skipped without tmux.
set -u
unset NO_COLOR COLUMNS
vnumactl=$(readlink -f "$1")
tests=$(dirname "$(readlink -f "$0")")
for program in tmux python3; do
    command -v $program >/dev/null || { echo "skipped: there is no $program"; exit 77; }
done
dir=$(mktemp -d)
failed=0 daemon=

tmux() { command tmux -u -S "$dir/tmux" -f /dev/null "$@"; }
finish() {
    tmux kill-server 2>/dev/null
    [ -z "$daemon" ] || kill "$daemon"
    rm -rf "$dir"
}
trap finish EXIT

start_daemon() {
    python3 "$tests/fake_vnumad.py" "$dir" 2>"$dir/errors" &
    daemon=$!
}
stop_daemon() {
    kill "$daemon"
    wait "$daemon" 2>/dev/null
    daemon=
}

keys() { tmux send-keys -t top "$@"; }
type_line() { tmux send-keys -t top -l "$1" && keys Enter; }
picture() { tmux capture-pane -p -t top; }
fail() {
    printf 'FAILED: %s\n' "$1"
    picture
    failed=1
}

# until_true COMMAND...: waits for up to 20 s
until_true() {
    for _ in $(seq 200); do
        "$@" && return 0
        sleep 0.1
    done
    return 1
}
has() { picture | grep -qF -- "$1"; }
has_not() { ! has "$1"; }
shows() { until_true has "$1" || fail "the screen does not show: $1"; }
shows_not() { until_true has_not "$1" || fail "the screen still shows: $1"; }
has_colours() { tmux capture-pane -e -p -t top | grep -q '[[;]3[1-7]m'; }
same_terminal() { cmp -s "$dir/before" "$dir/after"; }

# run_top ENVIRONMENT: starts it from the shell in the terminal. Its pid comes to a file.
run_top() {
    rm -f "$dir/pid"
    type_line "env $1 sh -c 'echo \$\$ >$dir/pid; exec $vnumactl -c $dir/control.sock top --interval 0.2'"
    until_true test -s "$dir/pid" || fail 'top does not start'
    shows 'at home'
}
# ended HOW STATUS: the shell has its terminal back as it was.
ended() {
    # Before that, keys would be taken by what ends.
    shows 'ready>'
    type_line "echo status=\$?; stty -g >$dir/after; echo over=\$((1 + 1))"
    shows 'over=2'
    has "status=$2" || fail "$1: the exit status is not $2"
    has 'MARK-BEFORE' || fail "$1: what was on the screen before is gone"
    same_terminal || fail "$1: the settings of the terminal are not as they were"
    type_line clear
    shows_not 'over=2'
    type_line "printf 'MARK-%s\\n' BEFORE"
    shows 'MARK-BEFORE'
}

start_daemon
until_true test -S "$dir/control.sock" || { cat "$dir/errors"; echo 'no daemon'; exit 1; }
tmux new-session -d -s top -x 80 -y 24 "env PS1='ready> ' ENV= LC_ALL=C.UTF-8 sh -i" \; \
    set -g status off
shows 'ready>'
type_line "stty -g >$dir/before; printf 'MARK-%s\\n' BEFORE"
shows 'MARK-BEFORE'

# Keys.
run_top A=1
shows 'web3'
has 'NODE CPU' || fail 'there is no table of nodes'
has '[███ ' || fail 'there are no bars'
has_colours || fail 'there are no colours'
keys s
shows 'sort: name'
keys j Enter
shows 'Details of web2'
keys e
shows 'Its memory is there.'
keys h
shows '64 blocks of 64.0M'
keys Escape Escape Escape
shows 'NODE CPU'
keys '?'
shows 'Quit; Ctrl-C does the same.'
keys Escape
shows 'NODE CPU'
keys / w e b 3 Enter
shows '1 of 3 guests'
keys Escape
shows 'web1'

# Nothing is changed without a yes.
keys p
shows 'Policy of web'
keys Enter
shows 'y yes   n no'
keys n
shows 'Nothing was changed.'
[ ! -e "$dir/orders" ] || fail 'an order was given without a yes'
keys f
shows 'Freeze vnumad?'
keys y
shows 'vnumad has done freeze'
grep -q freeze "$dir/orders" || fail 'freeze was not ordered'
keys p
shows 'Policy of web'
keys Enter
shows 'y yes   n no'
keys y
shows 'was changed'
grep -q '"mode", "value": "act"' "$dir/orders" || fail 'the policy was not set'

# Sizes.
tmux resize-window -t top -x 120 -y 40
shows 'LOCALITY'
tmux resize-window -t top -x 20 -y 8
shows 'small: 40x10'
keys p y
tmux resize-window -t top -x 80 -y 24
shows 'NODE CPU'
shows_not 'LOCALITY'
has 'y yes' && fail 'a key was taken while its question could not be read'

# A vnumad that does not answer, and one that is gone.
: >"$dir/silent"
shows 'vnumad has not answered for'
keys '?'
shows 'Quit; Ctrl-C does the same.'
keys Escape
rm "$dir/silent"
shows_not 'has not answered'
stop_daemon
shows 'Trying again'
start_daemon
shows_not 'Trying again'
shows 'web1'

# Stopped and continued by its shell.
keys C-z
shows 'ready>'
type_line "stty -g >$dir/after; echo stopped=\$((1 + 1))"
shows 'stopped=2'
same_terminal || fail 'the settings of the terminal are not as they were while top is stopped'
type_line fg
shows 'NODE CPU'
shows_not 'stopped=2'
keys s
shows 'sort: CPU'

# Ends.
keys q
ended q 0
run_top A=1
keys C-c
ended Ctrl-C 0
for signal in TERM QUIT HUP; do
    run_top A=1
    kill -s $signal "$(cat "$dir/pid")"
    ended $signal 0
done

# What the terminal cannot show.
run_top LC_ALL=C
picture | LC_ALL=C grep -q '[^ -~]' && fail 'a locale without UTF-8 gets other characters'
has '[### ' || fail 'there are no bars'
keys q
ended 'LC_ALL=C' 0
run_top NO_COLOR=1
has_colours && fail 'there are colours with NO_COLOR'
keys q
ended NO_COLOR 0
type_line "TERM=none-such $vnumactl -c $dir/control.sock top"
shows 'is not known here'
type_line "$vnumactl -c $dir/control.sock top </dev/null"
shows 'needs a terminal'
exit $failed
