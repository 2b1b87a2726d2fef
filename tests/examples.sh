#!/bin/sh
# Fails when an example of what is said of a guest in its domain's metadata, in docs/ or
# contrib/examples, does not fit docs/policy-metadata.rng, or a whole domain libvirt's schema.
# examples.sh SOURCE_ROOT
set -u
root=$1
uri=https://vnumad.org/xmlns/policy/1.0
elements="//*[local-name()='policy' and namespace-uri()='$uri']"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0

fail() {
    printf 'FAILED: %s\n' "$*"
    [ ! -s "$dir/output" ] || cat "$dir/output"
    status=1
}

# What the file says to vnumad: something, and all of it fits.
policies_fit() {
    count=$(xmllint --nonet --xpath "count($elements)" "$1" 2>"$dir/output") || return 1
    [ "$count" -gt 0 ] || return 1
    while [ "$count" -gt 0 ]; do
        xmllint --nonet --xpath "($elements)[$count]" "$1" >"$dir/element" &&
            xmllint --nonet --noout --relaxng "$root/docs/policy-metadata.rng" "$dir/element" \
                >"$dir/output" 2>&1 || return 1
        count=$((count - 1))
    done
}

is_domain() { virt-xml-validate "$1" domain >"$dir/output" 2>&1; }

for tool in xmllint virt-xml-validate; do
    command -v $tool >/dev/null || {
        printf 'FAILED: there is no %s; ./bootstrap deps installs it\n' $tool
        exit 1
    }
done

for domain in "$root"/contrib/examples/*.xml; do
    policies_fit "$domain" || fail "$domain: what it says to vnumad"
    is_domain "$domain" || fail "$domain: is no domain of libvirt's"
done

# Each block of XML that is about policy, and what virsh is told, which adds the namespace.
awk -v dir="$dir" '
    /^```/ { inside = /^```xml/; if (inside) file = dir "/block-" ++blocks; next }
    inside { print > file }' "$root"/docs/*.md
sed -n "s|.*--set '<policy\([^']*\)'.*|<policy xmlns=\"$uri\"\1|p" "$root"/docs/*.md |
    awk -v dir="$dir" '{ print > (dir "/virsh-" NR) }'
found=$(grep -l policy "$dir"/block-* "$dir"/virsh-*)
for kind in block virsh; do
    printf '%s' "$found" | grep -q "/$kind-" || fail "docs/ has no example of its kind: $kind"
done
for example in $found; do
    policies_fit "$example" || fail "docs/: $(cat "$example")"
done

# It can fail.
good=$root/contrib/examples/domain-with-policy.xml
for change in "s/mode='act'/mode='acto'/" "s/priority='10'/& colour='red'/" "s|$uri|$uri.1|" 's|</metadata>||'; do
    sed "$change" "$good" >"$dir/bad"
    ! policies_fit "$dir/bad" || fail "it was to be found out: $change"
done
sed 's/<vcpu /<vcpu count="4" /' "$good" >"$dir/bad"
! is_domain "$dir/bad" || fail 'it was to be found out: a domain that is none'
exit $status
