// What is known of the use of one guest's memory at one moment, for the planner and the report.
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

using BytesByNode = std::map<int, std::int64_t>;

// Memory of a guest that was seen touched: on which nodes it is.
struct OwnedBytes {
    std::map<int, BytesByNode> by_vcpu;         // that this one alone touches
    std::map<std::size_t, BytesByNode> shared;  // that several do, by group of the touch matrix
};

// A piece of QEMU's address space that one vCPU alone touches, or that several share.
struct OwnRange {
    static constexpr int shared = -1;

    RamRange memory;
    int vcpu = shared;
    std::size_t extent = 0;  // of the touch matrix
};

// What a tracker can tell.
struct Ability {
    bool reads = false, writes = false;
    bool told_apart = false;  // writes from reads
    bool per_chunk = false;   // which memory; otherwise only how much
    bool per_vcpu = false;    // and by whom
    const char* cost = "";    // what a look takes, in a few words
};

// What was written in a second, in MiB.
struct WriteRate {
    std::uint64_t all = 0;
    std::map<int, std::uint64_t> by_vcpu{};  // where it can be told
};

struct HeatState {
    const char* tracker = "none";
    Ability ability{};
    std::string trouble;    // why there is none, or why the last look failed or lacks something
    std::string waits_for;  // why no look has begun although one is due; mostly empty
    std::uint64_t scans = 0;
    std::chrono::steady_clock::time_point last{};  // end of the last look that succeeded
    std::chrono::milliseconds period{0};
    int agreement = 1000;             // of the last look with those before, of 1000
    std::optional<WriteRate> writes;  // of a tracker that does not tell chunks apart
};

struct AttributionState {
    bool wanted = false;    // more than one home is possible for its chunks
    std::string trouble;    // why there are no rounds although they are wanted
    std::string waits_for;  // as above
    std::uint64_t rounds = 0;
    std::uint64_t faults = 0;                        // that were counted, rounds or not
    std::chrono::microseconds estimate{0}, cost{0};  // of the last round
    std::chrono::nanoseconds held_up{0};             // CPU time that all rounds took of its vCPUs
    std::uint64_t dropped = 0;                       // faults that found no room to be counted
    std::chrono::microseconds stall{0};              // and for how long it held up the guest
    std::chrono::milliseconds period{0};
    std::size_t agreed = 0, shared = 0;  // chunks of one vCPU, and of several
};

// One chunk, as far as something is known of it.
struct ChunkUse {
    std::uint64_t address = 0, bytes = 0;  // guest-physical where that is known, else QEMU's
    int heat = 0;                          // of 1000; 0 for no access at all
    int accessor = -1;                     // a vCPU; -1: not known; -2: several
    int writes = -1;                       // of 1000; -1: not known
};

struct TrackingSample {
    HeatState heat;
    AttributionState attribution;
    std::size_t chunks = 0, hot_chunks = 0;
    int hot_from = 1;  // heat, of 1000
    std::uint64_t chunk_bytes = 0;
    std::chrono::nanoseconds earned{0}, spent{0};  // of the budget, since it is tracked
    std::map<int, BytesByNode> heat_by_cell{};     // bytes, each weighted by its heat
    // By address; none where nothing is known, or where it is in too many pieces to go by.
    std::shared_ptr<const std::vector<RamRange>> hot_ranges;
    std::shared_ptr<const AccessMatrix> access_matrix;  // none without attribution
    OwnedBytes owned{};                                 // the same
    std::shared_ptr<const std::vector<OwnRange>> own_ranges;
    std::vector<ChunkUse> map;  // where it was asked for
};

// What can be used on this host, and what cannot.
struct TrackingAbilities {
    std::vector<std::string> trackers;           // best first
    std::map<std::string, std::string> missing;  // tracker, or "bpf": why
    std::uint64_t dropped = 0;                   // faults of all guests that found no room
};

}  // namespace vnuma
