// A KVM guest of a lab host, run by libvirt.
#pragma once

#include "integration/host/libvirt_host.hpp"
#include "integration/host/running_guest.hpp"

namespace vnuma::lab {

class Guest final : public RunningGuest {
  public:
    // Returns once its workload has touched all its buffers. Throws std::runtime_error.
    Guest(const LibvirtHost& host, GuestShape shape);
    ~Guest() override;  // destroys the domain

    std::map<int, pid_t> vcpu_threads() const override;

    std::string uuid() const { return uuid_; }
    std::string xml() const;  // as libvirt tells it now

    // All of these throw std::runtime_error.
    void pause() const;
    void resume() const;
    void save();     // managed; QEMU ends, the memory is a file
    void restore();  // after save(): a new QEMU
    void set_vcpus(int count) const;
    void plug(const std::string& device_xml) const;

  private:
    struct Domain;  // libvirt's handle, fetched anew for each use: libvirtd may have been restarted

    void create() override;
    void resume_vcpus() override { resume(); }
    void destroy() override;
    bool was_reset() override;
    std::string log() override;

    const LibvirtHost* host_;
    std::string uuid_;
};

}  // namespace vnuma::lab
