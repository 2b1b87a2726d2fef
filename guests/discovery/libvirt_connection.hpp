// A connection to libvirt that notices its end, and the thread libvirt needs for that.
#pragma once

#include <libvirt/libvirt.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

namespace vnuma {

// libvirt's own words on this thread.
std::string libvirt_error();

// Runs libvirt's event loop, without which it neither answers nor sends keepalives. libvirt has one
// loop for a process and keeps it for good; this runs it for as long as the object lives. One at a
// time.
class LibvirtEvents {
  public:
    LibvirtEvents();
    ~LibvirtEvents();
    LibvirtEvents(const LibvirtEvents&) = delete;
    LibvirtEvents& operator=(const LibvirtEvents&) = delete;

  private:
    std::atomic<bool> stop_{false};
    int wake_ = -1;  // libvirt's timer
    std::thread thread_;
};

// Shared by calls that may outlive their waiting. Any thread.
class LibvirtConnection {
  public:
    // Blocks. Throws SourceError.
    explicit LibvirtConnection(const std::string& uri);
    ~LibvirtConnection();
    LibvirtConnection(const LibvirtConnection&) = delete;
    LibvirtConnection& operator=(const LibvirtConnection&) = delete;

    virConnectPtr get() const { return handle_; }
    // False once the other side has gone, or has not answered keepalives.
    bool alive() const { return !*closed_; }

  private:
    virConnectPtr handle_;
    std::shared_ptr<std::atomic<bool>> closed_;
};

struct DomainDeleter {
    void operator()(virDomainPtr domain) const { virDomainFree(domain); }
};
using DomainHandle = std::unique_ptr<std::remove_pointer_t<virDomainPtr>, DomainDeleter>;

}  // namespace vnuma
