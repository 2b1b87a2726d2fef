// A guest of the small VMM (integration/vmm/small_vmm.cpp), which is not QEMU.
#pragma once

#include <chrono>
#include <string>

#include "integration/host/kvm_guest.hpp"

namespace vnuma::lab {

class SmallVmm final : public KvmGuest {
  public:
    // Returns when each vCPU has accessed all of its memory. The memory of vCPU N is on node N, and
    // no thread is pinned any more. Throws std::runtime_error.
    // Without `named` the names of its threads do not tell that they are vCPUs.
    SmallVmm(const std::string& name, int vcpus, int mib, bool named = true);
    ~SmallVmm() override;  // ends the VMM

    std::map<int, pid_t> vcpu_threads() const override;
    bool is_at_work() override;

    // The longest time in which one of the vCPUs has made no accesses since its first one, to the
    // nearest 0.1 s. A vCPU rests for 20 ms at a time.
    std::chrono::milliseconds longest_pause() const;

  private:
    std::string progress_;  // the file that the VMM writes
};

}  // namespace vnuma::lab
