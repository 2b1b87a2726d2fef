// QMP commands about a guest's CPUs and memory, and what their answers mean. Pure. The answers'
// fields are those of QEMU's QAPI schema (qapi/*.json); what is not in them is not guessed.
// Commands of the human monitor are in qmp/human.hpp.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "qmp/command.hpp"

namespace vnuma::qmp {

// An answer with more elements than this is not what was asked for.
inline constexpr std::size_t max_elements = 65536;

struct Nothing {};  // the answer to a command that only does something

struct Status {
    std::string status;  // "running", "paused", "prelaunch", "inmigrate", ...
    bool running = false;
};
Command<Status> query_status();

Command<std::string> query_uuid();
Command<std::string> query_name();  // empty: the guest has none

struct Cpu {
    int index = 0;
    pid_t thread = 0;         // of the QEMU process; greater than 0
    std::optional<int> node;  // the guest's NUMA cell
    std::string qom_path;
};
Command<std::vector<Cpu>> query_cpus_fast();

struct MemoryBackend {
    std::string id;  // without "/objects/"; empty for a backend that has none
    std::uint64_t size = 0;
    std::vector<int> host_nodes;
    std::string policy;  // "default", "preferred", "bind" or "interleave"
    bool share = false;
    bool prealloc = false;
};
Command<std::vector<MemoryBackend>> query_memdev();

struct MemoryDevice {
    std::string kind;  // "dimm", "nvdimm", "virtio-mem", "virtio-pmem", "sgx-epc", "hv-balloon"
    std::string id;
    std::string memdev;         // the backend's id
    std::uint64_t address = 0;  // guest-physical
    std::uint64_t size = 0;     // plugged now
    std::uint64_t max_size = 0;
    std::optional<int> node;  // the guest's NUMA cell; dimm, nvdimm and virtio-mem always have one
};
Command<std::vector<MemoryDevice>> query_memory_devices();

// Bytes the guest has, the balloon's taken off. Refused (DeviceNotActive) without a balloon.
Command<std::uint64_t> query_balloon();

// "none", "setup", "active", "completed", ...; empty when there never was a migration.
Command<std::string> query_migrate();

struct IoThread {
    std::string id;
    pid_t thread = 0;
};
Command<std::vector<IoThread>> query_iothreads();

// KVM's counters, since the guest's start. A scalar is one element, a flag 0 or 1, a histogram
// many.
struct Stats {
    std::string qom_path;  // of the vCPU; empty for the VM
    std::map<std::string, std::vector<std::uint64_t>> values;
};
enum class StatsTarget { vm, vcpu };
// `names` empty: every counter. An empty answer: this accelerator has none.
Command<std::vector<Stats>> query_stats(StatsTarget target, const std::vector<std::string>& names);

Command<bool> query_kvm();  // whether the guest runs on it

// dirty_ring needs -accel kvm,dirty-ring-size=N, and with it dirty_bitmap is refused. dirty_ring
// and dirty_bitmap without KVM, and any mode on a machine without CPUs, kill QEMU 7.2.
enum class DirtyRateMode { page_sampling, dirty_ring, dirty_bitmap };
// Starts a measurement of 1 to 60 seconds; refused while another one runs. `sample_pages` is for
// each GiB, 128 to 16384 (QEMU's default: 512), and for page_sampling only.
Command<Nothing> calc_dirty_rate(DirtyRateMode mode, std::chrono::seconds seconds,
                                 std::optional<int> sample_pages = std::nullopt);

struct DirtyRate {
    struct Cpu {
        int index = 0;
        std::uint64_t mib_per_s = 0;
    };
    std::string status;                      // "unstarted", "measuring" or "measured"
    std::string mode;                        // "page-sampling", "dirty-ring" or "dirty-bitmap"
    std::optional<std::uint64_t> mib_per_s;  // none until measured, or where QEMU could not (-1)
    std::vector<Cpu> cpus;                   // dirty-ring only
    std::chrono::milliseconds calc_time{0};
};
Command<DirtyRate> query_dirty_rate();

}  // namespace vnuma::qmp
