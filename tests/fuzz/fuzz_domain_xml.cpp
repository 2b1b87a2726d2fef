// Fuzzes the parser of libvirt's domain XML. A domain that it accepts must keep the limits that its
// users rely on.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "guests/discovery/domain_xml.hpp"
#include "guests/memory/ram_map.hpp"
#include "guests/process/parse_proc.hpp"
#include "policy/model/number_list.hpp"

using namespace vnuma;

namespace {

// Whether the policy in the metadata, which a tenant may have written, keeps the limits that its
// users rely on.
bool is_bounded(const Domain& domain) {
    const PolicyOverrides& policy = domain.policy;
    const auto fits = [](const std::optional<std::vector<int>>& nodes) {
        return !nodes || (!nodes->empty() && nodes->size() <= max_node_sequence);
    };
    for (const std::string& problem : domain.policy_problems)
        if (problem.size() > 200 || !problem.starts_with("metadata: ")) return false;
    for (const std::string& problem : domain.problems)
        if (problem.size() > 300) return false;
    return domain.problems.size() <= max_description_problems &&
           domain.policy_problems.size() <= 16 && fits(policy.nodes) && fits(policy.home) &&
           (!policy.group || policy.group->empty() || is_group_name(*policy.group)) &&
           (domain.policy_problems.empty() || policy.mode <= Mode::observe);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string xml(reinterpret_cast<const char*>(data), size);
    std::string error;
    const auto domain = parse_domain(xml, error);
    if (!domain) return error.empty() ? std::abort(), 0 : 0;
    if (domain->cells.empty() || !is_bounded(*domain)) std::abort();
    for (const DomainCell& cell : domain->cells)
        if (cell.bytes < 0 || cell.huge_page_bytes < 0 || dram_bytes(*domain, cell) < cell.bytes ||
            (!cell.size_known && (cell.bytes != 0 || domain->problems.empty())) ||
            find_cell(*domain, cell.id) != &cell)
            std::abort();
    for (const auto& cell : pc_layout(*domain))
        for (const GuestRange& range : cell)
            if (range.bytes == 0) std::abort();
    return 0;
}
