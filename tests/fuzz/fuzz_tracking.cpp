// Fuzzes what the kernel reports of a guest's accesses: DAMON's regions, counted faults and sums of
// pages. Whatever it reports, results must stay within the guest's memory and within their limits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "guests/model/access_matrix.hpp"
#include "guests/tracking/attribution/attribution.hpp"
#include "guests/tracking/attribution/fault_map_entries.hpp"
#include "guests/tracking/attribution/page_count.hpp"
#include "guests/tracking/damon/damon_plan.hpp"
#include "guests/tracking/heat/chunk_levels.hpp"

using namespace vnuma;

namespace {

constexpr std::uint64_t chunk = 2 << 20;
constexpr std::size_t most_things = 64;

void require(bool holds) {
    if (!holds) std::abort();
}

// Takes values from the fuzzer's bytes. They are 0 after the last byte.
class Bytes {
  public:
    Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

    template <typename Value>
    Value take() {
        Value value{};
        const std::size_t size = std::min(sizeof value, size_);
        std::memcpy(&value, data_, size);
        data_ += size;
        size_ -= size;
        return value;
    }
    std::size_t count() { return take<std::uint8_t>() % most_things; }

  private:
    const std::uint8_t* data_;
    std::size_t size_;
};

std::vector<RamRange> take_ranges(Bytes& bytes) {
    std::vector<RamRange> ranges;
    for (std::size_t i = bytes.count() % 4 + 1; i > 0; --i)
        ranges.push_back(
            {bytes.take<std::uint64_t>() % (std::uint64_t{1} << 47), bytes.take<std::uint32_t>()});
    return ranges;
}

void scan(Bytes& bytes, HeatTable& table) {
    const auto& ranges = table.grid().ranges();
    std::vector<AccessedRange> earlier;
    for (std::size_t i = bytes.count(); i > 0; --i)
        earlier.push_back({bytes.take<std::uint64_t>(), bytes.take<std::uint64_t>(),
                           bytes.take<std::uint16_t>()});
    const DamonPlan plan =
        plan_scan(ranges, std::chrono::milliseconds(bytes.take<std::uint16_t>()), earlier, false);
    require(plan.regions.size() <= max_damon_regions);
    std::vector<DamonRegion> reported;
    for (std::size_t i = bytes.count(); i > 0; --i)
        reported.push_back({bytes.take<std::uint64_t>(), bytes.take<std::uint64_t>(),
                            bytes.take<std::uint64_t>()});
    const DamonResult result = interpret_regions(plan, reported);
    require(result.bytes <= plan.bytes);
    for (const auto& accessed : {result.accessed, earlier}) {
        const auto levels = levels_by_chunk(accessed, table.grid());
        for (const std::int32_t level : levels)
            require(level >= not_scanned && level <= max_level);
        const int agreement = table.merge(levels, 13, false);
        require(agreement >= 0 && agreement <= 1000);
    }
}

void count_faults(Bytes& bytes, HeatTable& table) {
    RamBlock block;
    block.host = table.grid().ranges().front();
    for (std::size_t i = bytes.count() % 4; i > 0; --i)
        block.guest.push_back({bytes.take<std::uint64_t>(), bytes.take<std::uint64_t>()});
    AccessMatrix matrix(bytes.take<std::uint16_t>(), table.grid().size());
    std::vector<CountedFaults> faults;
    for (std::size_t i = bytes.count(); i > 0; --i) {
        const auto key = bytes.take<fault_key>();
        const auto value = bytes.take<fault_value>();
        auto guest = bytes.take<watched_guest>();  // from the counter itself, and so valid
        guest.shift = min_bucket_shift + guest.shift % (max_bucket_shift - min_bucket_shift);
        if (const auto one = counted_faults(key, value, guest)) {
            require(one->count <= max_fault_count);
            faults.push_back(*one);
        }
    }
    const RecordedFaults recorded =
        record_faults(faults, 21, GuestPhysicalMap({block}), table, matrix, FaultOrigin::round);
    require(recorded.outside <= recorded.faults);
    require(recorded.agreement >= 0 && recorded.agreement <= 1000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    count_pages_of(std::string_view(reinterpret_cast<const char*>(data), size), size << 20);
    Bytes bytes(data, size);
    HeatTable table(ChunkGrid(take_ranges(bytes), chunk, max_heat_chunks));
    scan(bytes, table);
    count_faults(bytes, table);
    for (std::size_t i = 0; i < table.grid().size(); ++i)
        table.accessor(i);
    return 0;
}
