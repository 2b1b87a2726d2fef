#include "integration/scenarios/accuracy.hpp"

#include <algorithm>
#include <map>

namespace vnuma::lab {
namespace {

// Sorted ranges without overlap.
using Ranges = std::vector<PhysicalRange>;

std::uint64_t end_of(const PhysicalRange& range) {
    return range.start + range.bytes;
}

Ranges merged(Ranges ranges) {
    std::erase_if(ranges, [](const PhysicalRange& range) { return range.bytes == 0; });
    std::sort(ranges.begin(), ranges.end(),
              [](const PhysicalRange& a, const PhysicalRange& b) { return a.start < b.start; });
    Ranges all;
    for (const PhysicalRange& range : ranges) {
        if (!all.empty() && range.start <= end_of(all.back()))
            all.back().bytes = std::max(end_of(all.back()), end_of(range)) - all.back().start;
        else
            all.push_back(range);
    }
    return all;
}

std::uint64_t bytes_within(const Ranges& ranges, const PhysicalRange& chunk) {
    std::uint64_t bytes = 0;
    auto range = std::partition_point(ranges.begin(), ranges.end(), [&](const PhysicalRange& r) {
        return end_of(r) <= chunk.start;
    });
    for (; range != ranges.end() && range->start < end_of(chunk); ++range)
        bytes += std::min(end_of(*range), end_of(chunk)) - std::max(range->start, chunk.start);
    return bytes;
}

Ranges without(const Ranges& ranges, const Ranges& removed) {
    Ranges rest;
    for (const PhysicalRange& range : ranges) {
        std::uint64_t at = range.start;
        for (const PhysicalRange& hole : removed) {
            if (end_of(hole) <= at || hole.start >= end_of(range)) continue;
            if (hole.start > at) rest.push_back({at, hole.start - at});
            at = std::min(end_of(hole), end_of(range));
        }
        if (at < end_of(range)) rest.push_back({at, end_of(range) - at});
    }
    return rest;
}

// Divides the range into chunks, counted from its beginning. The last one may be smaller.
std::vector<PhysicalRange> chunks_of(const PhysicalRange& range) {
    std::vector<PhysicalRange> chunks;
    for (std::uint64_t at = range.start; at < end_of(range); at += truth_chunk_bytes)
        chunks.push_back({at, std::min(truth_chunk_bytes, end_of(range) - at)});
    return chunks;
}

class Truth {
  public:
    Truth(const std::vector<TrueAccesses>& truth, const std::vector<PhysicalRange>& buffers)
        : buffers_(merged(buffers)) {
        for (const TrueAccesses& accessed : truth) {
            Ranges& ranges = by_vcpu_[accessed.vcpu];
            ranges.insert(ranges.end(), accessed.ranges.begin(), accessed.ranges.end());
            all_.insert(all_.end(), accessed.ranges.begin(), accessed.ranges.end());
        }
        for (auto& [vcpu, ranges] : by_vcpu_)
            ranges = merged(std::move(ranges));
        all_ = merged(std::move(all_));
    }

    const Ranges& all() const { return all_; }
    bool accesses(const PhysicalRange& chunk) const { return bytes_within(all_, chunk) > 0; }
    bool knows(const PhysicalRange& chunk) const {
        return buffers_.empty() || bytes_within(buffers_, chunk) > 0;
    }
    bool is_hot(const PhysicalRange& chunk) const {
        return bytes_within(all_, chunk) * hot_part >= chunk.bytes;
    }
    // The vCPU that accesses a hot chunk, or accessor_shared.
    int accessor(const PhysicalRange& chunk) const {
        int accessor = accessor_unknown;
        for (const auto& [vcpu, ranges] : by_vcpu_)
            if (bytes_within(ranges, chunk) > 0)
                accessor = accessor == accessor_unknown ? vcpu : accessor_shared;
        return accessor;
    }

  private:
    std::map<int, Ranges> by_vcpu_;
    Ranges all_, buffers_;
};

int per_mille(int part, int whole) {
    return whole > 0 ? part * 1000 / whole : -1;
}

void count_chunk(Accuracy& accuracy, const Truth& truth, const PhysicalRange& chunk,
                 bool claimed_hot, int accessor) {
    if (claimed_hot) {
        ++accuracy.claimed;
        accuracy.claimed_right += truth.accesses(chunk) ? 1 : 0;
        accuracy.claimed_elsewhere += truth.knows(chunk) ? 0 : 1;
    }
    if (!truth.is_hot(chunk)) return;
    ++accuracy.hot;
    accuracy.hot_found += claimed_hot ? 1 : 0;
    accuracy.named += accessor != accessor_unknown ? 1 : 0;
    accuracy.named_right +=
        accessor != accessor_unknown && accessor == truth.accessor(chunk) ? 1 : 0;
}

// Counts the truly hot chunks outside all claims. A chunk on this grid has its full size, even if
// part of it is claimed.
void count_unclaimed(Accuracy& accuracy, const Truth& truth, const Ranges& claimed) {
    std::map<std::uint64_t, std::uint64_t> left;  // bytes by chunk
    for (const PhysicalRange& range : without(truth.all(), claimed))
        for (std::uint64_t at = range.start; at < end_of(range);) {
            const std::uint64_t chunk = at / truth_chunk_bytes;
            const std::uint64_t end = std::min((chunk + 1) * truth_chunk_bytes, end_of(range));
            left[chunk] += end - at;
            at = end;
        }
    for (const auto& [chunk, bytes] : left)
        accuracy.hot += bytes * hot_part >= truth_chunk_bytes ? 1 : 0;
}

}  // namespace

int Accuracy::precision() const {
    return per_mille(claimed_right, claimed);
}

int Accuracy::precision_in_buffers() const {
    return per_mille(claimed_right, claimed - claimed_elsewhere);
}

int Accuracy::recall() const {
    return per_mille(hot_found, hot);
}

int Accuracy::attributed() const {
    return per_mille(named_right, hot);
}

Accuracy compare(const std::vector<TrueAccesses>& accessed, const std::vector<Claim>& claims,
                 const std::vector<PhysicalRange>& buffers) {
    const Truth truth(accessed, buffers);
    Ranges claimed;
    for (const Claim& claim : claims)
        claimed.push_back(claim.memory);
    Accuracy accuracy;
    for (const Claim& claim : claims)
        for (const PhysicalRange& chunk : chunks_of(claim.memory))
            count_chunk(accuracy, truth, chunk, claim.hot, claim.accessor);
    count_unclaimed(accuracy, truth, merged(std::move(claimed)));
    return accuracy;
}

}  // namespace vnuma::lab
