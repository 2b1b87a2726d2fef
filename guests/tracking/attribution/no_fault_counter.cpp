// Stands in for fault_counter.cpp in builds without BPF.
#include "guests/tracking/attribution/fault_counter.hpp"

namespace vnuma {

std::unique_ptr<FaultCounter> load_fault_counter(std::string& why_not) {
    why_not = "vnumad was built without BPF (meson -Dbpf=enabled)";
    return nullptr;
}

}  // namespace vnuma
