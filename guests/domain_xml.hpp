// What vnumad reads from a libvirt domain's XML. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vnuma {

struct DomainCell {
    int id = 0;
    std::vector<int> vcpus;
    std::int64_t bytes = 0;
};

struct Domain {
    std::string uuid;
    std::string name;
    std::vector<DomainCell> cells;  // one, with all vCPUs, for a guest without vNUMA
    std::string immovable;          // why its memory cannot be moved; empty when it can
};

// Nothing, and `error` says why, when the XML is not a domain that could run.
std::optional<Domain> parse_domain(const std::string& xml, std::string& error);

}  // namespace vnuma
