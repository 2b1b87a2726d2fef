// A connection to libvirt that notices its end, and the thread that libvirt needs for that.
#pragma once

#include <libvirt/libvirt.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "guests/discovery/domain_hints.hpp"

namespace vnuma {

// The message of libvirt's last error in this thread.
std::string libvirt_error();

// By default libvirt prints every error to stderr. Here each error becomes an exception or a
// reason.
void keep_libvirt_errors_off_stderr();

// A thread that runs libvirt's event loop. Without it libvirt sends no keepalives and does not
// notice that a connection has ended. libvirt has one event loop for the whole process and keeps it
// for ever, so there may be only one object of this class at a time.
class LibvirtEvents {
  public:
    // Pauses between two runs of a loop that fails. Without them it would use a whole CPU.
    static constexpr std::chrono::milliseconds first_pause{10}, longest_pause{1000};
    // Failures in a row, over about 4 s, after which failure() reports the loop.
    static constexpr int failures_until_broken = 10;

    // `run_once` runs the event loop once and returns a negative number if that fails. `pause`
    // waits in the thread of the loop. Tests replace both.
    using RunOnce = std::function<int()>;
    using Pause = std::function<void(std::chrono::milliseconds)>;
    explicit LibvirtEvents(RunOnce run_once = virEventRunDefaultImpl, Pause pause = {});
    ~LibvirtEvents();
    LibvirtEvents(const LibvirtEvents&) = delete;
    LibvirtEvents& operator=(const LibvirtEvents&) = delete;

    // libvirt's error message while a loop that keeps failing pauses, otherwise empty. Any thread.
    std::string failure() const;

  private:
    void run();
    void wait(std::chrono::milliseconds length);

    RunOnce run_once_;
    Pause pause_;
    mutable std::mutex mutex_;
    std::condition_variable stopped_;
    bool stop_ = false;    // guarded by the mutex
    std::string failure_;  // guarded by the mutex
    int wake_ = -1;        // a timer of libvirt's that ends a run of the loop
    std::thread thread_;
};

// Any thread. Calls that may outlive their callers share the ownership.
class LibvirtConnection {
  public:
    // Domains about which libvirt sends an event are noted in `hints`, as far as it sends any. Null
    // for a connection without events. Blocks. Throws SourceError.
    explicit LibvirtConnection(const std::string& uri,
                               const std::shared_ptr<DomainHints>& hints = nullptr);
    ~LibvirtConnection();
    LibvirtConnection(const LibvirtConnection&) = delete;
    LibvirtConnection& operator=(const LibvirtConnection&) = delete;

    virConnectPtr get() const { return handle_; }
    // False once libvirtd has closed the connection or has not answered keepalives.
    bool alive() const { return !*closed_; }

  private:
    virConnectPtr handle_;
    std::shared_ptr<std::atomic<bool>> closed_;
    std::vector<int> event_registrations_;
};

struct DomainDeleter {
    void operator()(virDomainPtr domain) const { virDomainFree(domain); }
};
using DomainHandle = std::unique_ptr<std::remove_pointer_t<virDomainPtr>, DomainDeleter>;

}  // namespace vnuma
