// How libvirt names the threads of a domain that it can pin. Data only.
#pragma once

#include <compare>

namespace vnuma {

// What libvirt pins with one call: a vCPU or an iothread by its id, or the emulator, which is all
// other threads of the domain's process.
struct DomainThread {
    enum class Role { vcpu, emulator, iothread };

    Role role = Role::vcpu;
    int id = 0;  // 0 for the emulator

    friend auto operator<=>(const DomainThread&, const DomainThread&) = default;
};

}  // namespace vnuma
