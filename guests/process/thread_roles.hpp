// What each thread of a guest does: from the ids that QEMU reports, or from the threads' names.
// Pure.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string_view>

#include "guests/model/listed_guest.hpp"

namespace vnuma {

enum class ThreadRole { vcpu, emulator, iothread, vhost };

// The role by the name that a VMM gives a thread: QEMU when libvirt starts it with "-name ...,
// debug-threads=on", others always (vmm_names.hpp). A thread with any other name is the emulator's.
ThreadRole role_by_name(std::string_view name);

// The id of the iothread that libvirt has named "iothread7"; its thread is "IO iothread7".
std::optional<int> parse_iothread_name(std::string_view name);

// The process that a vhost thread named "vhost-1234" serves. Text after the number is ignored.
std::optional<pid_t> parse_vhost_name(std::string_view name);

// Roles of one guest's threads. If its source lists thread ids, they decide, except about vhost
// threads: QEMU does not report those. Otherwise the names decide.
class ThreadRoles {
  public:
    struct Role {
        ThreadRole role = ThreadRole::emulator;
        int vcpu = 0;  // index of the vCPU; 0 for other roles
    };

    explicit ThreadRoles(const ListedGuest& listed);

    Role find(pid_t thread, std::string_view name) const;

  private:
    std::map<pid_t, Role> reported_;  // by thread id; empty if the source lists none
};

}  // namespace vnuma
