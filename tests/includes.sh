#!/bin/sh
# Fails when an include breaks the arrows between the folders (docs/decisions.md, "One picture").
set -u
root=$1
status=0

# FOLDER may include its own headers and those of the folders named, and nothing that matches FORBIDDEN.
check() {
    folder=$1 allowed=$2 forbidden=$3
    found=$(grep -rnE '#include "(policy|qmp|guests|src|integration|tests)/' \
        --include='*.hpp' --include='*.cpp' "$root/$folder" | grep -vE "#include \"($folder$allowed)/")
    libraries=$(grep -rnE "#include <($forbidden)" --include='*.hpp' --include='*.cpp' "$root/$folder")
    for line in "$found" "$libraries"; do
        [ -z "$line" ] && continue
        printf 'breaks the arrows:\n%s\n' "$line"
        status=1
    done
}

check policy '' '(boost|nlohmann|libvirt|numa|bpf|sys/|unistd|fcntl|chrono|fstream|thread)'
check qmp '' '(libvirt|numa|bpf|spdlog|toml)'
check guests '|policy|qmp' '(spdlog|toml|systemd)'
check src '|policy|qmp|guests' '(pugixml|libvirt)'
check integration '|qmp' '(numa\.h|numaif)'
exit $status
