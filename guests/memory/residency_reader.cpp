#include "guests/memory/residency_reader.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "guests/memory/summed_residency.hpp"
#include "guests/process/parse_proc.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

using std::chrono::steady_clock;

// The first mappings of QEMU are its own code and have no memory policy of their own. So the
// beginning of numa_maps shows the policy of the process.
constexpr std::size_t numa_maps_head_bytes = 1024;

std::vector<RamRange> host_ranges(const std::vector<RamBlock>& blocks) {
    std::vector<RamRange> ranges;
    ranges.reserve(blocks.size());
    for (const RamBlock& block : blocks)
        ranges.push_back(block.host);
    return ranges;
}

std::int64_t total_of(const Residency& residency) {
    std::int64_t total = 0;
    for (const auto& [node, bytes] : residency.bytes)
        total += bytes;
    return total;
}

// Whether memory is on one node to such an extent that it does not matter much whose it is.
bool is_on_one_node(const Residency& residency) {
    const std::int64_t least = total_of(residency) / 1000 * least_lost_on_one_node;
    return std::any_of(residency.bytes.begin(), residency.bytes.end(),
                       [&](const auto& one) { return one.second >= least; });
}

// What a cell gets of the residency of lost memory. The mappings that hold it may hold other memory
// as well, of which no cell gets a part. Where the size of a cell is not known, all get the same.
Residency share_of(const Residency& all, int cell, const std::map<int, std::int64_t>& lost) {
    std::int64_t lost_bytes = 0;
    bool sizes_known = true;
    for (const auto& [id, bytes] : lost) {
        lost_bytes += bytes;
        sizes_known &= bytes > 0;
    }
    const double part = sizes_known ? static_cast<double>(lost.at(cell)) /
                                          static_cast<double>(std::max(total_of(all), lost_bytes))
                                    : 1.0 / static_cast<double>(lost.size());
    Residency share;
    for (const auto& [node, bytes] : all.bytes)
        share.bytes[node] = static_cast<std::int64_t>(static_cast<double>(bytes) * part);
    // Blocks of several cells may be bound to different nodes.
    if (all.forbidden.empty())
        share.bound_to = all.bound_to;
    else if (all.forbidden == interleaved_by_owner)
        share.forbidden = all.forbidden;
    return share;
}

// Adds its share of lost memory to the residency of a cell's blocks. All of it stays where it is,
// so nodes that only one part of it is bound to do not say where the vCPUs may be.
void add_share(const Residency& share, Residency& residency) {
    if (residency.bytes.empty())
        residency.bound_to = share.bound_to;
    else
        remove_others(residency.bound_to, share.bound_to);
    for (const auto& [node, bytes] : share.bytes)
        residency.bytes[node] += bytes;
    if (!share.forbidden.empty()) residency.forbidden = share.forbidden;
}

// What libvirt or QEMU were told about the memory of a cell.
std::vector<const NumaTune*> numatunes_of(const GuestSample& sample, const CellSample& cell) {
    std::vector<const NumaTune*> all;
    if (const NumaTune* of_cell = find_numatune(sample.domain->tuning, cell.id))
        all.push_back(of_cell);
    for (const RamBlock& block : cell.blocks)
        if (block.numatune) all.push_back(&*block.numatune);
    return all;
}

// Whether libvirt or QEMU were told to interleave the memory of a cell.
bool is_interleaved(const GuestSample& sample, const CellSample& cell) {
    const auto all = numatunes_of(sample, cell);
    return std::any_of(all.begin(), all.end(),
                       [](const NumaTune* one) { return one->mode == "interleave"; });
}

bool is_understood(const GuestSample& sample, const CellSample& cell) {
    const auto all = numatunes_of(sample, cell);
    return std::all_of(all.begin(), all.end(), [](const NumaTune* one) { return one->understood; });
}

// Whether the owner has bound blocks of the cell to nodes that have none in common.
bool is_bound_apart(const GuestSample& sample, const CellSample& cell) {
    std::optional<std::vector<int>> common;
    for (const NumaTune* numatune : numatunes_of(sample, cell)) {
        if (!numatune->binds() || numatune->nodes.empty()) continue;
        if (common)
            remove_others(*common, numatune->nodes);
        else
            common = numatune->nodes;
    }
    return common && common->empty();
}

// Memory that is bound apart stays, and the vCPUs go to where most of it is. The same holds for
// memory whose nodes are not understood: the kernel would move it away from them.
void settle_bindings(const GuestSample& sample, CellSample& cell) {
    if (cell.immovable.empty() && !is_understood(sample, cell))
        cell.immovable = "what its owner binds it to is not understood";
    if (cell.residency.forbidden != bound_apart && !is_bound_apart(sample, cell)) return;
    if (cell.residency.forbidden == bound_apart) cell.residency.forbidden.clear();
    cell.residency.bound_to.clear();
    if (cell.immovable.empty()) cell.immovable = bound_apart;
}

}  // namespace

void ResidencyReader::change_ram(const Domain& domain, const std::vector<RamBlock>& blocks,
                                 const LostMemory& lost) {
    if (blocks.empty() && lost.candidates.empty()) {
        const std::size_t mappings = mappings_;
        *this = ResidencyReader();
        mappings_ = mappings;
        return;
    }
    cells_.assign(domain.cells.size(), {});
    for (std::size_t i = 0; i < cells_.size(); ++i)
        for (const RamBlock& block : blocks)
            if (block.cell == domain.cells[i].id) cells_[i].blocks.push_back(block);
    lost_ = lost.bytes;
    if (!lost.candidates.empty()) cells_.emplace_back();
    for (const RamRange& range : lost.candidates) {
        RamBlock block;
        block.host = range;
        cells_.back().blocks.push_back(std::move(block));
    }
    source_.time = {};
    failure_ = "its residency has not been read yet";
    if (scan_) scan_->change_cells(scan_cells());
}

void ResidencyReader::read_task_policy(const Process& process) {
    const auto head =
        parse_numa_maps(process.read_head("numa_maps", numa_maps_head_bytes).value_or(""));
    task_policy_ = head.empty() ? "" : head.front().policy;
}

void ResidencyReader::read(const Process& process, const PageReaders& readers, ResidencyMode mode,
                           bool complete) {
    if (!has_ram()) return;
    if (mode == ResidencyMode::automatic) mode = choose_mode();
    source_.mode = name(mode);
    failure_.clear();
    try {
        if (mode == ResidencyMode::summed)
            sum(process);
        else
            scan(process, readers, mode, complete);
        if (failure_.empty()) source_.time = steady_clock::now();
    } catch (const std::runtime_error& error) {  // the kernel refuses
        failure_ = std::string("its residency cannot be read: ") + error.what();
    } catch (const std::length_error& error) {  // the guest exceeds the limit of a scan
        failure_ = std::string("its residency cannot be read: ") + error.what();
    }
}

bool ResidencyReader::has_ram() const {
    return std::any_of(cells_.begin(), cells_.end(),
                       [](const Cell& cell) { return !cell.blocks.empty(); });
}

ResidencyMode ResidencyReader::choose_mode() const {
    std::int64_t in_small_pages = 0;
    for (const Cell& cell : cells_)
        for (const RamBlock& block : cell.blocks)
            if (!block.hugetlb) in_small_pages += static_cast<std::int64_t>(block.host.size);
    return in_small_pages <= max_bytes_summed && mappings_ <= max_mappings_summed
               ? ResidencyMode::summed
               : ResidencyMode::incremental;
}

void ResidencyReader::sum(const Process& process) {
    source_.way = "numa_maps";
    const auto mappings = parse_numa_maps(process.read("numa_maps").value_or(""));
    if (mappings.empty()) {
        failure_ = "/proc/" + std::to_string(process.pid()) +
                   "/numa_maps cannot be read (CAP_SYS_PTRACE is needed)";
        return;
    }
    for (Cell& cell : cells_) {
        cell.residency = sum_residency(host_ranges(cell.blocks), mappings);
        for (RamBlock& block : cell.blocks) {
            const std::int64_t page_bytes = page_bytes_of(block.host, mappings);
            if (page_bytes == 0) continue;
            block.page_bytes = page_bytes;
            block.hugetlb = page_bytes > static_cast<std::int64_t>(small_page_bytes);
        }
    }
}

// In incremental mode the sample finds out what has moved, and the slice gives the exact residency
// of some chunks.
void ResidencyReader::scan(const Process& process, const PageReaders& readers, ResidencyMode mode,
                           bool complete) {
    if (!scan_) scan_.emplace(scan_cells());
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
                    [](const ChunkResidency& cell) { return cell.count(Knowledge::none) > 0; });
    if (in_part) {
        failure_ = "its residency has been read only in part so far";
        return;
    }
    if (mode == ResidencyMode::incremental)
        scan_->scan_slice(readers.exact, process, pages_in_slice);
    source_.way = mode == ResidencyMode::sampled ? readers.sampling.name() : readers.exact.name();
    for (std::size_t i = 0; i < cells_.size(); ++i) {
        cells_[i].residency = {};
        cells_[i].residency.bytes = scan_->cells()[i].bytes_by_node();
        apply_memory_policy(task_policy_, cells_[i].residency);
    }
}

std::vector<CellRam> ResidencyReader::scan_cells() const {
    std::vector<CellRam> cells;
    for (const Cell& cell : cells_) {
        CellRam& ram = cells.emplace_back();
        ram.ranges = host_ranges(cell.blocks);
        for (const RamBlock& block : cell.blocks)
            ram.page_bytes.push_back(static_cast<std::uint64_t>(block.page_bytes));
    }
    return cells;
}

void ResidencyReader::fill_lost(GuestSample& sample) const {
    if (lost_.empty() || cells_.empty()) return;
    const Residency& all = cells_.back().residency;
    for (CellSample& cell : sample.cells) {
        if (!lost_.contains(cell.id)) continue;
        add_share(share_of(all, cell.id, lost_), cell.residency);
        cell.immovable = "its RAM blocks are not known";
    }
    if (lost_.size() > 1 && !is_on_one_node(all))
        mark_unsteady(sample, "the memory of its cells is ambiguous, and less than " +
                                  std::to_string(least_lost_on_one_node / 10) +
                                  " % of it is on one node");
}

void ResidencyReader::fill(GuestSample& sample, steady_clock::time_point now) const {
    sample.residency = source_;
    const std::size_t cells = std::min(sample.cells.size(), cells_.size());
    for (std::size_t i = 0; i < cells; ++i) {
        CellSample& cell = sample.cells[i];
        cell.blocks = cells_[i].blocks;
        cell.residency = cells_[i].residency;
        if (scan_ && i < scan_->cells().size()) {
            const ChunkResidency& chunks = scan_->cells()[i];
            cell.chunks = ChunkCounts{chunks.size(), chunks.count(Knowledge::exact),
                                      chunks.chunks_on_several_nodes()};
        }
    }
    fill_lost(sample);
    for (std::size_t i = 0; i < cells; ++i) {
        CellSample& cell = sample.cells[i];
        settle_bindings(sample, cell);
        mark_unsteady(sample, cell.residency.forbidden);
        if (is_interleaved(sample, cell)) mark_unsteady(sample, interleaved_by_owner);
    }
    mark_unsteady(sample, failure_);
    if (has_ram() && now - source_.time > max_residency_age)
        mark_unsteady(sample, "its residency was last read more than " +
                                  std::to_string(max_residency_age.count()) + " minutes ago");
}

}  // namespace vnuma
