#include "guests/bpf/kernel_types.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace vnuma {
namespace {

constexpr const char* kernel_types = "/sys/kernel/btf/vmlinux";
constexpr const char* module_types = "/sys/kernel/btf/kvm";
constexpr const char* module_directory = "/sys/module/kvm";
constexpr const char* tracepoint = "btf_trace_kvm_entry";  // every version of KVM has it
constexpr std::uint32_t max_offset = 1 << 20;              // bytes; a larger one cannot be true

std::string unreadable(const char* file, int error) {
    return std::string(file) + " cannot be read (" + std::strerror(error) + ")";
}

}  // namespace

std::optional<KvmTypes> read_kvm_types(std::string& why_not) {
    KvmTypes types;
    types.kernel.reset(btf__parse_raw(kernel_types));
    if (!types.kernel) {
        why_not = "the kernel does not describe its types (CONFIG_DEBUG_INFO_BTF): " +
                  unreadable(kernel_types, errno);
        return std::nullopt;
    }
    // KVM may be built into the kernel. Other parts of the kernel may know its structures, too, but
    // only KVM itself has its tracepoints.
    if (btf__find_by_name_kind(types.kernel.get(), tracepoint, BTF_KIND_TYPEDEF) > 0) return types;
    types.module.reset(btf__parse_raw_split(module_types, types.kernel.get()));
    if (types.module) return types;
    const int error = errno;
    if (::access(module_directory, F_OK) != 0)
        why_not = "the kernel module kvm is not loaded";
    else
        why_not =
            "the kernel module kvm does not describe its types (CONFIG_DEBUG_INFO_BTF_MODULES): " +
            unreadable(module_types, error);
    return std::nullopt;
}

std::optional<TypeField> find_field(const btf* types, const btf_type* structure,
                                    std::string_view name) {
    if (!structure || !btf_is_struct(structure)) return std::nullopt;
    for (int i = 0; i < btf_vlen(structure); ++i) {
        const btf_member& member = btf_members(structure)[i];
        const char* known = btf__name_by_offset(types, member.name_off);
        if (!known || known != name) continue;
        const std::uint32_t bits = btf_member_bit_offset(structure, static_cast<__u32>(i));
        if (bits % 8 != 0 || bits / 8 > max_offset) return std::nullopt;
        return TypeField{bits / 8, member.type};
    }
    return std::nullopt;
}

const btf_type* find_structure(const btf* types, const char* name) {
    const int id = btf__find_by_name_kind(types, name, BTF_KIND_STRUCT);
    return id < 0 ? nullptr : btf__type_by_id(types, static_cast<std::uint32_t>(id));
}

const btf_type* resolve_type(const btf* types, std::uint32_t id) {
    const int resolved = btf__resolve_type(types, id);
    return resolved < 0 ? nullptr : btf__type_by_id(types, static_cast<std::uint32_t>(resolved));
}

const btf_type* pointed_to(const btf* types, std::uint32_t id) {
    const btf_type* pointer = resolve_type(types, id);
    return pointer && btf_is_ptr(pointer) ? resolve_type(types, pointer->type) : nullptr;
}

bool is_integer(const btf* types, std::uint32_t id, int bytes) {
    const btf_type* type = resolve_type(types, id);
    return type && btf_is_int(type) && btf__resolve_size(types, id) == bytes;
}

}  // namespace vnuma
