#include "guests/process/kvm_offsets.hpp"

#include "guests/bpf/kernel_types.hpp"

namespace vnuma {
namespace {

// All fields of memory slots that are read are 64 bits wide.
bool is_word(const btf* types, const std::optional<TypeField>& field) {
    return field && is_integer(types, field->type, sizeof(std::uint64_t));
}

bool is_pointer(const btf* types, const std::optional<TypeField>& field) {
    return field && pointed_to(types, field->type);
}

// Whether a field is an array of this many elements, or of any number if 0 is given, whose elements
// have the size of `element_bytes`.
bool is_array(const btf* types, const std::optional<TypeField>& field, std::uint32_t elements,
              int element_bytes) {
    const btf_type* type = field ? resolve_type(types, field->type) : nullptr;
    if (!type || !btf_is_array(type)) return false;
    const struct btf_array* array = btf_array(type);
    return (elements == 0 || array->nelems == elements) &&
           btf__resolve_size(types, array->type) == element_bytes;
}

// Leaves the offsets as they are unless all of them are found.
void find_slots(const btf* types, kvm_offsets& offsets) {
    constexpr int pointer_bytes = 8;
    constexpr std::uint32_t sets = 2;
    const auto memslots = find_field(types, find_structure(types, "kvm"), "memslots");
    const btf_type* all = find_structure(types, "kvm_memslots");
    const btf_type* one = find_structure(types, "kvm_memory_slot");
    const auto generation = find_field(types, all, "generation");
    const auto hash = find_field(types, all, "id_hash"), index = find_field(types, all, "node_idx");
    const auto node = find_field(types, one, "id_node"), gfn = find_field(types, one, "base_gfn");
    const auto pages = find_field(types, one, "npages");
    const auto address = find_field(types, one, "userspace_addr");
    if (!is_array(types, memslots, 0, pointer_bytes) || !is_word(types, generation) ||
        !is_array(types, hash, KVM_SLOT_BUCKETS, pointer_bytes) || !index ||
        !is_integer(types, index->type, sizeof(int)) ||
        !is_array(types, node, sets, 2 * pointer_bytes) || !is_word(types, gfn) ||
        !is_word(types, pages) || !is_word(types, address))
        return;
    offsets.memslots = memslots->offset;
    offsets.generation = generation->offset;
    offsets.id_hash = hash->offset;
    offsets.node_idx = index->offset;
    offsets.id_node = node->offset;
    offsets.base_gfn = gfn->offset;
    offsets.npages = pages->offset;
    offsets.userspace_addr = address->offset;
}

}  // namespace

std::optional<kvm_offsets> find_kvm_offsets(const btf* types) {
    const btf_type* vcpu = find_structure(types, "kvm_vcpu");
    const auto id = find_field(types, vcpu, "vcpu_id"), pid = find_field(types, vcpu, "pid");
    if (!id || !is_integer(types, id->type, sizeof(int)) || !is_pointer(types, pid))
        return std::nullopt;
    kvm_offsets offsets{};
    offsets.vcpu_id = id->offset;
    offsets.vcpu_pid = pid->offset;
    find_slots(types, offsets);
    return offsets;
}

}  // namespace vnuma
