// Hosts for tests of the daemon's parts.
#pragma once

#include "src/observe/host.hpp"

namespace vnuma::test {

// Two nodes of two CPUs; the kernel calls the second one 4.
inline Host two_nodes() {
    Host host;
    for (const int id : {0, 4}) {
        HostNode node;
        node.id = id;
        node.cpus = 2;
        node.memory_total = 1024 * mib;
        host.topology.nodes.push_back(node);
    }
    host.topology.distances = {{10, 21}, {21, 10}};
    host.cpus = {{0, 1}, {2, 3}};
    return host;
}

}  // namespace vnuma::test
