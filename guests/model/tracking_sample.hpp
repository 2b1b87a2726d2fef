// What is known at one tick about the use of a guest's memory, for the planner and the report. Data
// only. Heat, agreement and shares of writes are in thousandths.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "guests/model/ram.hpp"

namespace vnuma {

class AccessMatrix;

using BytesByNode = std::map<int, std::int64_t>;  // by the kernel's node number

// On which nodes the memory is whose accessors are known.
struct OwnedBytes {
    std::map<int, BytesByNode> by_vcpu;         // memory that one vCPU alone accesses
    std::map<std::size_t, BytesByNode> shared;  // memory that several access, by extent
};

// A range of memory that one vCPU alone accesses, or that several do.
struct OwnRange {
    static constexpr int shared = -1;

    RamRange memory;
    int vcpu = shared;
    std::size_t extent = 0;  // index in the access matrix
};

// What a heat tracker can measure.
struct Ability {
    bool reads = false, writes = false;
    bool told_apart = false;  // whether it tells writes from reads
    bool per_chunk = false;   // which chunks are accessed; otherwise only how much memory
    bool per_vcpu = false;    // which vCPU accesses the memory
    const char* cost = "";    // what a scan costs, in a few words
};

// Memory written per second, in MiB.
struct WriteRate {
    std::uint64_t all = 0;
    std::map<int, std::uint64_t> by_vcpu{};  // empty if the tracker measures no single vCPUs
};

struct HeatState {
    const char* tracker = "none";
    Ability ability{};
    std::string trouble;    // why there is no heat, or what the last scan lacks; mostly empty
    std::string waits_for;  // why a scan that is due has not begun; mostly empty
    std::uint64_t scans = 0;
    std::chrono::steady_clock::time_point last{};  // end of the last scan that succeeded
    std::chrono::milliseconds period{0};           // current time between two scans
    int agreement = 1000;             // of the last scan with those before, in thousandths
    std::optional<WriteRate> writes;  // only of a tracker that does not measure chunks
};

// Attribution of accesses to vCPUs. Counters count since the guest has been tracked.
struct AttributionState {
    bool wanted = false;    // whether it matters: the guest's chunks may have more than one home
    std::string trouble;    // why there are no rounds although attribution matters; mostly empty
    std::string waits_for;  // why a round that is due has not begun; mostly empty
    std::uint64_t rounds = 0;
    std::uint64_t faults = 0;               // faults that were counted, in rounds and outside them
    std::uint64_t dropped = 0;              // faults lost because the counter's map was full
    std::chrono::microseconds estimate{0};  // expected CPU time of the last round
    std::chrono::microseconds cost{0};      // CPU time that the last round took
    std::chrono::microseconds stall{0};     // time for which the last round stalled the guest
    std::chrono::nanoseconds held_up{0};    // CPU time that all rounds took of its vCPUs
    std::chrono::milliseconds period{0};    // current time between two rounds
    std::size_t agreed = 0, shared = 0;     // chunks with one accessor, and with several
};

// One chunk of which something is known.
struct ChunkUse {
    std::uint64_t address = 0, bytes = 0;  // guest-physical; if that is not known, QEMU's address
    int heat = 0;                          // thousandths; 0: not accessed
    int accessor = -1;                     // vCPU; -1: not known; -2: several
    int writes = -1;                       // share of writes, thousandths; -1: not known
};

struct TrackingSample {
    bool under_way = false;  // a scan or a round, which a later tick ends
    HeatState heat;
    AttributionState attribution;
    std::size_t chunks = 0, hot_chunks = 0;
    int hot_from = 1;               // heat from which a chunk is hot, thousandths
    std::uint64_t chunk_bytes = 0;  // size of a chunk; more than 2 MiB for very large guests
    std::chrono::nanoseconds earned{0}, spent{0};  // CPU time of the tracking budget, in total
    std::map<int, BytesByNode> heat_by_cell{};     // bytes weighted by their heat, by cell
    // Hot memory, sorted by address. Null or empty if nothing is known, or if it is in too many
    // pieces to be moved first.
    std::shared_ptr<const std::vector<RamRange>> hot_ranges;
    // Null or empty without attribution.
    std::shared_ptr<const AccessMatrix> access_matrix;
    OwnedBytes owned{};
    std::shared_ptr<const std::vector<OwnRange>> own_ranges;
    std::vector<ChunkUse> map;  // empty unless TrackingSettings::heat_map is set
};

// Which trackers this host has.
struct TrackingAbilities {
    std::vector<std::string> trackers;           // that can be used, the best first
    std::map<std::string, std::string> missing;  // why one cannot be used, by tracker, or "bpf"
    std::uint64_t dropped = 0;  // faults of all guests lost because the counter's map was full
};

}  // namespace vnuma
