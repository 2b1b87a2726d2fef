#include "guests/memory/ram_finder.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "guests/memory/hugetlb_file.hpp"
#include "guests/memory/ram_map.hpp"

namespace vnuma {
namespace {

RamMap unknown_map(std::string why) {
    RamMap map;
    map.unknown = std::move(why);
    map.complete = false;
    return map;
}

// Whether two maps tell the same: then nothing that was read of the RAM has become wrong.
bool tell_the_same(const RamMap& a, const RamMap& b) {
    return a.unknown == b.unknown && a.problems == b.problems && a.lost == b.lost &&
           a.no_dram == b.no_dram &&
           std::equal(a.blocks.begin(), a.blocks.end(), b.blocks.begin(), b.blocks.end(),
                      [](const RamBlock& x, const RamBlock& y) {
                          return x.host == y.host && x.cell == y.cell && x.device == y.device &&
                                 x.id == y.id && x.numatune == y.numatune;
                      });
}

// Whether two domains have the same RAM blocks.
bool same_blocks(const Domain& a, const Domain& b) {
    return std::equal(a.memory_devices.begin(), a.memory_devices.end(), b.memory_devices.begin(),
                      b.memory_devices.end(),
                      [](const MemoryDevice& x, const MemoryDevice& y) {
                          return x.id == y.id && x.kind == y.kind && x.cell == y.cell &&
                                 x.bytes == y.bytes && x.address == y.address &&
                                 x.numatune == y.numatune;
                      }) &&
           std::equal(a.cells.begin(), a.cells.end(), b.cells.begin(), b.cells.end(),
                      [](const DomainCell& x, const DomainCell& y) {
                          return x.id == y.id && x.bytes == y.bytes;
                      });
}

// Where asking the monitor is of no use, what the sizes tell has to do. A monitor that does not
// answer is waited for.
RamMap ask_monitor(const ListedGuest& listed, GuestSource& source,
                   const std::vector<Mapping>& mappings, RamMap by_size) {
    try {
        return map_by_view(*listed.domain, source.read_ram_view(listed.uuid), mappings);
    } catch (const UselessAnswer& answer) {
        by_size.problems.insert(
            by_size.problems.begin(),
            std::string("its monitor does not tell where its memory is: ") + answer.what());
        return by_size;
    } catch (const MonitorError& error) {
        return unknown_map(error.what());
    }
}

// Nothing if the domain has memory that KVM does not have, or has elsewhere.
std::optional<RamMap> map_by_kvm(const ListedGuest& listed, const std::vector<Mapping>& mappings) {
    if (!listed.memory) return std::nullopt;
    RamMap map = map_by_view(*listed.domain, *listed.memory, mappings);
    if (!map.unknown.empty() || !map.problems.empty()) return std::nullopt;
    map.source = "kvm";
    for (RamBlock& block : map.blocks)
        block.id.clear();  // KVM's name of a region means nothing to anybody
    return map;
}

}  // namespace

bool RamFinder::is_due(const ListedGuest& listed, bool rare_too) const {
    return domain_ != listed.domain || with_memory_ != (listed.memory != nullptr) || rare_too ||
           (!is_known() && mappings_ <= many_mappings);
}

std::optional<RamMap> RamFinder::find(const Process& process, const ListedGuest& listed,
                                      GuestSource& source, bool rare_too) {
    const auto mappings = parse_maps(process.read("maps").value_or(""));
    mappings_ = mappings.size();
    const bool as_before = with_memory_ == (listed.memory != nullptr);
    with_memory_ = listed.memory != nullptr;
    std::optional<RamMap> map;
    if (mappings.empty()) {
        map = unknown_map("/proc/" + std::to_string(process.pid()) +
                          "/maps cannot be read (CAP_SYS_PTRACE is needed)");
    } else if (!as_before || !is_still_right(*listed.domain, mappings)) {
        const bool changed = !domain_ || !same_blocks(*domain_, *listed.domain);
        map = find_again(listed, source, mappings, rare_too || changed);
    }
    domain_ = listed.domain;
    if (!map) return std::nullopt;
    for (RamBlock& block : map->blocks) {
        const std::int64_t page_bytes = read_hugetlb_page_bytes(process, block.backing);
        if (page_bytes == 0) continue;
        block.hugetlb = true;
        block.page_bytes = page_bytes;
    }
    if (as_before && last_ && tell_the_same(*last_, *map)) return std::nullopt;
    last_ = map;
    return map;
}

bool RamFinder::is_known() const {
    return last_ && last_->unknown.empty() && last_->problems.empty();
}

bool RamFinder::is_still_right(const Domain& domain, const std::vector<Mapping>& mappings) const {
    return domain_ && is_known() && same_blocks(*domain_, domain) &&
           std::all_of(last_->blocks.begin(), last_->blocks.end(),
                       [&](const RamBlock& block) { return is_mapped(mappings, block.host); });
}

std::optional<RamMap> RamFinder::find_again(const ListedGuest& listed, GuestSource& source,
                                            const std::vector<Mapping>& mappings, bool ask_again) {
    if (auto exact = map_by_kvm(listed, mappings)) return exact;
    RamMap map = map_by_size(*listed.domain, mappings);
    // A domain without a machine type was described by QEMU's monitor. The layout of guest-physical
    // memory is not known then, but the monitor knows it.
    const bool complete = map.complete && !listed.domain->machine.empty();
    if (complete || !listed.has_monitor || !source.may_ask_monitor()) return map;
    // During a migration or a save the monitor may not answer, and libvirt would wait for it.
    if (listed.state != RunState::running && listed.state != RunState::paused)
        return unknown_map(
            "its monitor is asked for its RAM blocks only while it is running or paused");
    if (ask_again || !asked_) {
        asked_ = true;
        return ask_monitor(listed, source, mappings, std::move(map));
    }
    // If the monitor's last answer was of no use, the reason stays in force.
    if (!is_known()) return std::nullopt;
    return map;
}

}  // namespace vnuma
