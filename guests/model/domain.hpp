// What a guest is made of and what its owner wishes for it, whoever told it: libvirt or QEMU.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/model/guest_policy.hpp"

namespace vnuma {

struct DomainCell {
    int id = 0;
    std::vector<int> vcpus;          // all that could be plugged in, not only those that are
    std::int64_t bytes = 0;          // without memory devices
    std::map<int, int> distances{};  // to other cells, as the guest is told (SLIT)

    friend bool operator==(const DomainCell&, const DomainCell&) = default;
};

// A DIMM, NVDIMM or virtio-mem device: memory of a cell in a block of its own.
struct MemoryDevice {
    std::string id;    // "dimm0"
    std::string kind;  // "dimm", "virtio-mem", ...
    int cell = 0;
    std::int64_t bytes = 0;                // of the block; for virtio-mem all it could plug
    std::int64_t plugged = 0;              // of those, what the guest has, or is about to get
    std::optional<std::uint64_t> address;  // guest-physical

    friend bool operator==(const MemoryDevice&, const MemoryDevice&) = default;
};

// Where memory shall be: libvirt's numatune. Nodes by the kernel's numbers.
struct NumaTune {
    std::string mode;  // "strict", "restrictive", "preferred" or "interleave"
    std::vector<int> nodes;

    // Whether memory may be nowhere else.
    bool binds() const { return mode == "strict" || mode == "restrictive"; }

    friend bool operator==(const NumaTune&, const NumaTune&) = default;
};

struct CpuTune {
    std::optional<std::int64_t> shares;     // cgroup weight
    std::optional<std::int64_t> period_us;  // of the vCPU quota
    std::optional<std::int64_t> quota_us;   // negative: none

    friend bool operator==(const CpuTune&, const CpuTune&) = default;
};

struct DomainTuning {
    std::string placement = "static";  // "auto": libvirt asked numad at start
    std::map<int, std::vector<int>> vcpupin;
    std::optional<std::vector<int>> emulatorpin;
    std::map<int, std::vector<int>> iothreadpin;
    std::optional<NumaTune> numatune;
    std::map<int, NumaTune> cell_nodes;  // by cell; narrower than numatune
    std::optional<CpuTune> cputune;

    friend bool operator==(const DomainTuning&, const DomainTuning&) = default;
};

struct Domain {
    std::string uuid;
    std::string name;
    std::string machine;            // "pc-q35-7.2"
    std::string emulator;           // path, empty when it was not told
    std::vector<DomainCell> cells;  // one, with all vCPUs, for a guest without vNUMA
    std::vector<MemoryDevice> memory_devices;
    std::int64_t huge_page_bytes = 0;  // of its hugetlb memory; 0 without
    bool dirty_ring = false;  // KVM keeps a ring of the pages each vCPU writes; false if not told
    std::optional<std::int64_t> balloon_bytes;  // what the balloon leaves it
    std::vector<std::string> host_devices;      // PCI addresses "0000:01:00.0"
    std::vector<std::string> network_devices;   // the host's that macvtap devices of it are on
    std::string immovable;                      // why its memory cannot be moved; empty when it can
    DomainTuning tuning;
    PolicyOverrides policy;  // for vnumad, in its metadata
    // Of that, what could not be read: "metadata: KEY: what is wrong".
    std::vector<std::string> policy_problems;

    friend bool operator==(const Domain&, const Domain&) = default;
};

// The owner's wish for a cell's memory, or null.
const NumaTune* find_numatune(const DomainTuning& wishes, int cell);

}  // namespace vnuma
