#!/usr/bin/env python3
"""metrics_names.py PROGRAM ROOT: compares the names of metrics that PROGRAM prints, one on each line,
with those that the dashboard, the alert rules and docs/metrics.md use. Each must exist, and the
document must have each."""
import pathlib
import re
import subprocess
import sys

program, root = sys.argv[1], pathlib.Path(sys.argv[2])
exported = set(subprocess.run([program], check=True, capture_output=True, text=True).stdout.split())
wrong = []
for file in ["contrib/grafana/vnumad.json", "contrib/prometheus/vnumad.rules.yml",
             "contrib/prometheus/vnumad.rules.test.yml", "docs/metrics.md"]:
    used = set(re.findall(r"\bvnumad_[a-z_]+", (root / file).read_text()))
    wrong += [f"{file}: {name} is not exported" for name in sorted(used - exported)]
    if file.endswith(".md"):
        wrong += [f"{file}: {name} is missing" for name in sorted(exported - used)]
print("\n".join(wrong) or f"{len(exported)} names")
sys.exit(1 if wrong or not exported else 0)
