// The configuration of a lab guest as plain values, and its domain XML.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace vnuma::lab {

struct GuestCell {
    int vcpus = 0;
    int mib = 0;
};

struct GuestShape {
    std::string name;
    std::vector<GuestCell> cells;  // a guest with one cell has no vNUMA
    // Host nodes on which the vCPUs run until their buffers have been accessed: vCPU i runs on
    // entry i modulo the size, and its memory is allocated there. Afterwards the threads get back
    // the CPUs that the domain allows.
    std::vector<int> first_touch_nodes;
    int buffer_mib = 0;     // of each vCPU
    int duty_percent = 20;  // share of each period in which a vCPU accesses its buffer
    int period_ms = 20;
    bool write = true;
    std::vector<int> buffers_mib{};  // by vCPU; replaces buffer_mib
    int online_vcpus = 0;            // the rest can be plugged; 0 means all
    std::string elements{};          // XML elements of <domain>: tuning, backing, iothreads ...
    std::string devices{};           // XML elements of <devices>
    std::string features{};          // XML elements of <features>
    std::vector<std::vector<int>> distances{};  // between its cells
    bool verify = false;                        // the vCPUs verify their buffers as they write
    bool has_balloon = false;                   // of a guest without libvirt
};

int vcpus_of(const GuestShape& shape);
int online_vcpus_of(const GuestShape& shape);
int mib_of(const GuestShape& shape);
int buffer_mib_of(const GuestShape& shape, int vcpu);
int first_vcpu_of(const GuestShape& shape, std::size_t cell);

// The guest's files in /run/lab.
std::string console_of(const GuestShape& shape);
std::string workload_socket_of(const GuestShape& shape);

// The kernel and the initramfs that every guest boots. Both throw std::runtime_error.
std::string guest_kernel();
// Holds the workload, and the balloon's driver if there is one; made by the first call.
std::string guest_initramfs();
// Declares the TSC reliable. A guest that was held up for long would otherwise find it unstable and
// patch its own running code, which emulation does not always survive (docs/lab.md).
std::string guest_command_line();
inline constexpr const char* guest_firmware = "/usr/share/qemu/qboot.rom";

// The domain XML of a guest of this shape.
std::string domain_xml(const GuestShape& shape, const std::string& kernel,
                       const std::string& initramfs);

}  // namespace vnuma::lab
