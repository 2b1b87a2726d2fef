// A real libvirtd inside a lab host, without systemd.
#pragma once

#include <libvirt/libvirt.h>

#include <sys/types.h>
#include <string>

namespace vnuma::lab {

class LibvirtHost {
  public:
    // Writes the daemons' configuration, starts virtlogd and libvirtd, and connects.
    // Throws std::runtime_error.
    LibvirtHost();
    ~LibvirtHost();  // ends the daemons; guests live on until the host goes
    LibvirtHost(const LibvirtHost&) = delete;
    LibvirtHost& operator=(const LibvirtHost&) = delete;

    virConnectPtr connection() const { return connection_; }

    // libvirtd dies at once, or comes again; guests run on, and find the new connection. Between
    // the two nothing may be asked of libvirt. start_libvirtd() throws std::runtime_error.
    void kill_libvirtd();
    void start_libvirtd();
    pid_t libvirtd_pid() const { return libvirtd_; }

  private:
    pid_t logd_ = -1, libvirtd_ = -1;
    virConnectPtr connection_ = nullptr;
};

// The pid file libvirt keeps for a running domain; -1 when there is none.
pid_t domain_pid(const std::string& name);

// libvirt's last words on this thread.
std::string libvirt_error();

}  // namespace vnuma::lab
