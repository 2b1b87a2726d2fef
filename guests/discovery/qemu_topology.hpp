// Which vCPUs a guest of QEMU has, and in which cells they are, by its options. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "guests/discovery/qemu_options.hpp"

namespace vnuma {

// What -smp says.
struct QemuTopology {
    int vcpus = 1;  // all that could be plugged in
    int sockets = 1, dies = 1, clusters = 1, cores = 1, threads = 1;

    int threads_of_socket() const { return dies * clusters * cores * threads; }
};

// QEMU's default is one vCPU. Of a topology that leaves something out, the rest is one.
QemuTopology parse_qemu_topology(const std::vector<QemuOption>& options,
                                 std::vector<std::string>& problems);

// The vCPUs of each cell of `-numa node` (cpus=) and `-numa cpu` (socket-id=, ...), by the cell's
// number. vCPUs that are in none are where QEMU puts them: with the others of their socket if no
// cell names vCPUs, and in cell 0 otherwise. Cells without vCPUs are left out.
std::map<int, std::vector<int>> cells_of_vcpus(const std::vector<QemuOption>& options,
                                               const QemuTopology& topology,
                                               const std::vector<int>& cells,
                                               std::vector<std::string>& problems);

}  // namespace vnuma
