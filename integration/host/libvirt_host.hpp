// Real libvirtds inside a lab host, without systemd.
#pragma once

#include <libvirt/libvirt.h>

#include <sys/types.h>
#include <string>

namespace vnuma::lab {

// A libvirtd as its clients see it.
class Libvirtd {
  public:
    virConnectPtr connection() const { return connection_; }

    // The pid in its pid file of a running domain; -1 if there is none.
    pid_t domain_pid(const std::string& name) const;

  protected:
    Libvirtd() = default;
    ~Libvirtd() = default;

    std::string root_;  // the directory that it takes for "/"
    virConnectPtr connection_ = nullptr;
};

// The libvirtd of the host.
class LibvirtHost final : public Libvirtd {
  public:
    // Writes the configuration of libvirtd, starts virtlogd and libvirtd, and connects to libvirtd.
    // Throws std::runtime_error.
    LibvirtHost();
    ~LibvirtHost();  // ends the daemons; guests run until the host ends
    LibvirtHost(const LibvirtHost&) = delete;
    LibvirtHost& operator=(const LibvirtHost&) = delete;

    // Ends libvirtd with the signal and starts it again, while guests go on running. In between no
    // call to libvirt is allowed. start_libvirtd() throws std::runtime_error.
    void end_libvirtd(int signal);
    void start_libvirtd();
    pid_t libvirtd_pid() const { return libvirtd_; }

  private:
    pid_t logd_ = -1, libvirtd_ = -1;
};

// Another libvirtd on the same host, which guests can migrate to and from: it has a host name, a
// host UUID and directories of its own. Needs a LibvirtHost.
class SecondLibvirtd final : public Libvirtd {
  public:
    SecondLibvirtd();  // throws std::runtime_error
    ~SecondLibvirtd();
    SecondLibvirtd(const SecondLibvirtd&) = delete;
    SecondLibvirtd& operator=(const SecondLibvirtd&) = delete;

  private:
    pid_t libvirtd_ = -1;
};

// The message of libvirt's last error on this thread.
std::string libvirt_error();

}  // namespace vnuma::lab
