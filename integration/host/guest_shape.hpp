// What a guest of a lab host looks like: plain values, and the domain XML they stand for.
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
    std::vector<GuestCell> cells;  // one: a guest without vNUMA
    // Host node whose CPUs the threads of vCPU i use while its buffer is touched first, by
    // repetition; this is where its memory lands. Afterwards every thread may run where its owner
    // lets it.
    std::vector<int> first_touch_nodes;
    int buffer_mib = 0;     // for each vCPU
    int duty_percent = 20;  // of each period
    int period_ms = 20;
    bool write = true;
    std::vector<int> buffers_mib{};  // by vCPU, instead of buffer_mib
    int online_vcpus = 0;            // the first of its vCPUs; 0: all, else the rest can be plugged
    std::string elements{};          // more XML inside <domain>: tuning, backing, iothreads ...
    std::string devices{};           // more XML inside <devices>
    std::string features{};          // more XML inside <features>
    std::vector<std::vector<int>> distances{};  // between its cells, as it is told
};

int vcpus_of(const GuestShape& shape);
int online_vcpus_of(const GuestShape& shape);
int mib_of(const GuestShape& shape);
int buffer_mib_of(const GuestShape& shape, int vcpu);
int first_vcpu_of(const GuestShape& shape, std::size_t cell);

// Files below /run/lab that belong to a guest.
std::string console_of(const GuestShape& shape);
std::string workload_socket_of(const GuestShape& shape);

// What every guest boots. Both throw std::runtime_error. Without a watchdog of the TSC: a guest
// that was held up for long would find that unstable and patch its own running code, which
// emulation does not always survive (docs/lab.md).
std::string guest_kernel();
std::string guest_initramfs();  // holds the workload; made by the first call
std::string guest_command_line();
inline constexpr const char* guest_firmware = "/usr/share/qemu/qboot.rom";

// The domain XML a shape stands for.
std::string domain_xml(const GuestShape& shape, const std::string& kernel,
                       const std::string& initramfs);

}  // namespace vnuma::lab
