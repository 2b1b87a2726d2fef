#include "guests/memory/residency_scan.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "guests/process/process.hpp"

namespace vnuma {
namespace {

// About 0.618 of pages_in_chunk. It is odd, so that its multiples reach every page of a chunk.
constexpr std::uint64_t sample_step = 317;

// The distance of two addresses that an exact scan queries in a range.
std::uint64_t exact_stride(const std::vector<std::uint64_t>& page_bytes, std::size_t range) {
    if (range >= page_bytes.size() || !std::has_single_bit(page_bytes[range]))
        return small_page_bytes;
    return std::clamp(page_bytes[range], small_page_bytes, chunk_bytes);
}

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
    return value / by + (value % by != 0 ? 1 : 0);
}

// Whether exact knowledge of a chunk of `pages` small pages allows that the sampled page is on this
// node, or not in memory if `node` is negative.
bool agrees(const ChunkPages& known, int node, int pages) {
    if (known.knowledge != Knowledge::exact) return false;
    if (node < 0) return known.pages + known.other_pages < pages;
    return (known.pages > 0 && known.node == node) ||
           (known.other_pages > 0 && known.other_node == node);
}

}  // namespace

int sampled_page(std::uint64_t pass) {
    return static_cast<int>(pass % pages_in_chunk * sample_step % pages_in_chunk);
}

// Chunks of one range that one call of the reader covers.
struct ResidencyScan::Batch {
    std::size_t chunks = 0;
    std::uint64_t start = 0, stride = 0;  // addresses to query
    std::size_t pages = 0;                // number of pages to query
    std::size_t pages_per_chunk = 0;      // number of pages to query in a whole chunk
    std::uint64_t bytes = 0;              // size of all chunks; the last one may be shorter
};

ResidencyScan::ResidencyScan(std::vector<CellRam> cells) {
    change_cells(std::move(cells));
}

void ResidencyScan::change_cells(std::vector<CellRam> cells) {
    cells_.resize(cells.size());
    page_bytes_.resize(cells.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
        cells_[i].change_ranges(std::move(cells[i].ranges));
        page_bytes_[i] = std::move(cells[i].page_bytes);
    }
    skip_cells_at_end(exact_);
    skip_cells_at_end(sampled_);
}

// Moves a cursor behind the last chunk of a cell to the next chunk, or behind the last cell.
void ResidencyScan::skip_cells_at_end(Cursor& cursor) const {
    while (cursor.cell < cells_.size() && cursor.chunk >= cells_[cursor.cell].size()) {
        ++cursor.cell;
        cursor.chunk = 0;
    }
}

void ResidencyScan::rewind(Cursor& cursor) const {
    cursor.cell = 0;
    cursor.chunk = 0;
    skip_cells_at_end(cursor);
}

// Returns whether this completed the pass; the cursor is at the beginning of the next one then.
bool ResidencyScan::advance(Cursor& cursor, std::size_t chunks) const {
    cursor.chunk += chunks;
    skip_cells_at_end(cursor);
    if (cursor.cell < cells_.size()) return false;
    rewind(cursor);
    ++cursor.passes;
    return true;
}

ScanResult ResidencyScan::scan_all(PageReader& reader, const Process& process) {
    rewind(exact_);
    return scan(reader, process, exact_, max_pages_of_full_scan);
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
    std::array<int, max_pages_per_read> buffer;
    ScanResult result;
    do {
        // The guest has no RAM, or the RAM behind the cursor was unplugged.
        if (cursor.cell >= cells_.size()) {
            result.pass_completed = advance(cursor, 0);
            break;
        }
        const std::uint64_t left = max_pages - std::min(max_pages, result.pages);
        const Batch batch = next_batch(cursor, left);
        if (result.pages > 0 && batch.pages > left) break;
        const std::span<int> nodes(buffer.data(), batch.pages);
        const PagesRead read = reader.read_nodes(process, batch.start, batch.stride, nodes);
        result.calls += read.calls;
        result.gone = read.gone;
        if (read.gone) break;
        result.pages += batch.pages;
        store(cursor, batch, nodes);
        result.pass_completed = advance(cursor, batch.chunks);
    } while (!result.pass_completed && result.pages < max_pages);
    return result;
}

ResidencyScan::Batch ResidencyScan::next_batch(const Cursor& cursor,
                                               std::uint64_t max_pages) const {
    const RestOfRange rest = cells_[cursor.cell].grid().rest_of_range(cursor.chunk);
    const std::uint64_t limit = std::clamp<std::uint64_t>(max_pages, 1, max_pages_per_read);
    Batch batch;
    batch.start = rest.address;
    if (cursor.knowledge == Knowledge::sampled) {
        // The shorter chunk at the end of a range has a batch of its own, since the sampled page is
        // at another offset in it.
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
    batch.stride = exact_stride(page_bytes_[cursor.cell], rest.range);
    batch.pages_per_chunk = chunk_bytes / batch.stride;
    batch.chunks = std::min(std::max<std::uint64_t>(limit / batch.pages_per_chunk, 1),
                            divide_up(rest.bytes, chunk_bytes));
    batch.bytes = std::min(batch.chunks * chunk_bytes, rest.bytes);
    batch.pages = divide_up(batch.bytes, batch.stride);
    return batch;
}

void ResidencyScan::store(const Cursor& cursor, const Batch& batch, std::span<const int> nodes) {
    ChunkResidency& cell = cells_[cursor.cell];
    for (std::size_t i = 0; i < batch.chunks; ++i) {
        const std::size_t chunk = cursor.chunk + i;
        const std::size_t first = i * batch.pages_per_chunk;
        const std::size_t count = std::min(batch.pages_per_chunk, nodes.size() - first);
        const std::uint64_t bytes = std::min(batch.bytes - i * chunk_bytes, chunk_bytes);
        const auto pages_each = static_cast<int>(
            divide_up(std::min(bytes, chunk_bytes / batch.pages_per_chunk), small_page_bytes));
        if (cursor.knowledge == Knowledge::sampled &&
            agrees(cell.at(chunk), nodes[first], pages_each))
            continue;
        cell.store(chunk, count_pages(nodes.subspan(first, count), pages_each, cursor.knowledge));
    }
}

std::size_t ResidencyScan::bytes_held() const {
    std::size_t bytes = sizeof(*this) +
                        page_bytes_.capacity() * sizeof(std::vector<std::uint64_t>) +
                        (cells_.capacity() - cells_.size()) * sizeof(ChunkResidency);
    for (const ChunkResidency& cell : cells_)
        bytes += cell.bytes_held();
    for (const auto& sizes : page_bytes_)
        bytes += sizes.capacity() * sizeof(std::uint64_t);
    return bytes;
}

}  // namespace vnuma
