#include "qmp/commands.hpp"

#include <gtest/gtest.h>

#include "golden.hpp"
#include "qmp/json_fields.hpp"

namespace vnuma::qmp {
namespace {

using nlohmann::json;

constexpr std::uint64_t mib = 1024 * 1024;

TEST(Commands, QueryStatusReadsWhetherTheGuestRuns) {
    for (const char* version : golden_versions) {
        EXPECT_EQ(read(query_status(), version, "none").status, "running");
        EXPECT_TRUE(read(query_status(), version, "none").running);
        EXPECT_EQ(read(query_status(), version, "q35").status, "prelaunch");
        EXPECT_FALSE(read(query_status(), version, "q35").running);
    }
}

TEST(Commands, QueryKvmReadsWhetherKvmIsEnabled) {
    EXPECT_EQ(query_kvm().parse({{"enabled", false}, {"present", true}}), false);
    EXPECT_EQ(query_kvm().parse({{"enabled", true}, {"present", true}}), true);
    expect_refused(query_kvm(), json::object());
    expect_refused(query_kvm(), {{"enabled", 1}});
}

TEST(Commands, AGuestHasAUuidAndMayHaveAName) {
    for (const char* version : golden_versions) {
        EXPECT_EQ(read(query_uuid(), version, "q35"), "5e1bd8a3-8b25-4c0f-a6e5-0a2f3a2f6c01");
        EXPECT_EQ(read(query_name(), version, "q35"), "golden");
        EXPECT_EQ(read(query_name(), version, "pc"), "");
    }
}

TEST(Commands, AUuidHasTheFormOfOne) {
    const auto parse = [](const char* uuid) { return query_uuid().parse({{"UUID", uuid}}); };
    EXPECT_TRUE(parse("00000000-0000-0000-0000-00000000abCD"));
    for (const char* uuid :
         {"", "a.sock", "00000000-0000-0000-0000-00000000000g",
          "00000000/0000-0000-0000-000000000000", "00000000-0000-0000-0000-0000000000000"})
        EXPECT_FALSE(parse(uuid)) << uuid;
}

TEST(Commands, EveryCpuHasAThreadAndWithVnumaANode) {
    for (const char* version : golden_versions) {
        EXPECT_TRUE(read(query_cpus_fast(), version, "none").empty());
        const auto cpus = read(query_cpus_fast(), version, "q35");
        ASSERT_EQ(cpus.size(), 4U);
        for (int i = 0; i < 4; ++i) {
            EXPECT_EQ(cpus[i].index, i);
            EXPECT_EQ(cpus[i].node, i / 2);
            EXPECT_EQ(cpus[i].thread, cpus[0].thread + i);
        }
        EXPECT_EQ(cpus[0].qom_path, "/machine/unattached/device[0]");
        EXPECT_EQ(read(query_cpus_fast(), version, "pc").at(0).node, std::nullopt);
    }
}

TEST(Commands, MemoryBackendsHaveSizePolicyAndNodes) {
    for (const char* version : golden_versions) {
        std::map<std::string, MemoryBackend> backends;
        for (auto& backend : read(query_memdev(), version, "q35"))
            backends[backend.id] = backend;
        ASSERT_EQ(backends.size(), 4U);
        EXPECT_EQ(backends["m0"].size, 64 * mib);
        EXPECT_EQ(backends["m0"].policy, "default");
        EXPECT_TRUE(backends["m0"].host_nodes.empty());
        EXPECT_FALSE(backends["m0"].share);
        EXPECT_FALSE(backends["m0"].prealloc);
        EXPECT_TRUE(backends["m1"].prealloc);
        EXPECT_EQ(backends["hot0"].size, 128 * mib);
        EXPECT_EQ(backends["hot0"].policy, "bind");
        EXPECT_EQ(backends["hot0"].host_nodes, std::vector<int>{0});
        EXPECT_TRUE(backends["hot0"].share);
        EXPECT_EQ(read(query_memdev(), version, "pc").at(0).id, "pc.ram");
    }
}

TEST(Commands, MemoryDevicesNameTheirBackend) {
    for (const char* version : golden_versions) {
        EXPECT_TRUE(read(query_memory_devices(), version, "pc").empty());
        const auto devices = read(query_memory_devices(), version, "q35");
        ASSERT_EQ(devices.size(), 2U);
        EXPECT_EQ(devices[0].kind, "dimm");
        EXPECT_EQ(devices[0].id, "dimm0");
        EXPECT_EQ(devices[0].memdev, "hot0");
        EXPECT_EQ(devices[0].address, 4096 * mib);
        EXPECT_EQ(devices[0].size, 128 * mib);
        EXPECT_EQ(devices[0].max_size, 128 * mib);
        EXPECT_EQ(devices[0].node, 1);
        EXPECT_EQ(devices[1].kind, "virtio-mem");
        EXPECT_EQ(devices[1].memdev, "hot1");
        EXPECT_EQ(devices[1].address, 4224 * mib);
        EXPECT_EQ(devices[1].size, 0U);
        EXPECT_EQ(devices[1].max_size, 256 * mib);
        EXPECT_EQ(devices[1].node, 0);
    }
}

TEST(Commands, QueryBalloonReadsTheMemoryLeftToTheGuest) {
    for (const char* version : golden_versions)
        EXPECT_EQ(read(query_balloon(), version, "q35"), 256 * mib);
    expect_refused(query_balloon(), golden("7.2", "pc", "query-balloon"));
}

TEST(Commands, TheMigrationStatusIsEmptyWithoutAMigration) {
    for (const char* version : golden_versions)
        EXPECT_EQ(read(query_migrate(), version, "q35"), "");
    EXPECT_EQ(query_migrate().parse({{"status", "active"}, {"total-time", 5}}), "active");
    expect_refused(query_migrate(), {{"status", 1}});
}

TEST(Commands, IoThreadsHaveAnIdAndAThread) {
    for (const char* version : golden_versions) {
        EXPECT_TRUE(read(query_iothreads(), version, "pc").empty());
        const auto threads = read(query_iothreads(), version, "q35");
        ASSERT_EQ(threads.size(), 1U);
        EXPECT_EQ(threads[0].id, "io0");
        EXPECT_GT(threads[0].thread, 1);
    }
}

TEST(Commands, AnAnswerOfAnotherShapeIsRefused) {
    for (const char* text : {"null", "1", "\"x\"", "[1]", "[[]]", "[{}]", "[null]", "true"}) {
        const json value = json::parse(text);
        expect_refused(query_status(), value);
        expect_refused(query_uuid(), value);
        expect_refused(query_name(), value);
        expect_refused(query_cpus_fast(), value);
        expect_refused(query_memdev(), value);
        expect_refused(query_memory_devices(), value);
        expect_refused(query_balloon(), value);
        expect_refused(query_migrate(), value);
        expect_refused(query_iothreads(), value);
    }
}

TEST(Commands, ANumberThatDoesNotFitIsRefused) {
    for (const json& thread : {json(0), json(-1), json(4294967296), json(1.5), json(UINT64_MAX)}) {
        expect_refused(query_iothreads(), json::array({{{"id", "x"}, {"thread-id", thread}}}));
        expect_refused(query_cpus_fast(),
                       json::array({{{"cpu-index", 0}, {"thread-id", thread}, {"qom-path", ""}}}));
    }
    expect_refused(query_balloon(), {{"actual", -1}});
    expect_refused(query_balloon(), {{"actual", 1e30}});
}

TEST(Commands, AListAboveTheLimitIsRefused) {
    const json thread = {{"id", "x"}, {"thread-id", 1}};
    EXPECT_TRUE(query_iothreads().parse(json(max_elements, thread)));
    EXPECT_FALSE(query_iothreads().parse(json(max_elements + 1, thread)));
}

}  // namespace
}  // namespace vnuma::qmp
