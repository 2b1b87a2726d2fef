#include "guests/tracking/attribution/fault_counter.hpp"

namespace vnuma {

std::unique_ptr<FaultCounter> load_fault_counter(std::string& why_not) {
    why_not = "built without BPF (meson -Dbpf=enabled)";
    return nullptr;
}

}  // namespace vnuma
