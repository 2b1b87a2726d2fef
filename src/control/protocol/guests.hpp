// What the control socket tells of guests. Data only. Nodes, CPUs and cells have the kernel's and
// the guest's numbers; sizes are bytes, times milliseconds, CPU time thousandths of a CPU.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/model/guest_policy.hpp"
#include "policy/model/types.hpp"
#include "policy/model/verdict.hpp"

namespace vnuma::control {

// What is being done with a guest, or why nothing is. Of a guest of several cells it is the first
// of these that one of its cells has.
enum class Doing {
    moving,     // memory moves, or vCPUs are being pinned
    waiting,    // it has no home, or its move waits: see the reason of its cells
    paused,     // its move pauses or stays, because the guest feels it
    unsteady,   // left alone for now: it migrates, is saved, starts, ...
    hands_off,  // left alone until an administrator says otherwise
    observed,   // its policy, or vnumad's mode, lets vnumad only watch or advise
    off,        // its policy is mode off
    roaming,    // it costs less without a home
    at_home,    // nothing is to be done
};

inline constexpr std::array<std::pair<Doing, const char*>, 9> doings{{
    {Doing::moving, "moving"},
    {Doing::waiting, "waiting"},
    {Doing::paused, "paused"},
    {Doing::unsteady, "unsteady"},
    {Doing::hands_off, "hands-off"},
    {Doing::observed, "observed"},
    {Doing::off, "off"},
    {Doing::roaming, "roaming"},
    {Doing::at_home, "at-home"},
}};

constexpr const char* name(Doing doing) {
    return doings[static_cast<std::size_t>(doing)].second;
}

struct NodeBytes {
    int node = 0;
    Bytes bytes = 0;

    friend bool operator==(const NodeBytes&, const NodeBytes&) = default;
};

// A cell, or a shard of a cell that was split.
struct CellSummary {
    int cell = 0;
    std::optional<int> shard;
    std::optional<int> home;  // node
    std::vector<int> vcpus;
    std::string reason;             // name of the verdict's reason; "empty" for an empty cell
    MilliCpu cpu_use = 0;           // of the cell; 0 for a shard
    Bytes size = 0;                 // as configured; 0 for a shard
    std::vector<NodeBytes> memory;  // resident, of nodes that have any; empty for a shard
    PerMille locality = 0;  // share of accesses that are local (of bytes where no heat is known)
    Bytes to_move = 0;      // bytes that are to come home

    friend bool operator==(const CellSummary&, const CellSummary&) = default;
};

// One line of `vnumactl list`.
struct GuestSummary {
    std::string name, uuid;
    std::optional<int> id;  // libvirt's number
    std::optional<pid_t> pid;
    std::string source;     // "libvirt", "qmp" or "proc"
    std::string state;      // "running", ...
    Mode mode = Mode::act;  // in force for it
    Doing doing = Doing::at_home;
    std::string why;  // unsteady, hands_off, paused, waiting: in words; else empty
    std::vector<CellSummary> cells;
    int vcpus = 0;
    MilliCpu cpu_use = 0;
    Bytes size = 0;                 // configured
    std::vector<NodeBytes> memory;  // resident, of all cells
    PerMille locality = 0;          // of all cells, weighted by their CPU use
    Bytes to_move = 0;
    Bytes moved_per_second = 0;  // in the last tick

    friend bool operator==(const GuestSummary&, const GuestSummary&) = default;
};

// One value of a guest's, a group's or the default policy, and who has set it.
struct PolicyValue {
    std::string key;    // "mode", "home", ...
    std::string value;  // as `vnumactl policy set` takes it; empty: none
    std::string
        source;  // "built-in", "configuration", "group web", "metadata", "run-time", "ceiling"
    std::optional<std::int64_t> until_ms;  // since 1970: when a run-time value ends; none: never

    friend bool operator==(const PolicyValue&, const PolicyValue&) = default;
};

// `vnumactl show`.
struct GuestDetails {
    GuestSummary summary;
    std::vector<PolicyValue> policy;
    nlohmann::json report;  // the guest as in a report (docs/report.md)
};

// What is where in a guest's memory, and who accesses it, for pictures. Blocks are equal runs of
// chunks in the order of their addresses.
struct HeatBlock {
    std::optional<int> node;  // that has most of it; none where nothing is resident or known
    PerMille heat = 0;        // mean
    int accessor = -1;        // vCPU that accesses most of it; -1: not known, -2: several

    friend bool operator==(const HeatBlock&, const HeatBlock&) = default;
};
struct HeatMap {
    std::string name, uuid;
    Bytes block_bytes = 0;
    std::string trouble;  // why no heat is known; empty if it is
    std::vector<HeatBlock> blocks;

    friend bool operator==(const HeatMap&, const HeatMap&) = default;
};

// `vnumactl explain`. All are whole sentences with a full stop.
struct CellExplanation {
    int cell = 0;
    std::optional<int> shard;
    std::string where_it_is;             // vCPUs and memory by node, locality
    std::string where_it_should_be;      // its home, or that it has none
    std::string why;                     // the planner's verdict
    std::vector<std::string> elsewhere;  // why not each other node
    std::vector<std::string> in_the_way;
    std::vector<std::string> could_change;  // what the operator could do, with the command or key

    friend bool operator==(const CellExplanation&, const CellExplanation&) = default;
};
struct Explanation {
    std::string name, uuid;
    std::vector<std::string> guest;  // what holds for all of it: its state, policy, hands-off, ...
    std::vector<CellExplanation> cells;

    friend bool operator==(const Explanation&, const Explanation&) = default;
};

}  // namespace vnuma::control
