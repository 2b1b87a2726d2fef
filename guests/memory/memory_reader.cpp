#include "guests/memory/memory_reader.hpp"

#include <algorithm>
#include <stdexcept>

#include "guests/discovery/guest_source.hpp"
#include "guests/memory/hugetlb_file.hpp"
#include "guests/memory/ram_map.hpp"
#include "guests/model/listed_guest.hpp"
#include "guests/process/process.hpp"

namespace vnuma {
namespace {

using std::chrono::steady_clock;

constexpr const char* not_permitted = "its memory cannot be read (CAP_SYS_PTRACE is needed)";
constexpr const char* not_looked_at = "its memory has not been looked at yet";
// The first mappings are QEMU's own code: enough for the policy of the process.
constexpr std::size_t numa_maps_head_bytes = 1024;

void blame(GuestSample& sample, const std::string& why) {
    if (sample.unsteady.empty()) sample.unsteady = why;
}

std::vector<RamRange> ranges_of(const std::vector<RamBlock>& blocks, int cell) {
    std::vector<RamRange> ranges;
    for (const RamBlock& block : blocks)
        if (block.cell == cell) ranges.push_back(block.host);
    return ranges;
}

std::vector<CellRam> scan_cells(const Domain& domain, const std::vector<RamBlock>& blocks) {
    std::vector<CellRam> cells;
    for (const DomainCell& cell : domain.cells) {
        CellRam& ram = cells.emplace_back();
        for (const RamBlock& block : blocks) {
            if (block.cell != cell.id) continue;
            ram.ranges.push_back(block.host);
            ram.page_bytes.push_back(static_cast<std::uint64_t>(block.page_bytes));
        }
    }
    return cells;
}

bool same_blocks(const Domain& a, const Domain& b) {
    return std::equal(a.memory_devices.begin(), a.memory_devices.end(), b.memory_devices.begin(),
                      b.memory_devices.end(),
                      [](const MemoryDevice& x, const MemoryDevice& y) {
                          return x.id == y.id && x.cell == y.cell && x.bytes == y.bytes &&
                                 x.address == y.address;
                      }) &&
           std::equal(a.cells.begin(), a.cells.end(), b.cells.begin(), b.cells.end(),
                      [](const DomainCell& x, const DomainCell& y) {
                          return x.id == y.id && x.bytes == y.bytes;
                      });
}

bool is_interleaved(const GuestSample& sample, const CellSample& cell) {
    const NumaTune* wish = find_numatune(sample.domain->tuning, cell.id);
    return (wish && wish->mode == "interleave") ||
           std::any_of(cell.blocks.begin(), cell.blocks.end(), [](const RamBlock& block) {
               return block.numatune && block.numatune->mode == "interleave";
           });
}

}  // namespace

void MemoryReader::read_map(const Process& process, const ListedGuest& listed, GuestSource& source,
                            bool all) {
    const bool changed = domain_ != listed.domain;
    if (!changed && !all && map_.unknown.empty()) return;
    const auto text = process.read("maps");
    const auto mappings = parse_maps(text.value_or(""));
    if (mappings.empty()) {
        forget(not_permitted);
    } else if (!map_serves(*listed.domain, mappings)) {
        const bool fresh = !domain_ || (changed && !same_blocks(*domain_, *listed.domain));
        find_blocks(process, listed, source, mappings, all || fresh);
    }
    domain_ = listed.domain;
    const auto head =
        parse_numa_maps(process.read_head("numa_maps", numa_maps_head_bytes).value_or(""));
    task_policy_ = head.empty() ? "" : head.front().policy;
}

// Whether the map is still that of this domain and of what is mapped.
bool MemoryReader::map_serves(const Domain& domain, const std::vector<Mapping>& mappings) const {
    return domain_ && !map_.blocks.empty() && same_blocks(*domain_, domain) &&
           std::all_of(map_.blocks.begin(), map_.blocks.end(),
                       [&](const RamBlock& block) { return is_mapped(mappings, block.host); });
}

void MemoryReader::find_blocks(const Process& process, const ListedGuest& listed,
                               GuestSource& source, const std::vector<Mapping>& mappings,
                               bool again) {
    RamMap map = map_by_size(*listed.domain, mappings);
    // Without a machine type it is QEMU that described the guest, and its monitor knows more.
    if (!map.unknown.empty() || listed.domain->machine.empty()) {
        // In a migration or a save the monitor has other things to do, and libvirt would wait.
        const bool calm = listed.state == RunState::running || listed.state == RunState::paused;
        const bool may_ask = source.may_ask_monitor();
        if (may_ask && !calm) {
            map.unknown = "its monitor is asked for its memory when it runs";
        } else if (may_ask && (again || !asked_)) {
            map = ask(listed, source, mappings);
            asked_ = true;
        } else if (may_ask && !map_.unknown.empty()) {
            return;  // as it was
        }
    }
    if (!map.unknown.empty()) return forget(std::move(map.unknown));
    for (RamBlock& block : map.blocks)
        if (const std::int64_t bytes = huge_page_bytes(process, block.backing)) {
            block.hugetlb = true;
            block.page_bytes = bytes;
        }
    map_ = std::move(map);
    residency_.clear();
    source_.time = {};
    trouble_ = not_looked_at;
    // What is known of blocks that stay is kept.
    if (scan_) scan_->change_cells(scan_cells(*listed.domain, map_.blocks));
}

RamMap MemoryReader::ask(const ListedGuest& listed, GuestSource& source,
                         const std::vector<Mapping>& mappings) {
    try {
        return map_by_view(*listed.domain, source.read_ram_view(listed.uuid), mappings);
    } catch (const MonitorError& error) {
        RamMap map;
        map.unknown = error.what();
        return map;
    }
}

void MemoryReader::forget(std::string why) {
    const bool asked = asked_;
    *this = MemoryReader();
    map_.unknown = std::move(why);
    asked_ = asked;
}

void MemoryReader::fill(GuestSample& sample, steady_clock::time_point now) const {
    if (!sample.process || !sample.domain) return;
    blame(sample, map_.unknown);
    sample.map_source = map_.source;
    sample.residency = source_;
    for (std::size_t i = 0; i < sample.cells.size(); ++i) {
        CellSample& cell = sample.cells[i];
        for (const RamBlock& block : map_.blocks)
            if (block.cell == cell.id) cell.blocks.push_back(block);
        if (i < residency_.size()) cell.residency = residency_[i];
        if (scan_ && i < scan_->cells().size()) {
            const ChunkTable& chunks = scan_->cells()[i];
            cell.chunks = ChunkCounts{chunks.size(), chunks.count(Learnt::exact), chunks.split()};
        }
        blame(sample, cell.residency.forbidden);
        if (is_interleaved(sample, cell)) blame(sample, "its owner has its memory interleaved");
    }
    blame(sample, trouble_);
    if (now - source_.time > max_residency_age)
        blame(sample, "its memory was looked at too long ago");
}

void MemoryReader::read_residency(const Process& process, const PageReaders& readers,
                                  ResidencyMode mode, bool complete) {
    if (map_.blocks.empty()) return;
    if (mode == ResidencyMode::automatic) {
        std::int64_t small = 0;
        for (const RamBlock& block : map_.blocks)
            if (!block.hugetlb) small += static_cast<std::int64_t>(block.host.size);
        mode = small <= max_bytes_summed ? ResidencyMode::summed : ResidencyMode::incremental;
    }
    source_.mode = name(mode);
    trouble_.clear();
    try {
        if (mode == ResidencyMode::summed)
            sum_by_numa_maps(process);
        else
            scan(process, readers, mode, complete);
        if (trouble_.empty()) source_.time = steady_clock::now();
    } catch (const std::runtime_error& error) {  // the kernel refuses
        trouble_ = std::string("its memory cannot be read: ") + error.what();
    } catch (const std::length_error& error) {  // a guest larger than any scan allows
        trouble_ = std::string("its memory cannot be read: ") + error.what();
    }
}

void MemoryReader::sum_by_numa_maps(const Process& process) {
    source_.way = "numa_maps";
    const auto mappings = parse_numa_maps(process.read("numa_maps").value_or(""));
    if (mappings.empty()) {
        trouble_ = not_permitted;
        return;
    }
    residency_.clear();
    for (const DomainCell& cell : domain_->cells)
        residency_.push_back(sum_residency(ranges_of(map_.blocks, cell.id), mappings));
    for (RamBlock& block : map_.blocks)
        if (const std::int64_t bytes = page_bytes_of(block.host, mappings)) {
            block.page_bytes = bytes;
            block.hugetlb = bytes > static_cast<std::int64_t>(small_page_bytes);
        }
}

// A sample of all of it shows what has moved; slices tell, chunk by chunk, what is on which page.
void MemoryReader::scan(const Process& process, const PageReaders& readers, ResidencyMode mode,
                        bool complete) {
    if (!scan_) scan_.emplace(scan_cells(*domain_, map_.blocks));
    if (mode == ResidencyMode::full) {
        scan_->scan_all(readers.exact, process);
    } else {
        ScanResult sampled;
        do
            sampled = scan_->sample(readers.sampling, process, pages_in_sample);
        while (complete && !sampled.pass_completed && !sampled.gone);
    }
    const bool in_part =
        std::any_of(scan_->cells().begin(), scan_->cells().end(),
                    [](const ChunkTable& cell) { return cell.count(Learnt::never) > 0; });
    if (in_part) {
        trouble_ = "its memory has been looked at in part only";
        return;
    }
    if (mode == ResidencyMode::incremental)
        scan_->scan_slice(readers.exact, process, pages_in_slice);
    source_.way = mode == ResidencyMode::sampled ? "move_pages" : readers.exact_way;
    residency_.clear();
    for (const ChunkTable& cell : scan_->cells()) {
        residency_.emplace_back().bytes = cell.bytes_by_node();
        apply_policy(task_policy_, residency_.back());
    }
}

}  // namespace vnuma
