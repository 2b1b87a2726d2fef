#!/bin/bash
# Opens a page of plots in a browser without a screen, and checks what becomes of it:
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

# Names outside lead nowhere. What a page writes to its console is in the log.
open_page() { # PAGE WIDTH OPTION...
    local page=$1 width=$2
    shift 2
    HOME=$folder timeout 60 "$browser" --headless=new --no-sandbox --disable-gpu \
        --disable-dev-shm-usage --no-first-run --disable-background-networking \
        --host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr --log-level=0 \
        --hide-scrollbars --user-data-dir="$folder/profile" --window-size="$width,900" \
        --virtual-time-budget=5000 "$@" "file://$page" 2>"$folder/log"
}
fail() {
    echo "$1"
    echo "--- the page's own report:"
    grep -o '<body[^>]*>' "$folder/dom" || true
    echo "--- the browser's log:"
    tail -n 20 "$folder/log"
    exit 1
}
# number NAME: what the page reports of itself
number() { sed -n "s/.*data-$1=\"\([0-9]*\)\".*/\1/p" <<<"$report"; }
# times PATTERN: how often it is in the DOM
times() { { grep -o -- "$1" "$folder/dom" || true; } | wc -l; }

if [ "$picture" ]; then
    "$vnumactl" plot "$recording" -o "$folder/page.html"
    open_page "$folder/page.html" "${4:-1280}" --screenshot="$folder/picture.png"
    cp "$folder/picture.png" "$3"
    exit
fi

sed 's|"name":"web"|"name":"<img src=x onerror=document.body.dataset.hostile=1>"|g' \
    "$recording" >"$folder/recording"
grep -q onerror "$folder/recording" || { echo "the recording has no guest web"; exit 1; }
"$vnumactl" plot "$folder/recording" -o "$folder/page.html"
guests=7

for width in 360 1280; do
    at="width $width"
    open_page "$folder/page.html" "$width" --dump-dom >"$folder/dom" ||
        fail "$at: the browser failed"
    report=$(grep -o '<body[^>]*>' "$folder/dom")
    [[ $report == *'data-plot-ready="true"'* ]] || fail "$at: the page is not ready"
    [ "$(number errors)" = 0 ] || fail "$at: the page has errors"
    ! grep -q ':CONSOLE' "$folder/log" || fail "$at: the page writes to the console"
    [[ $report != *hostile* ]] || fail "$at: a guest's name ran as a script"
    grep -q '&lt;img src=x onerror' "$folder/dom" || fail "$at: the guest's name is missing"
    [ "$(number guests)" = $guests ] || fail "$at: it must have $guests guests"

    # Two charts of the host, and two of each guest.
    places=$(times 'class="chart [a-z]*"')
    [ "$places" = $((2 + 2 * guests)) ] || fail "$at: it has $places charts"
    charts=$(number charts)
    [ "${charts:-0}" -ge 2 ] || fail "$at: it drew ${charts:-no} charts, must draw 2 or more"
    # Far more than fit would mean that charts out of sight are drawn as well.
    [ "$charts" -lt "$places" ] || fail "$at: it drew all charts at once"
    # dygraphs draws a chart on two canvases.
    [ "$(times '<canvas')" -ge $((2 * charts)) ] || fail "$at: a chart has no picture"
    # Chromium's windows are at least 500 wide, so the narrow one may be wider than asked for.
    [ "$(number width)" -le $((width < 500 ? 500 : width)) ] ||
        fail "$at: it is $(number width) wide"
done

# The same page with something of another host. That nothing was told above would mean nothing if
# it were not told of this.
outside='<img src="https://outside.invalid/picture.png">'
sed "s|^</body>\$|$outside</body>|" "$folder/page.html" >"$folder/outside.html"
grep -qF "$outside" "$folder/outside.html" || { echo "nothing could be put into the page"; exit 1; }
open_page "$folder/outside.html" 1280 --dump-dom >"$folder/dom" ||
    fail 'outside: the browser failed'
report=$(grep -o '<body[^>]*>' "$folder/dom")
[ "$(number errors)" -ge 1 ] || fail 'outside: the page does not report what its policy forbids'
grep -q ':CONSOLE' "$folder/log" || fail 'outside: the log has nothing of the console'
echo "the page is as expected at both widths, and loads nothing from outside"
