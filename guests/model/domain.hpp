// What a guest consists of and what its owner configured for it, as libvirt's XML or QEMU's monitor
// describe it. Data only. Host nodes and CPUs have the kernel's numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "policy/model/guest_policy.hpp"

namespace vnuma {

struct DomainCell {
    int id = 0;
    std::vector<int> vcpus;            // all vCPUs that could be plugged in, sorted; may be empty
    std::int64_t bytes = 0;            // without memory devices; 0 for a cell without own memory
    std::map<int, int> distances{};    // to other cells (SLIT), as the guest sees them
    std::int64_t huge_page_bytes = 0;  // page size if it is hugetlb memory; 0 for ordinary pages
    bool size_known = true;  // false: the description could not be understood, and `bytes` is 0

    friend bool operator==(const DomainCell&, const DomainCell&) = default;
};

// A memory policy with its host nodes: libvirt's <numatune>.
struct NumaTune {
    std::string mode;  // "strict", "restrictive", "preferred" or "interleave"
    std::vector<int> nodes;
    // False: a part of its description could not be understood, so the memory has to stay.
    bool understood = true;

    // Whether memory may be on these nodes only.
    bool binds() const { return mode == "strict" || mode == "restrictive"; }

    friend bool operator==(const NumaTune&, const NumaTune&) = default;
};

// A DIMM, NVDIMM, virtio-mem or other memory device. It belongs to a cell and has a RAM block of
// its own.
struct MemoryDevice {
    std::string id;    // "dimm0"
    std::string kind;  // "dimm", "virtio-mem", ...
    int cell = 0;
    std::int64_t bytes = 0;    // size of the RAM block; for virtio-mem the most that can be plugged
    std::int64_t plugged = 0;  // bytes that the guest has, or that are being plugged in
    std::optional<std::uint64_t> address;  // guest-physical; none if it is not known
    std::int64_t huge_page_bytes = 0;      // page size if it is hugetlb memory; 0: ordinary pages
    std::optional<NumaTune> numatune{};    // the owner's wish for its block; none without one
    std::string path{};                    // file or device that it is mapped from, if configured

    // Whether its memory is the host's DRAM, which takes part in placement.
    bool is_dram() const { return kind == "dimm" || kind == "virtio-mem" || kind == "hv-balloon"; }
    // Whether its memory is a device's or a file's, or the CPU's. It needs no room on a node and is
    // never moved. Memory of kinds that are not known is treated in the same way.
    bool is_no_dram() const {
        return kind == "nvdimm" || kind == "virtio-pmem" || kind == "sgx-epc";
    }

    friend bool operator==(const MemoryDevice&, const MemoryDevice&) = default;
};

// libvirt's <cputune>.
struct CpuTune {
    std::optional<std::int64_t> shares;     // cgroup weight
    std::optional<std::int64_t> period_us;  // period of each vCPU's quota
    std::optional<std::int64_t> quota_us;   // CPU time per period; negative: no limit

    friend bool operator==(const CpuTune&, const CpuTune&) = default;
};

struct DomainTuning {
    std::string placement = "static";         // "auto": libvirt asked numad when the domain started
    std::map<int, std::vector<int>> vcpupin;  // CPUs by vCPU
    std::optional<std::vector<int>> emulatorpin;
    std::map<int, std::vector<int>> iothreadpin;  // CPUs by iothread id
    std::optional<NumaTune> numatune;             // for all of the guest's memory
    std::map<int, NumaTune> cell_nodes;           // by cell; takes precedence over numatune
    std::optional<CpuTune> cputune;

    friend bool operator==(const DomainTuning&, const DomainTuning&) = default;
};

struct Domain {
    std::string uuid;
    std::string name;
    std::string machine;            // "pc-q35-7.2"
    std::string emulator;           // path; empty if it is not known
    std::vector<DomainCell> cells;  // one cell with all vCPUs for a guest without vNUMA
    std::vector<MemoryDevice> memory_devices;
    bool dirty_ring = false;  // KVM records the pages that each vCPU writes in a ring
    std::optional<std::int64_t> balloon_bytes;  // memory that the balloon leaves to the guest
    std::vector<std::string> host_devices;      // PCI addresses "0000:01:00.0"
    std::vector<std::string> network_devices;   // host interfaces below its macvtap interfaces
    // The cell that an iothread serves, by the iothread's id: all of its devices are on PCI buses
    // of that cell (pcie-expander-bus, pci-expander-bus). Others are not listed.
    std::map<int, int> iothread_cells;
    std::string immovable;  // why its memory cannot be moved; empty if it can
    DomainTuning tuning;
    PolicyOverrides policy;  // what the metadata configure for vnumad
    // What the metadata configure wrongly: "metadata: KEY: what is wrong".
    std::vector<std::string> policy_problems;
    // What of the description was not understood, as whole sentences. All else of it is in force.
    // At most max_description_problems.
    std::vector<std::string> problems;

    friend bool operator==(const Domain&, const Domain&) = default;
};

inline constexpr std::size_t max_description_problems = 16;

// Adds a sentence to Domain::problems, within the limit.
void add_problem(Domain& domain, std::string sentence);

// Null if the domain has no cell with this id.
const DomainCell* find_cell(const Domain& domain, int id);

// Bytes of DRAM of a cell that the description has: its own and those of plugged memory devices.
std::int64_t dram_bytes(const Domain& domain, const DomainCell& cell);

// The CPUs that <vcpupin> allows a vCPU; null if it allows all, or without a domain.
const std::vector<int>* find_vcpupin(const Domain* domain, int vcpu);

// The memory policy of a cell: its own, else the domain's; null without one.
const NumaTune* find_numatune(const DomainTuning& tuning, int cell);

}  // namespace vnuma
