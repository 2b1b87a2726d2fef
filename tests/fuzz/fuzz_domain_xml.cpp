// Every text as a domain's XML; what is accepted is one that could run.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "guests/domain_xml.hpp"
#include "guests/ram_map.hpp"

using namespace vnuma;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string xml(reinterpret_cast<const char*>(data), size);
    std::string error;
    const auto domain = parse_domain(xml, error);
    if (!domain) return error.empty() ? std::abort(), 0 : 0;
    if (domain->cells.empty() || domain->uuid.empty()) std::abort();
    for (const DomainCell& cell : domain->cells)
        if (cell.bytes <= 0) std::abort();
    for (const auto& cell : pc_layout(*domain))
        for (const GuestRange& range : cell)
            if (range.bytes == 0) std::abort();
    return 0;
}
