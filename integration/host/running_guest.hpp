// A KVM guest of a lab host with the workload as its only program, whoever runs its QEMU.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "integration/host/guest_shape.hpp"
#include "integration/host/json_socket.hpp"

namespace vnuma::lab {

// Guests whose machine was reset, of those that have been destroyed so far. No scenario resets one
// (docs/lab.md).
int guests_reset();

class RunningGuest {
  public:
    virtual ~RunningGuest() = default;
    RunningGuest(const RunningGuest&) = delete;
    RunningGuest& operator=(const RunningGuest&) = delete;

    const std::string& name() const { return shape_.name; }
    const GuestShape& shape() const { return shape_; }
    pid_t pid() const { return pid_; }

    // Threads by vCPU id.
    virtual std::map<int, pid_t> vcpu_threads() const = 0;

    // One line to the workload, see integration/guest/workload.cpp. Throws std::runtime_error with
    // what the guest said last when it has ended.
    void send(const nlohmann::json& pattern);

    // Sends a pattern and waits until all of its windows have been touched. Returns the workload's
    // "truth", whole: the guest-physical memory of each thread's window and of each buffer. Throws
    // std::runtime_error.
    nlohmann::json locate_windows(nlohmann::json pattern);

    // Forgets what the workload has said so far.
    void skip_reports();

    // The next report of a second, or null when none came within the limit.
    nlohmann::json next_report(std::chrono::seconds limit);

    // Whether from now on the workload still reports, and every thread of it does its work.
    bool is_at_work();

  protected:
    explicit RunningGuest(GuestShape shape) : shape_(std::move(shape)) {}

    // Boots it and returns once its workload has touched all its buffers. One that dies while it
    // boots is started again, and stderr says so. Throws std::runtime_error.
    void start();
    void connect_workload() { workload_.connect(workload_socket_of(shape_)); }

    // For destructors.
    void end();

    // The steps of a start. The first leaves the vCPUs stopped and sets pid_.
    virtual void create() = 0;
    virtual void resume_vcpus() = 0;
    virtual void destroy() = 0;  // what there is of it, without throwing
    virtual bool was_reset() = 0;
    virtual std::string log() = 0;  // what its QEMU says, and why it has ended if it has

    pid_t pid_ = -1;

  private:
    using Affinities = std::map<pid_t, std::vector<int>>;

    bool start_once(bool last_attempt);
    void boot();
    Affinities affinities() const;
    void confine_to_first_touch_nodes() const;
    void restore_affinities(const Affinities& as_before) const;
    std::string last_output();
    void access_all_buffers();
    void throw_if_error(const nlohmann::json& message) const;

    GuestShape shape_;
    JsonSocket workload_;
};

}  // namespace vnuma::lab
