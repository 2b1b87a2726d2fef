#include "guests/memory/residency_scan.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "guests/process/process.hpp"

namespace vnuma {
namespace {

// Odd, and about 0.618 of pages_in_chunk.
constexpr std::uint64_t sample_step = 317;

// What one address is asked for.
std::uint64_t unit_bytes(const std::vector<std::uint64_t>& page_bytes, std::size_t range) {
    if (range >= page_bytes.size() || !std::has_single_bit(page_bytes[range]))
        return small_page_bytes;
    return std::clamp(page_bytes[range], small_page_bytes, chunk_bytes);
}

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
    return value / by + (value % by != 0 ? 1 : 0);
}

// Whether the sampled page is where one of the chunk's was when they were all looked at.
bool agrees(const ChunkPages& known, int node, int pages) {
    if (known.learnt != Learnt::exact) return false;
    if (node < 0) return known.pages + known.other_pages < pages;
    return (known.pages > 0 && known.node == node) ||
           (known.other_pages > 0 && known.other_node == node);
}

}  // namespace

int sampled_page(std::uint64_t pass) {
    return static_cast<int>(pass % pages_in_chunk * sample_step % pages_in_chunk);
}

// Chunks of one range that one call of the reader tells.
struct ResidencyScan::Batch {
    std::size_t chunks = 0;
    std::uint64_t start = 0, stride = 0;
    std::size_t pages = 0;            // asked for
    std::size_t pages_per_chunk = 0;  // asked for
    std::uint64_t bytes = 0;          // of all chunks together; the last may be shorter
};

ResidencyScan::ResidencyScan(std::vector<CellRam> cells) {
    change_cells(std::move(cells));
}

void ResidencyScan::change_cells(std::vector<CellRam> cells) {
    tables_.resize(cells.size());
    page_bytes_.resize(cells.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
        tables_[i].change_ranges(std::move(cells[i].ranges));
        page_bytes_[i] = std::move(cells[i].page_bytes);
    }
    put_right(exact_);
    put_right(sampled_);
}

// To the next chunk that there is; behind the last cell, the pass has come to its end.
void ResidencyScan::put_right(Cursor& cursor) const {
    while (cursor.cell < tables_.size() && cursor.chunk >= tables_[cursor.cell].size()) {
        ++cursor.cell;
        cursor.chunk = 0;
    }
}

// Whether this was the end of the pass.
bool ResidencyScan::advance(Cursor& cursor, std::size_t chunks) const {
    cursor.chunk += chunks;
    put_right(cursor);
    if (cursor.cell < tables_.size()) return false;
    cursor.cell = 0;
    cursor.chunk = 0;
    put_right(cursor);
    ++cursor.passes;
    return true;
}

ScanResult ResidencyScan::scan_all(PageReader& reader, const Process& process) {
    exact_.cell = 0;
    exact_.chunk = 0;
    put_right(exact_);
    return scan(reader, process, exact_, max_pages_of_scan);
}

ScanResult ResidencyScan::scan_slice(PageReader& reader, const Process& process,
                                     std::uint64_t max_pages) {
    return scan(reader, process, exact_, max_pages);
}

ScanResult ResidencyScan::sample(PageReader& reader, const Process& process,
                                 std::uint64_t max_pages) {
    return scan(reader, process, sampled_, max_pages);
}

ScanResult ResidencyScan::scan(PageReader& reader, const Process& process, Cursor& cursor,
                               std::uint64_t max_pages) {
    std::array<int, max_pages_asked> nodes;
    ScanResult result;
    do {
        // A guest without memory, or one that lost the rest of it since the last call.
        if (cursor.cell >= tables_.size()) {
            result.pass_completed = advance(cursor, 0);
            break;
        }
        const std::uint64_t left = max_pages - std::min(max_pages, result.pages);
        const Batch batch = next_batch(cursor, left);
        if (result.pages > 0 && batch.pages > left) break;
        const std::span<int> asked(nodes.data(), batch.pages);
        const PagesRead read = reader.page_nodes(process, batch.start, batch.stride, asked);
        result.calls += read.calls;
        result.gone = read.gone;
        if (read.gone) break;
        result.pages += batch.pages;
        store(cursor, batch, asked);
        result.pass_completed = advance(cursor, batch.chunks);
    } while (!result.pass_completed && result.pages < max_pages);
    return result;
}

ResidencyScan::Batch ResidencyScan::next_batch(const Cursor& cursor,
                                               std::uint64_t max_pages) const {
    const RestOfRange rest = tables_[cursor.cell].grid().rest_of_range(cursor.chunk);
    const std::uint64_t limit = std::clamp<std::uint64_t>(max_pages, 1, max_pages_asked);
    Batch batch;
    batch.start = rest.address;
    if (cursor.learns == Learnt::sampled) {
        // The shorter chunk at the end of a range has a batch of its own.
        const std::uint64_t whole = rest.bytes / chunk_bytes;
        const std::uint64_t pages = divide_up(std::min(rest.bytes, chunk_bytes), small_page_bytes);
        batch.chunks = std::min(std::max<std::uint64_t>(whole, 1), limit);
        batch.start +=
            static_cast<std::uint64_t>(sampled_page(cursor.passes)) % pages * small_page_bytes;
        batch.stride = chunk_bytes;
        batch.pages = batch.chunks;
        batch.pages_per_chunk = 1;
        batch.bytes = std::min(batch.chunks * chunk_bytes, rest.bytes);
        return batch;
    }
    batch.stride = unit_bytes(page_bytes_[cursor.cell], rest.range);
    batch.pages_per_chunk = chunk_bytes / batch.stride;
    batch.chunks = std::min(std::max<std::uint64_t>(limit / batch.pages_per_chunk, 1),
                            divide_up(rest.bytes, chunk_bytes));
    batch.bytes = std::min(batch.chunks * chunk_bytes, rest.bytes);
    batch.pages = divide_up(batch.bytes, batch.stride);
    return batch;
}

void ResidencyScan::store(const Cursor& cursor, const Batch& batch, std::span<const int> nodes) {
    ChunkTable& table = tables_[cursor.cell];
    for (std::size_t i = 0; i < batch.chunks; ++i) {
        const std::size_t first = i * batch.pages_per_chunk;
        const std::size_t count = std::min(batch.pages_per_chunk, nodes.size() - first);
        const std::uint64_t bytes = std::min(batch.bytes - i * chunk_bytes, chunk_bytes);
        const std::uint64_t each =
            divide_up(std::min(bytes, chunk_bytes / batch.pages_per_chunk), small_page_bytes);
        const bool sampled = cursor.learns == Learnt::sampled;
        if (sampled && agrees(table.at(cursor.chunk + i), nodes[first], static_cast<int>(each)))
            continue;
        table.store(cursor.chunk + i, count_pages(nodes.subspan(first, count),
                                                  static_cast<int>(each), cursor.learns));
    }
}

std::size_t ResidencyScan::bytes_held() const {
    std::size_t bytes = sizeof(*this) +
                        page_bytes_.capacity() * sizeof(std::vector<std::uint64_t>) +
                        (tables_.capacity() - tables_.size()) * sizeof(ChunkTable);
    for (const ChunkTable& table : tables_)
        bytes += table.bytes_held();
    for (const auto& sizes : page_bytes_)
        bytes += sizes.capacity() * sizeof(std::uint64_t);
    return bytes;
}

}  // namespace vnuma
