#!/bin/bash
# Opens a page of plots in a browser without a screen, and checks what becomes of it:
#   plot_test.sh VNUMACTL RECORDING PAGE_OF_A_DAY
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

# What a user does: reads the reason at a mark, zooms by a key, and looks for a guest by name. The
# page's policy, which allows no script but its own, is taken out for that.
user='<script>setTimeout(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const scale = () => all(".dygraph-axis-label-x").map((label) => label.textContent).join();
  const data = document.body.dataset;
  data.marks = all(".event").length;
  data.reasons = all(".event").filter((mark) => /[A-Z_]+: [a-z]/.test(mark.title)).length;
  const before = scale();
  all("[data-drawn]")[0].dispatchEvent(new KeyboardEvent("keydown", {key: "+", bubbles: true}));
  data.zoomed = Number(scale() !== before);
  const filter = document.getElementById("filter");
  filter.value = "Database";
  filter.dispatchEvent(new Event("input"));
  data.shown = all("#guests > *").filter((card) => !card.hidden).length;
}, 2000);</script>'
python3 - "$folder/page.html" "$user" >"$folder/user.html" <<'END'
import re, sys
page = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', '', open(sys.argv[1]).read())
print(page.replace('</body>', sys.argv[2] + '</body>'))
END
open_page "$folder/user.html" 1280 --dump-dom >"$folder/dom" || fail 'user: the browser failed'
report=$(grep -o '<body[^>]*>' "$folder/dom")
[ "$(number marks)" -ge 1 ] || fail 'user: no event is marked'
[ "$(number reasons)" = "$(number marks)" ] || fail 'user: a mark does not tell what happened'
[ "$(number zoomed)" = 1 ] || fail 'user: the key + does not zoom'
[ "$(number shown)" = 1 ] || fail 'user: the filter does not show one guest'

# A page of the history that the daemon keeps.
"$3" >"$folder/day.html"
open_page "$folder/day.html" 1280 --dump-dom >"$folder/dom" || fail 'day: the browser failed'
report=$(grep -o '<body[^>]*>' "$folder/dom")
[[ $report == *'data-plot-ready="true"'* ]] || fail 'day: the page is not ready'
[ "$(number errors)" = 0 ] || fail 'day: the page has errors'
[ "$(number guests)" = 100 ] || fail 'day: it must have 100 guests'

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
