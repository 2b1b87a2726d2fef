// A KVM guest of a lab host whose only program is the workload, with or without libvirt.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "integration/host/json_socket.hpp"
#include "integration/host/kvm_guest.hpp"

namespace vnuma::lab {

// The number of destroyed guests whose QEMU had ended because the machine was reset. No scenario
// resets such a guest, so that this is a fault of the emulation (docs/lab.md).
int guests_reset();

class RunningGuest : public KvmGuest {
  public:
    // Sends a pattern to the workload (integration/guest/workload.cpp). Throws std::runtime_error,
    // with the guest's last output if the guest has ended.
    void send(const nlohmann::json& pattern);

    // Sends a pattern and waits until all pages of its windows have been accessed. Returns the
    // entries of the workload's "truth" message: the guest-physical ranges of each thread's window
    // and of each buffer. Throws std::runtime_error.
    nlohmann::json locate_windows(nlohmann::json pattern);

    // Drops the reports that the workload has sent so far.
    void skip_reports();

    // The workload's next report of a second, or null if none arrives within the limit.
    nlohmann::json next_report(std::chrono::seconds limit);

    // Waits until the guest has booted anew in its QEMU, and the workload has accessed all of its
    // buffers. Throws std::runtime_error.
    void wait_for_reboot();

    // Of a shape that verifies: waits until each vCPU has found each page of its buffer as it had
    // written it, once from now on. Returns what is wrong, or an empty string.
    std::string verify_memory();
    // How many pages they had verified, since they began, when verify_memory() returned last.
    std::uint64_t verified_pages() const { return verified_pages_; }
    // Whether some of them were wrong.
    bool has_wrong_pages() const { return has_wrong_pages_; }

    // Whether each of its vCPUs uses a CPU for a good part of the next 2 s. Then nothing outside of
    // the guest holds it up.
    bool all_vcpus_run() const;

    // Whether the workload sends a report from now on in which every thread has made accesses.
    bool is_at_work() override;

  protected:
    explicit RunningGuest(GuestShape shape) : KvmGuest(std::move(shape)) {}

    // Boots the guest and returns when the workload has accessed all of its buffers. A guest that
    // does not come up is started again, with a message on stderr. Throws std::runtime_error.
    void start();
    void connect_workload() { connect_workload(workload_socket_of(shape())); }
    void connect_workload(const std::string& socket) { workload_.connect(socket); }

    // Destroys the guest, and counts it if its machine was reset. For destructors.
    void end();

    // The steps of start() and end(). create() starts QEMU with stopped vCPUs and sets pid_.
    virtual void create() = 0;
    virtual void resume_vcpus() = 0;
    virtual void destroy() = 0;  // after any step; does not throw
    virtual bool was_reset() = 0;
    virtual std::string log() = 0;  // QEMU's messages, and the reason of its end
    virtual std::string describe_vcpus() { return ""; }  // what they do now

  private:
    using Affinities = std::map<pid_t, std::vector<int>>;

    bool start_once(bool last_attempt);
    void boot();
    Affinities affinities() const;
    void confine_to_first_touch_nodes() const;
    void restore_affinities(const Affinities& before) const;
    std::string last_output();
    // What each thread of the VMM does, has done and may use: for messages.
    std::string describe_threads() const;
    void access_all_buffers();
    void throw_if_error(const nlohmann::json& message) const;

    JsonSocket workload_;
    std::uint64_t verified_pages_ = 0;
    bool has_wrong_pages_ = false;
};

}  // namespace vnuma::lab
