// Stands in for kvm_reader.cpp in builds without BPF.
#include "guests/process/kvm_reader.hpp"

namespace vnuma {

std::unique_ptr<KvmReader> load_kvm_reader(std::string& why_not) {
    why_not = "vnumad was built without BPF (meson -Dbpf=enabled)";
    return nullptr;
}

}  // namespace vnuma
