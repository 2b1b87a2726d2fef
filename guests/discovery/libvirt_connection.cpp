#include "guests/discovery/libvirt_connection.hpp"

#include <libvirt/virterror.h>

#include <algorithm>

#include "guests/discovery/backoff.hpp"
#include "guests/discovery/domain_events.hpp"
#include "guests/discovery/guest_source.hpp"

namespace vnuma {
namespace {

// libvirt closes the connection when libvirtd has sent nothing for interval x (count + 1) = 10 s.
constexpr int keepalive_interval_s = 2;
constexpr unsigned keepalive_count = 4;

using ClosedFlag = std::shared_ptr<std::atomic<bool>>;

void on_close(virConnectPtr, int, void* flag) {
    **static_cast<ClosedFlag*>(flag) = true;
}

void delete_flag(void* flag) {
    delete static_cast<ClosedFlag*>(flag);
}

void register_event_loop_once() {
    static std::once_flag registered;  // libvirt allows one registration in a process
    std::call_once(registered, [] { virEventRegisterDefaultImpl(); });
}

}  // namespace

std::string libvirt_error() {
    const virError* error = virGetLastError();
    return error && error->message ? error->message : "unknown error";
}

void keep_libvirt_errors_off_stderr() {
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
}

LibvirtEvents::LibvirtEvents(RunOnce run_once, Pause pause)
    : run_once_(std::move(run_once)), pause_(std::move(pause)) {
    if (!pause_) pause_ = [this](std::chrono::milliseconds length) { wait(length); };
    register_event_loop_once();
    wake_ = virEventAddTimeout(
        -1, [](int, void*) {}, nullptr, nullptr);
    thread_ = std::thread([this] { run(); });
}

LibvirtEvents::~LibvirtEvents() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    stopped_.notify_one();
    virEventUpdateTimeout(wake_, 0);
    thread_.join();
    virEventRemoveTimeout(wake_);
}

std::string LibvirtEvents::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

void LibvirtEvents::run() {
    Backoff backoff(first_pause, longest_pause);
    int failures = 0;  // in a row
    while (true) {
        {
            const std::lock_guard lock(mutex_);
            if (stop_) return;
            failure_.clear();  // a run that does not fail may last for ever
        }
        if (run_once_() >= 0) {
            failures = 0;
            backoff.succeed();
            continue;
        }
        failures = std::min(failures + 1, failures_until_broken);
        if (failures == failures_until_broken) {
            const std::lock_guard lock(mutex_);
            failure_ = libvirt_error();
        }
        pause_(backoff.fail());
    }
}

// Returns early when the object is destroyed.
void LibvirtEvents::wait(std::chrono::milliseconds length) {
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, length, [this] { return stop_; });
}

LibvirtConnection::LibvirtConnection(const std::string& uri,
                                     const std::shared_ptr<DomainHints>& hints)
    : handle_(virConnectOpen(uri.c_str())), closed_(std::make_shared<std::atomic<bool>>(false)) {
    if (!handle_) throw SourceError("libvirt at " + uri + ": " + libvirt_error());
    // Both calls fail for drivers that run inside this process (test:///) and need neither.
    auto* flag = new ClosedFlag(closed_);
    if (virConnectRegisterCloseCallback(handle_, on_close, flag, delete_flag) != 0)
        delete_flag(flag);
    virConnectSetKeepAlive(handle_, keepalive_interval_s, keepalive_count);
    if (hints) event_registrations_ = register_domain_events(handle_, hints);
}

LibvirtConnection::~LibvirtConnection() {
    deregister_domain_events(handle_, event_registrations_);
    virConnectUnregisterCloseCallback(handle_, on_close);
    virConnectClose(handle_);
}

}  // namespace vnuma
