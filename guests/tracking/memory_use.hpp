// What is known of the use of one guest's memory: which chunks are hot, which vCPU accesses them,
// and on which host nodes they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "guests/model/access_matrix.hpp"
#include "guests/model/sample.hpp"
#include "guests/tracking/attribution/attribution.hpp"
#include "guests/tracking/attribution/round_account.hpp"
#include "guests/tracking/heat/heat_by_node.hpp"
#include "guests/tracking/heat/heat_table.hpp"

namespace vnuma {

class MemoryUse {
  public:
    struct Change {
        bool memory = false;  // RAM blocks were added or removed, or have moved in QEMU
        bool vcpus = false;   // the highest vCPU id is another
    };
    // Takes over the guest's memory and vCPUs as they are now. Forgets the heat of chunks that are
    // gone, and the access matrix after any change.
    Change follow(const GuestSample& guest);

    // Number of vCPU threads.
    int vcpus() const { return static_cast<int>(vcpu_of_thread_.size()); }
    // Size of the largest pages that the guest's RAM consists of, in bytes.
    std::uint64_t largest_page() const { return largest_page_; }
    bool has_guest_physical_addresses() const { return !physical_.empty(); }
    bool has_hot_chunks() const { return hot_ > 0; }

    // Scans merge their results into the table; summarize() has to follow.
    HeatTable& heat_table() { return table_; }
    void summarize();
    void forget_heat();

    // Page faults are counted in buckets of 2^bucket_shift() bytes.
    int bucket_shift() const;
    // Keeps counted faults for record(), and returns their sums. Accesses to devices, which are
    // page faults with AMD's nested paging, count for nothing. Faults that were counted with
    // another shift than bucket_shift() count as dropped: where they were is unknown.
    FaultSums collect(std::span<const CountedFaults> faults, int shift, std::uint64_t dropped);
    bool has_collected() const { return !collected_.empty(); }
    // Records the collected faults as one observation, and summarizes.
    RecordedFaults record(FaultOrigin origin);
    bool has_observations() const { return observations_ > 0; }

    // Whether accesses were observed for long enough to go by: which vCPUs access memory shows when
    // they access it again, in a second round or, without rounds, after some time. A placement
    // derived from less would be accidental, and is kept for long.
    bool has_enough_observations(bool rounds_may_follow) const;

    // Reads on which nodes the used memory is. What was known before stays known if the kernel
    // refuses; reading residency, which does the same, reports why.
    void read_nodes(const Process& process, PageReader& reader);

    // From now on samples contain the access matrix and what belongs to it, until the guest
    // changes.
    void publish_accesses() { accesses_published_ = true; }
    bool accesses_published() const { return accesses_published_; }
    void fill(TrackingSample& sample, bool with_accesses, bool with_map) const;

  private:
    std::vector<ChunkUse> chunk_map() const;

    // The guest as of the last follow().
    GuestPhysicalMap physical_;
    std::vector<int> cell_of_range_;  // by range of the heat table's grid
    std::uint64_t largest_page_ = 0;
    std::map<pid_t, int> vcpu_of_thread_;

    // What scans and observations have found.
    HeatTable table_;
    AccessMatrix access_matrix_;
    std::vector<CountedFaults> collected_;  // since the last record()
    std::uint64_t observations_ = 0;        // in the access matrix
    std::uint64_t rounds_ = 0;              // of these, those that were rounds
    bool accesses_published_ = false;

    // Summary of the heat table.
    std::uint16_t hot_from_ = 1;
    std::size_t hot_ = 0, agreed_ = 0, shared_ = 0;  // chunks
    std::shared_ptr<const std::vector<RamRange>> hot_ranges_ =
        std::make_shared<const std::vector<RamRange>>();

    // What the last read_nodes() has found.
    std::map<int, BytesByNode> heat_by_cell_;
    OwnedBytes owned_;
    std::shared_ptr<const std::vector<OwnRange>> own_ranges_;
    std::uint64_t pass_ = 0;  // calls of read_nodes(), each of which reads other pages of a chunk
};

}  // namespace vnuma
