// A KVM guest of a lab host, whichever VMM runs it.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <utility>

#include "integration/host/guest_shape.hpp"

namespace vnuma::lab {

class KvmGuest {
  public:
    virtual ~KvmGuest() = default;
    KvmGuest(const KvmGuest&) = delete;
    KvmGuest& operator=(const KvmGuest&) = delete;

    const std::string& name() const { return shape_.name; }
    const GuestShape& shape() const { return shape_; }
    pid_t pid() const { return pid_; }  // of the VMM

    // The vCPU threads by vCPU id.
    virtual std::map<int, pid_t> vcpu_threads() const = 0;

    // Whether every vCPU makes accesses from now on.
    virtual bool is_at_work() = 0;

  protected:
    explicit KvmGuest(GuestShape shape) : shape_(std::move(shape)) {}

    pid_t pid_ = -1;

  private:
    GuestShape shape_;
};

}  // namespace vnuma::lab
