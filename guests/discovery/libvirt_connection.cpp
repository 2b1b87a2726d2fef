#include "guests/discovery/libvirt_connection.hpp"

#include <libvirt/virterror.h>

#include <mutex>

#include "guests/discovery/guest_source.hpp"

namespace vnuma {
namespace {

// A libvirtd that has said nothing for five intervals, and answered none of the questions in
// between, is given up: after 10 s.
constexpr int keepalive_interval_s = 2;
constexpr unsigned keepalive_count = 4;

using ClosedFlag = std::shared_ptr<std::atomic<bool>>;

void on_close(virConnectPtr, int, void* flag) {
    **static_cast<ClosedFlag*>(flag) = true;
}

void delete_flag(void* flag) {
    delete static_cast<ClosedFlag*>(flag);
}

void register_loop_once() {
    static std::once_flag registered;  // libvirt's loop is the process' and cannot be replaced
    std::call_once(registered, [] { virEventRegisterDefaultImpl(); });
}

}  // namespace

std::string libvirt_error() {
    const virError* error = virGetLastError();
    return error && error->message ? error->message : "unknown error";
}

LibvirtEvents::LibvirtEvents() {
    register_loop_once();
    wake_ = virEventAddTimeout(
        -1, [](int, void*) {}, nullptr, nullptr);
    thread_ = std::thread([this] {
        while (!stop_)
            if (virEventRunDefaultImpl() < 0) std::this_thread::yield();
    });
}

LibvirtEvents::~LibvirtEvents() {
    stop_ = true;
    virEventUpdateTimeout(wake_, 0);
    thread_.join();
    virEventRemoveTimeout(wake_);
}

LibvirtConnection::LibvirtConnection(const std::string& uri)
    : handle_(virConnectOpen(uri.c_str())), closed_(std::make_shared<std::atomic<bool>>(false)) {
    if (!handle_) throw SourceError("libvirt at " + uri + ": " + libvirt_error());
    // libvirt's drivers inside this process (test:///) have neither; there it is no error.
    auto* flag = new ClosedFlag(closed_);
    if (virConnectRegisterCloseCallback(handle_, on_close, flag, delete_flag) != 0)
        delete_flag(flag);
    virConnectSetKeepAlive(handle_, keepalive_interval_s, keepalive_count);
}

LibvirtConnection::~LibvirtConnection() {
    virConnectUnregisterCloseCallback(handle_, on_close);
    virConnectClose(handle_);
}

}  // namespace vnuma
