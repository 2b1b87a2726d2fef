// What is to be known about a guest whose vCPUs run although its workload is silent.
#pragma once

#include "integration/host/guest.hpp"

namespace vnuma::lab {

// Prints what a stuck guest's vCPUs do: how KVM's counters grow, and a few samples of registers.
// RIP names a function of the guest's kernel, which has fixed addresses (nokaslr), in its
// System.map.
void print_what_vcpus_do(const Guest& guest);

}  // namespace vnuma::lab
