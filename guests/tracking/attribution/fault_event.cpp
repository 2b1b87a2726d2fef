#include "guests/tracking/attribution/fault_event.hpp"

#include <bpf/btf.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

namespace vnuma {
namespace {

constexpr const char* kernel_types = "/sys/kernel/btf/vmlinux";
constexpr const char* module_types = "/sys/kernel/btf/kvm";
constexpr const char* module_directory = "/sys/module/kvm";
constexpr const char* tracepoint = "btf_trace_kvm_page_fault";
// The tracepoint's own three, after a pointer to the data of the attached function.
constexpr int tracepoint_parameters = 4;
constexpr std::uint32_t max_offset = 1 << 20;  // bytes; a larger one cannot be true

using Types = std::unique_ptr<btf, decltype(&btf__free)>;

// The type behind typedefs and qualifiers; null if there is none.
const btf_type* resolve(const btf* types, std::uint32_t id) {
    const int resolved = btf__resolve_type(types, id);
    return resolved < 0 ? nullptr : btf__type_by_id(types, static_cast<std::uint32_t>(resolved));
}

struct Field {
    std::uint32_t offset = 0;  // bytes
    std::uint32_t type = 0;
};

std::optional<Field> find_field(const btf* types, const btf_type* structure,
                                std::string_view name) {
    if (!structure || !btf_is_struct(structure)) return std::nullopt;
    for (int i = 0; i < btf_vlen(structure); ++i) {
        const btf_member& member = btf_members(structure)[i];
        const char* known = btf__name_by_offset(types, member.name_off);
        if (!known || known != name) continue;
        const std::uint32_t bits = btf_member_bit_offset(structure, static_cast<__u32>(i));
        if (bits % 8 != 0 || bits / 8 > max_offset) return std::nullopt;
        return Field{bits / 8, member.type};
    }
    return std::nullopt;
}

bool is_integer(const btf* types, std::uint32_t id, int bytes) {
    const btf_type* type = resolve(types, id);
    return type && btf_is_int(type) && btf__resolve_size(types, id) == bytes;
}

// The type that a pointer of this type points to; null if it is no pointer.
const btf_type* pointed_to(const btf* types, std::uint32_t id) {
    const btf_type* pointer = resolve(types, id);
    return pointer && btf_is_ptr(pointer) ? resolve(types, pointer->type) : nullptr;
}

std::optional<FaultEvent> find_fields(const btf* types, const btf_type* vcpu) {
    const auto id = find_field(types, vcpu, "vcpu_id");
    if (!id || !is_integer(types, id->type, sizeof(int))) return std::nullopt;
    FaultEvent event{.vcpu_id = id->offset};
    const auto statistics = find_field(types, vcpu, "stat");
    if (!statistics) return event;
    const auto mode = find_field(types, resolve(types, statistics->type), "guest_mode");
    if (mode && is_integer(types, mode->type, sizeof(std::uint64_t)))
        event.guest_mode = statistics->offset + mode->offset;
    return event;
}

bool has_tracepoint(const btf* types) {
    return btf__find_by_name_kind(types, tracepoint, BTF_KIND_TYPEDEF) > 0;
}

std::string unreadable(const char* file, int error) {
    return std::string(file) + " cannot be read (" + std::strerror(error) + ")";
}

}  // namespace

std::optional<FaultEvent> find_fault_event(const btf* types, std::string& why_not) {
    const int id = btf__find_by_name_kind(types, tracepoint, BTF_KIND_TYPEDEF);
    if (id < 0) {
        why_not = "this kernel's KVM has no tracepoint kvm_page_fault";
        return std::nullopt;
    }
    const btf_type* prototype = pointed_to(types, static_cast<std::uint32_t>(id));
    why_not =
        "the tracepoint kvm_page_fault has other parameters than known (before Linux 5.19 it does "
        "not name the vCPU)";
    if (!prototype || !btf_is_func_proto(prototype) || btf_vlen(prototype) != tracepoint_parameters)
        return std::nullopt;
    const btf_param* parameters = btf_params(prototype);
    if (!is_integer(types, parameters[2].type, sizeof(std::uint64_t)) ||
        !is_integer(types, parameters[3].type, sizeof(std::uint64_t)))
        return std::nullopt;
    const auto event = find_fields(types, pointed_to(types, parameters[1].type));
    if (event) why_not.clear();
    return event;
}

std::optional<FaultEvent> read_fault_event(std::string& why_not) {
    const Types kernel(btf__parse_raw(kernel_types), &btf__free);
    if (!kernel) {
        why_not = "the kernel does not describe its types (CONFIG_DEBUG_INFO_BTF): " +
                  unreadable(kernel_types, errno);
        return std::nullopt;
    }
    // KVM may be built into the kernel.
    if (has_tracepoint(kernel.get())) return find_fault_event(kernel.get(), why_not);
    const Types module(btf__parse_raw_split(module_types, kernel.get()), &btf__free);
    if (module) return find_fault_event(module.get(), why_not);
    const int error = errno;
    if (::access(module_directory, F_OK) != 0)
        why_not = "the kernel module kvm is not loaded";
    else
        why_not =
            "the kernel module kvm does not describe its types (CONFIG_DEBUG_INFO_BTF_MODULES): " +
            unreadable(module_types, error);
    return std::nullopt;
}

}  // namespace vnuma
