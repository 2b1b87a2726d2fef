#!/bin/sh
# Prometheus' own tool checks the metrics, the alert rules and their tests. Without promtool this is
# skipped (77).  metrics_promtool.sh METRICS_SAMPLE SOURCE_ROOT
set -eu
sample=$1 rules=$2/contrib/prometheus/vnumad.rules
# Where ./bootstrap deps puts it.
fetched=${XDG_CACHE_HOME:-${HOME:-}/.cache}/vnumad/promtool
promtool=$(command -v promtool || command -v "$fetched") || {
    echo 'skipped: there is no promtool; ./bootstrap deps fetches it'
    exit 77
}
# Not in a pipe, which would hide that the program fails.
text=$("$sample" --text)
printf '%s\n' "$text" | "$promtool" check metrics
"$promtool" check rules "$rules.yml"
"$promtool" test rules "$rules.test.yml"
