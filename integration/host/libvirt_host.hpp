// A real libvirtd inside a lab host, without systemd.
#pragma once

#include <libvirt/libvirt.h>

#include <sys/types.h>
#include <string>

namespace vnuma::lab {

class LibvirtHost {
  public:
    // Writes the configuration of libvirtd, starts virtlogd and libvirtd, and connects to libvirtd.
    // Throws std::runtime_error.
    LibvirtHost();
    ~LibvirtHost();  // ends the daemons; guests run until the host ends
    LibvirtHost(const LibvirtHost&) = delete;
    LibvirtHost& operator=(const LibvirtHost&) = delete;

    virConnectPtr connection() const { return connection_; }

    // Kills libvirtd and starts it again, while guests go on running. In between no call to libvirt
    // is allowed. start_libvirtd() throws std::runtime_error.
    void kill_libvirtd();
    void start_libvirtd();
    pid_t libvirtd_pid() const { return libvirtd_; }

  private:
    pid_t logd_ = -1, libvirtd_ = -1;
    virConnectPtr connection_ = nullptr;
};

// The pid in libvirt's pid file of a running domain; -1 if there is none.
pid_t domain_pid(const std::string& name);

// The message of libvirt's last error on this thread.
std::string libvirt_error();

}  // namespace vnuma::lab
