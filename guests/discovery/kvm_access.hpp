// Access to what KVM itself knows, for guests of which nothing else tells enough.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "guests/process/kvm_reader.hpp"

namespace vnuma {

// For one thread at a time.
class KvmAccess {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using Now = std::function<Time()>;
    using Load = std::function<std::unique_ptr<KvmReader>(std::string& why_not)>;

    // After a failure nothing is tried for this time.
    static constexpr std::chrono::minutes retry_interval{1};

    // Without `load` KVM is never read. It is called when KVM is first read, so that nothing is
    // loaded into the kernel of a host whose guests tell enough.
    KvmAccess(Load load, Now now) : load_(std::move(load)), now_(std::move(now)) {}

    bool may_read() const { return static_cast<bool>(load_); }

    // What KVM knows of the VMs of a process; nothing if it cannot be read.
    KvmState read(pid_t process);

    // Why it could not be read the last time; empty if it could, or if it is never read.
    const std::string& why_not() const { return why_not_; }

  private:
    Load load_;
    Now now_;
    std::unique_ptr<KvmReader> reader_;
    std::string why_not_;
    std::optional<Time> failed_;
};

}  // namespace vnuma
