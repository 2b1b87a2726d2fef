#include "src/control/queries/heat_map.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "guests/tracking/attribution/guest_physical_map.hpp"
#include "src/control/queries/words.hpp"

namespace vnuma::control {
namespace {

constexpr int no_accessor = -1, several_accessors = -2;
constexpr std::uint64_t least_chunk = 2 * mib;

// The RAM of all cells, laid end to end in the order of addresses, and cut into equal blocks.
class Layout {
  public:
    struct Piece {
        RamRange range;
        std::uint64_t offset = 0;  // of its begin, from the begin of the first piece
        int cell = 0;
    };

    Layout(const GuestSample& guest, std::size_t blocks) {
        for (const CellSample& cell : guest.cells)
            for (const RamRange& range : host_ranges(cell))
                if (range.size > 0) pieces_.push_back({range, 0, cell.id});
        std::sort(pieces_.begin(), pieces_.end(),
                  [](const Piece& a, const Piece& b) { return a.range.start < b.range.start; });
        for (Piece& piece : pieces_) {
            piece.offset = bytes_;
            bytes_ += piece.range.size;
        }
        const std::uint64_t chunk = std::max(guest.tracking.chunk_bytes, least_chunk);
        const std::uint64_t chunks = (bytes_ + chunk - 1) / chunk;
        block_bytes_ = std::max<std::uint64_t>((chunks + blocks - 1) / blocks, 1) * chunk;
    }

    std::uint64_t block_bytes() const { return block_bytes_; }
    std::size_t blocks() const {
        return static_cast<std::size_t>((bytes_ + block_bytes_ - 1) / block_bytes_);
    }
    std::uint64_t bytes_of(std::size_t block) const {
        return std::min(block_bytes_, bytes_ - block * block_bytes_);
    }
    const std::vector<Piece>& pieces() const { return pieces_; }

    // Visits each block that the range is part of, with the number of its bytes there.
    template <typename Visit>
    void visit(RamRange range, Visit visit) const {
        auto piece = std::upper_bound(
            pieces_.begin(), pieces_.end(), range.start,
            [](std::uint64_t start, const Piece& one) { return start < one.range.start; });
        if (piece != pieces_.begin()) --piece;
        const std::uint64_t end = range.start + range.size;
        for (; piece != pieces_.end() && piece->range.start < end; ++piece) {
            const std::uint64_t first = std::max(range.start, piece->range.start);
            const std::uint64_t last = std::min(end, piece->range.start + piece->range.size);
            if (first < last)
                visit_offsets(piece->offset + (first - piece->range.start), last - first, visit);
        }
    }

  private:
    template <typename Visit>
    void visit_offsets(std::uint64_t offset, std::uint64_t bytes, Visit visit) const {
        while (bytes > 0) {
            const std::uint64_t block = offset / block_bytes_;
            const std::uint64_t part = std::min(bytes, (block + 1) * block_bytes_ - offset);
            visit(static_cast<std::size_t>(block), part);
            offset += part;
            bytes -= part;
        }
    }

    std::vector<Piece> pieces_;  // sorted by address
    std::uint64_t bytes_ = 0, block_bytes_ = 1;
};

// What is summed up for one block.
struct Sums {
    std::uint64_t heat = 0;                    // bytes by their heat in thousandths
    std::map<int, std::uint64_t> accessors{};  // bytes by accessor
    std::map<int, std::uint64_t> nodes{};      // bytes that are certainly there, by node
};

void add_chunks(const GuestSample& guest, const Layout& layout, std::vector<Sums>& sums) {
    std::vector<RamBlock> blocks;
    for (const CellSample& cell : guest.cells)
        blocks.insert(blocks.end(), cell.blocks.begin(), cell.blocks.end());
    const GuestPhysicalMap physical(blocks);
    for (const ChunkUse& chunk : guest.tracking.map) {
        const std::uint64_t start = physical.host_address(chunk.address).value_or(chunk.address);
        layout.visit({start, chunk.bytes}, [&](std::size_t block, std::uint64_t bytes) {
            sums[block].heat += bytes * static_cast<std::uint64_t>(chunk.heat);
            if (chunk.accessor != no_accessor) sums[block].accessors[chunk.accessor] += bytes;
        });
    }
}

void add_ranges(const TrackingSample& tracking, const Layout& layout, std::vector<Sums>& sums) {
    if (tracking.hot_ranges)
        for (const RamRange& range : *tracking.hot_ranges)
            layout.visit(range, [&](std::size_t block, std::uint64_t bytes) {
                sums[block].heat += bytes * 1000;
            });
    if (tracking.own_ranges)
        for (const OwnRange& range : *tracking.own_ranges)
            layout.visit(range.memory, [&](std::size_t block, std::uint64_t bytes) {
                const int accessor =
                    range.vcpu == OwnRange::shared ? several_accessors : range.vcpu;
                sums[block].accessors[accessor] += bytes;
            });
}

// The node that most of each whole block of the cell must be on: less than half of a block is
// elsewhere or not resident.
std::optional<int> certain_node(const CellSample& cell, std::uint64_t block_bytes) {
    std::optional<int> most;
    std::uint64_t there = 0;
    for (const auto& [node, bytes] : cell.residency.bytes)
        if (bytes > 0 && static_cast<std::uint64_t>(bytes) > there) {
            most = node;
            there = static_cast<std::uint64_t>(bytes);
        }
    std::uint64_t size = 0;
    for (const RamBlock& block : cell.blocks)
        size += block.host.size;
    return most && there + block_bytes / 2 > size ? most : std::nullopt;
}

void add_nodes(const GuestSample& guest, const Layout& layout, std::vector<Sums>& sums) {
    std::map<int, int> nodes;  // by cell
    for (const CellSample& cell : guest.cells)
        if (const auto node = certain_node(cell, layout.block_bytes())) nodes[cell.id] = *node;
    for (const Layout::Piece& piece : layout.pieces())
        if (const auto node = nodes.find(piece.cell); node != nodes.end())
            layout.visit(piece.range, [&](std::size_t block, std::uint64_t bytes) {
                sums[block].nodes[node->second] += bytes;
            });
}

// Who has more than half; none if nobody has.
std::optional<int> majority(const std::map<int, std::uint64_t>& bytes, std::uint64_t all) {
    for (const auto& [who, some] : bytes)
        if (some > all / 2) return who;
    return std::nullopt;
}

// Of the memory whose accessor is known. Several, if no vCPU alone has more than half of that.
int accessor_of(const Sums& sums) {
    std::uint64_t all = 0;
    for (const auto& [accessor, bytes] : sums.accessors)
        all += bytes;
    if (all == 0) return no_accessor;
    return majority(sums.accessors, all).value_or(several_accessors);
}

constexpr const char* key_for_all =
    "set heat_map = true in section [report] of the configuration and restart vnumad to see how "
    "hot "
    "each chunk is (report.heat_map)";

std::string trouble_of(const GuestSample& guest, const Layout& layout) {
    const TrackingSample& tracking = guest.tracking;
    if (layout.pieces().empty())
        return "It is not known where in the guest's process its memory is.";
    if (!tracking.map.empty()) return "";
    const bool has_hot = tracking.hot_ranges && !tracking.hot_ranges->empty();
    const bool has_own = tracking.own_ranges && !tracking.own_ranges->empty();
    if (has_hot || has_own)
        return std::string(
                   "Only which memory is hot and whose it is is known here, so the heat of "
                   "a block is the share of it that is hot: ") +
               key_for_all + ".";
    if (!tracking.heat.trouble.empty())
        return sentence("no heat is known: " + tracking.heat.trouble);
    if (tracking.heat.scans == 0)
        return tracking.heat.waits_for.empty()
                   ? "No heat is known: the guest's memory has not been scanned yet. vnumad does "
                     "not track guests that it only observes, nor with tracking.heat = \"none\"."
                   : sentence("no heat is known, and no scan has begun: " +
                              tracking.heat.waits_for);
    if (!tracking.heat.ability.per_chunk)
        return std::string("No heat is known: the tracker ") + tracking.heat.tracker +
               " measures how much memory is accessed, but not which (tracking.heat).";
    return std::string("No hot memory is known; ") + key_for_all + ".";
}

}  // namespace

HeatMap map_heat(const Tick& tick, std::size_t guest, int blocks) {
    const GuestSample& sample = tick.sample().guests.at(guest);
    const Layout layout(sample, static_cast<std::size_t>(std::clamp(blocks, 1, max_heat_blocks)));
    HeatMap map{sample.name,
                sample.uuid,
                static_cast<Bytes>(layout.block_bytes()),
                trouble_of(sample, layout),
                {}};
    std::vector<Sums> sums(layout.blocks());
    if (sample.tracking.map.empty())
        add_ranges(sample.tracking, layout, sums);
    else
        add_chunks(sample, layout, sums);
    add_nodes(sample, layout, sums);
    for (std::size_t i = 0; i < sums.size(); ++i) {
        const std::uint64_t bytes = layout.bytes_of(i);
        HeatBlock& block = map.blocks.emplace_back();
        block.node = majority(sums[i].nodes, bytes);
        block.heat = std::min<PerMille>(static_cast<PerMille>(sums[i].heat / bytes), 1000);
        block.accessor = accessor_of(sums[i]);
    }
    return map;
}

}  // namespace vnuma::control
