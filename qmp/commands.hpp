// QMP commands about a guest, its CPUs and its memory, and their answers. Pure. Types and optional
// fields are those of QEMU's QAPI schema (qapi/*.json).
//
// Commands of the human monitor are in qmp/human_monitor.hpp, counters in qmp/statistics.hpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qmp/command.hpp"

namespace vnuma::qmp {

struct Status {
    std::string status;  // "running", "paused", "prelaunch", "inmigrate", ...
    bool running = false;
};
Command<Status> query_status();

Command<std::string> query_uuid();  // all zeros if the guest has none
Command<std::string> query_name();  // empty if the guest has none
Command<bool> query_kvm();          // whether KVM runs the guest

// "none", "setup", "active", "completed", ...; empty if there never was a migration.
Command<std::string> query_migrate();

struct Cpu {
    int index = 0;
    pid_t thread = 0;         // thread of the QEMU process; greater than 0
    std::optional<int> node;  // the guest's NUMA cell; none without vNUMA
    std::string qom_path;
};
Command<std::vector<Cpu>> query_cpus_fast();

struct IoThread {
    std::string id;
    pid_t thread = 0;  // thread of the QEMU process; greater than 0
};
Command<std::vector<IoThread>> query_iothreads();

struct MemoryBackend {
    std::string id;               // without "/objects/"; empty for a backend without an id
    std::uint64_t size = 0;       // bytes
    std::vector<int> host_nodes;  // nodes of its policy
    std::string policy;           // "default", "preferred", "bind" or "interleave"
    bool share = false;
    bool prealloc = false;
};
Command<std::vector<MemoryBackend>> query_memdev();

struct MemoryDevice {
    std::string kind;  // "dimm", "nvdimm", "virtio-mem", "virtio-pmem", "sgx-epc", "hv-balloon"
    std::string id;
    std::string memdev;          // id of its memory backend
    std::uint64_t address = 0;   // guest-physical
    std::uint64_t size = 0;      // bytes that are plugged in
    std::uint64_t max_size = 0;  // bytes that could be plugged in
    std::optional<int> node;     // the guest's NUMA cell; always there for dimm, nvdimm, virtio-mem
};
Command<std::vector<MemoryDevice>> query_memory_devices();

// Bytes that the balloon leaves to the guest. Refused (DeviceNotActive) if there is no balloon.
Command<std::uint64_t> query_balloon();

}  // namespace vnuma::qmp
