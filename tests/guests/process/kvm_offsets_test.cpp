#include "guests/process/kvm_offsets.hpp"

#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace vnuma {
namespace {

// Builds the types of a kernel, as far as they matter here.
class Types {
  public:
    Types() : types_(btf__new_empty(), &btf__free) {
        wide = btf__add_int(get(), "long unsigned int", 8, 0);
        narrow = btf__add_int(get(), "int", 4, BTF_INT_SIGNED);
        node = add("hlist_node", 16, {{"next", wide, 0}, {"pprev", wide, 8}});
        head = add("hlist_head", 8, {{"first", wide, 0}});
        pointer = btf__add_ptr(get(), node);
    }
    btf* get() const { return types_.get(); }

    struct Field {
        const char* name;
        int type;
        __u32 offset;
    };
    int add(const char* name, __u32 bytes, const std::vector<Field>& fields) const {
        const int structure = btf__add_struct(get(), name, bytes);
        for (const Field& field : fields)
            btf__add_field(get(), field.name, field.type, field.offset * 8, 0);
        return structure;
    }
    int array(int type, __u32 elements) const {
        return btf__add_array(get(), narrow, type, elements);
    }
    void add_vcpu() const {
        add("kvm_vcpu", 1024, {{"vcpu_id", narrow, 40}, {"pid", pointer, 80}});
    }
    void add_slots(__u32 buckets) const {
        add("kvm", 4096, {{"memslots", array(pointer, 2), 512}});
        add("kvm_memslots", 2048,
            {{"generation", wide, 0},
             {"id_hash", array(head, buckets), 64},
             {"node_idx", narrow, 1600}});
        add("kvm_memory_slot", 256,
            {{"id_node", array(node, 2), 8},
             {"base_gfn", wide, 104},
             {"npages", wide, 112},
             {"userspace_addr", wide, 136}});
    }

    int wide = 0, narrow = 0, node = 0, head = 0, pointer = 0;

  private:
    std::unique_ptr<btf, decltype(&btf__free)> types_;
};

TEST(FindKvmOffsets, FindsTheFieldsOfVcpusAndOfMemorySlots) {
    const Types types;
    types.add_vcpu();
    types.add_slots(KVM_SLOT_BUCKETS);
    const auto offsets = find_kvm_offsets(types.get());
    ASSERT_TRUE(offsets);
    EXPECT_EQ(offsets->vcpu_id, 40U);
    EXPECT_EQ(offsets->vcpu_pid, 80U);
    EXPECT_EQ(offsets->memslots, 512U);
    EXPECT_EQ(offsets->generation, 0U);
    EXPECT_EQ(offsets->id_hash, 64U);
    EXPECT_EQ(offsets->node_idx, 1600U);
    EXPECT_EQ(offsets->id_node, 8U);
    EXPECT_EQ(offsets->base_gfn, 104U);
    EXPECT_EQ(offsets->npages, 112U);
    EXPECT_EQ(offsets->userspace_addr, 136U);
}

TEST(FindKvmOffsets, WithoutTheKnownTableOfSlotsVcpusAreFoundAllTheSame) {
    const Types none, other;
    none.add_vcpu();
    other.add_vcpu();
    other.add_slots(KVM_SLOT_BUCKETS / 2);
    for (const Types* types : {&none, &other}) {
        const auto offsets = find_kvm_offsets(types->get());
        ASSERT_TRUE(offsets);
        EXPECT_EQ(offsets->vcpu_pid, 80U);
        EXPECT_EQ(offsets->memslots, 0U);
    }
}

TEST(FindKvmOffsets, RefusesVcpusThatAreNotAsKnown) {
    const Types none, other;
    other.add("kvm_vcpu", 1024, {{"vcpu_id", other.wide, 40}, {"pid", other.pointer, 80}});
    EXPECT_FALSE(find_kvm_offsets(none.get()));
    EXPECT_FALSE(find_kvm_offsets(other.get()));
}

}  // namespace
}  // namespace vnuma
