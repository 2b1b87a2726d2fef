#!/bin/bash
# Opens a page of plots in a browser without a screen, and checks what the page says of itself:
#   plot_test.sh VNUMACTL RECORDING
#   plot_test.sh --screenshot VNUMACTL RECORDING OUT.png [WIDTH]
# One guest of the recording is given a name that would run a script if it came into the page as
# HTML. Without Chromium the test is skipped (77).
set -euo pipefail

picture=
if [ "$1" = --screenshot ]; then picture=1; shift; fi
vnumactl=$1 recording=$2
browser=$(command -v chromium || command -v chromium-browser) || {
    echo "skipped: Chromium is not installed"
    exit 77
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

open_page() { # WIDTH OPTION...
    local width=$1
    shift
    timeout 60 "$browser" --headless=new --no-sandbox --disable-gpu --hide-scrollbars \
        --user-data-dir="$folder/profile" --window-size="$width,900" \
        --virtual-time-budget=5000 "$@" "file://$folder/page.html" 2>"$folder/log"
}
fail() {
    echo "$1"
    echo "--- the page's own report:"
    grep -o '<body[^>]*>' "$folder/dom" || true
    echo "--- the browser's log:"
    tail -n 20 "$folder/log"
    exit 1
}

if [ "$picture" ]; then
    "$vnumactl" plot "$recording" -o "$folder/page.html"
    open_page "${4:-1280}" --screenshot="$folder/picture.png"
    cp "$folder/picture.png" "$3"
    exit
fi

sed 's|"name":"web"|"name":"<img src=x onerror=document.body.dataset.hostile=1>"|g' \
    "$recording" >"$folder/recording"
grep -q onerror "$folder/recording" || { echo "the recording has no guest web"; exit 1; }
"$vnumactl" plot "$folder/recording" -o "$folder/page.html"

for width in 360 1280; do
    open_page "$width" --dump-dom >"$folder/dom" || fail "width $width: the browser failed"
    report=$(grep -o '<body[^>]*>' "$folder/dom")
    [[ $report == *'data-plot-ready="true"'* ]] || fail "width $width: the page is not ready"
    [[ $report == *'data-errors="0"'* ]] || fail "width $width: the page has errors"
    [[ $report != *hostile* ]] || fail "width $width: a guest's name ran as a script"
    [[ $report == *'data-guests="7"'* ]] || fail "width $width: it must have 7 guests"
    charts=$(sed -n 's/.*data-charts="\([0-9]*\)".*/\1/p' <<<"$report")
    [ "${charts:-0}" -ge 2 ] || fail "width $width: it drew ${charts:-no} charts, must draw 2 or more"
    # Far more than fit would mean that charts out of sight are drawn as well.
    [ "$charts" -le 16 ] || fail "width $width: it drew $charts charts at once"
    shown=$(sed -n 's/.*data-width="\([0-9]*\)".*/\1/p' <<<"$report")
    # Chromium's windows are at least 500 wide, so the narrow one may be wider than asked for.
    [ "$shown" -le $((width < 500 ? 500 : width)) ] || fail "width $width: it is $shown wide"
    grep -q '&lt;img src=x onerror' "$folder/dom" || fail "width $width: the guest's name is missing"
done
echo "the page is as expected at both widths"
