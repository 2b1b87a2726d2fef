// The types that the running kernel describes (BTF). Programs in the kernel need to know where in
// KVM's structures the fields are that they read, and KVM may be a module, whose types only
// CAP_SYS_ADMIN may look up through the bpf system call. Any user may read them in /sys/kernel/btf.
#pragma once

#include <bpf/btf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace vnuma {

// KVM's types. Those of a module refer to those of the kernel.
struct KvmTypes {
    std::unique_ptr<btf, decltype(&btf__free)> kernel{nullptr, &btf__free};
    std::unique_ptr<btf, decltype(&btf__free)> module{nullptr, &btf__free};

    const btf* get() const { return module ? module.get() : kernel.get(); }
};

// Returns none, and sets `why_not`, if the kernel does not describe KVM's types, or has no KVM.
std::optional<KvmTypes> read_kvm_types(std::string& why_not);

// ---- The rest is pure ---------------------------------------------------------------------------

struct TypeField {
    std::uint32_t offset = 0;  // bytes
    std::uint32_t type = 0;
};

// Nothing for anything but a whole field of a structure.
std::optional<TypeField> find_field(const btf* types, const btf_type* structure,
                                    std::string_view name);

// The structure of this name; null if there is none.
const btf_type* find_structure(const btf* types, const char* name);

// The type behind typedefs and qualifiers; null if there is none.
const btf_type* resolve_type(const btf* types, std::uint32_t id);

// The type that a pointer of this type points to; null if it is no pointer.
const btf_type* pointed_to(const btf* types, std::uint32_t id);

bool is_integer(const btf* types, std::uint32_t id, int bytes);

}  // namespace vnuma
