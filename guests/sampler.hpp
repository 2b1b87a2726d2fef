// One look at all guests: libvirt's list, joined with what /proc says of each process.
#pragma once

#include "guests/libvirt.hpp"
#include "guests/sample.hpp"

namespace vnuma {

class Sampler {
  public:
    // `pid_directory` is where libvirt keeps a file NAME.pid for each running domain; it has no
    // call that tells a pid.
    Sampler(std::string uri, std::string pid_directory);

    // Blocks for the time of some libvirt calls and /proc reads; for a worker thread, one at a
    // time. A guest that cannot be read is in the sample and says why. Throws LibvirtError.
    Sample sample();

  private:
    Libvirt libvirt_;
    std::string pid_directory_;
};

// The part without libvirt: what /proc says of a domain with that process.
GuestSample sample_guest(const RunningDomain& domain, std::optional<Process> process);

}  // namespace vnuma
