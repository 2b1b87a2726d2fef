// A guest of the small VMM (integration/vmm/small_vmm.cpp), which is not QEMU.
#pragma once

#include <chrono>
#include <string>

#include "integration/host/kvm_guest.hpp"

namespace vnuma::lab {

struct SmallVmmStart {
    bool named = true;  // whether the names of its threads tell that they are vCPUs
    // Between two MiB of a vCPU. With the usual time it uses a small part of a CPU.
    std::chrono::milliseconds rest{20};
    bool wait = true;  // as if the constructor called wait_until_started()
};

class SmallVmm final : public KvmGuest {
  public:
    // Throws std::runtime_error.
    SmallVmm(const std::string& name, int vcpus, int mib, SmallVmmStart how = {});
    ~SmallVmm() override;  // ends the VMM

    // Ends the VMM, and returns whether its memory was as the vCPUs had left it.
    bool end();

    // Returns when each vCPU has accessed all of its memory. The memory of vCPU N is on node N, and
    // no thread is pinned any more. Throws std::runtime_error.
    void wait_until_started();

    std::map<int, pid_t> vcpu_threads() const override;
    bool is_at_work() override;

    // The longest time in which one of the vCPUs has made no accesses since its first one, to the
    // nearest 0.1 s, or the nearest rest if that is longer.
    std::chrono::milliseconds longest_pause() const;

  private:
    std::string progress_;  // the file that the VMM writes
};

}  // namespace vnuma::lab
