#include "guests/memory/ram_finder.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/guests/golden.hpp"
#include "tests/guests/scripted_source.hpp"

namespace vnuma {
namespace {

class RamFinderTest : public testing::Test {
  protected:
    void record(const std::string& shape) {
        host.emplace(shape);
        listed.domain = std::make_shared<const Domain>(test::golden_domain(shape));
        listed.state = RunState::running;
    }
    std::optional<RamMap> find(bool rare_too = false) {
        return finder.find(host->process(), listed, source, rare_too);
    }

    std::optional<test::RecordedHost> host;
    ListedGuest listed;
    test::ScriptedSource source;
    RamFinder finder;
};

TEST_F(RamFinderTest, IsDueUntilTheBlocksAreKnownAndWhenTheDomainChanges) {
    record("vnuma");
    source.hangs = true;
    EXPECT_TRUE(finder.is_due(listed, false));
    EXPECT_EQ(find()->unknown, "its monitor does not answer");
    EXPECT_TRUE(finder.is_due(listed, false));
    source.hangs = false;
    EXPECT_EQ(find(true)->blocks.size(), 2U);
    EXPECT_FALSE(finder.is_due(listed, false));
    EXPECT_TRUE(finder.is_due(listed, true));
    listed.domain = std::make_shared<const Domain>(*listed.domain);
    EXPECT_TRUE(finder.is_due(listed, false));
}

TEST_F(RamFinderTest, AMonitorThatRefusesLeavesWhatTheSizesTell) {
    record("vnuma");
    source.refusal = "libvirt: access denied";
    const auto map = find();
    ASSERT_TRUE(map);
    EXPECT_EQ(map->unknown, "");
    EXPECT_STREQ(map->source, "size");
    EXPECT_EQ(map->lost.bytes.size(), 2U);
    EXPECT_EQ(map->lost.candidates.size(), 2U);
    EXPECT_EQ(map->problems.at(0),
              "its monitor does not tell where its memory is: libvirt: access denied");
    EXPECT_FALSE(find());
    EXPECT_FALSE(find(true)) << "nothing has changed";
    EXPECT_EQ(source.asked, 2) << "it is not asked at every tick";
    source.refusal.clear();
    EXPECT_EQ(find(true)->blocks.size(), 2U);
}

TEST_F(RamFinderTest, ReturnsNoMapWhileTheLastOneIsRight) {
    record("helpers");
    EXPECT_EQ(find()->blocks.size(), 1U);
    EXPECT_FALSE(find(true));
}

TEST_F(RamFinderTest, ABlockThatIsMappedElsewhereIsFoundAgain) {
    record("helpers");
    const RamRange before = find()->blocks.at(0).host;
    const std::string maps = "proc/" + std::to_string(host->pid) + "/maps";
    std::filesystem::remove(host->files.path(maps));
    host->files.write(maps, "7e0000000000-7e0018000000 rw-p 00000000 00:00 0 \n");
    const auto map = find();
    ASSERT_TRUE(map);
    EXPECT_EQ(map->blocks.at(0).host, (RamRange{0x7e0000000000, before.size}));
}

TEST_F(RamFinderTest, AmongThousandsOfMappingsBlocksThatAreNotFoundAreLookedForRarely) {
    record("helpers");
    const std::string maps = "proc/" + std::to_string(host->pid) + "/maps";
    std::filesystem::remove(host->files.path(maps));
    std::string many;
    for (std::size_t i = 0; i <= RamFinder::many_mappings; ++i)
        many += "7e0000000000-7e0000001000 rw-p 00000000 00:00 0 \n";
    host->files.write(maps, many);
    EXPECT_NE(find()->unknown, "");
    EXPECT_EQ(finder.mappings(), RamFinder::many_mappings + 1);
    EXPECT_FALSE(finder.is_due(listed, false));
    EXPECT_TRUE(finder.is_due(listed, true));
}

TEST_F(RamFinderTest, SaysWhichFileCannotBeRead) {
    record("helpers");
    const std::string maps = "/proc/" + std::to_string(host->pid) + "/maps";
    std::filesystem::remove(host->files.path(maps.substr(1)));
    EXPECT_EQ(find()->unknown, maps + " cannot be read (CAP_SYS_PTRACE is needed)");
}

TEST_F(RamFinderTest, WhatKvmTellsComesBeforeTheMonitor) {
    record("vnuma");
    const auto asked = find();
    ASSERT_EQ(asked->blocks.size(), 2U);
    const RamRange low = asked->blocks[1].host, high = asked->blocks[0].host;
    RamView view;
    view.backends["ram0"] = {low.start, low.size, std::nullopt};
    view.backends["ram1"] = {high.start, high.size, std::nullopt};
    view.pieces = {{0, low.size, 0, "ram0"}, {low.size, high.size, 0, "ram1"}};
    listed.memory = std::make_shared<const RamView>(view);
    EXPECT_TRUE(finder.is_due(listed, false)) << "it tells only now";
    const auto map = find();
    ASSERT_TRUE(map);
    EXPECT_STREQ(map->source, "kvm");
    EXPECT_EQ(map->blocks.at(0).host, low);
    EXPECT_EQ(map->blocks.at(0).id, "");
    EXPECT_EQ(source.asked, 1);
    EXPECT_FALSE(find());
}

TEST_F(RamFinderTest, WhatKvmTellsMustBeAllOfTheMemory) {
    record("helpers");
    listed.memory = std::make_shared<const RamView>();
    const auto map = find();
    EXPECT_STREQ(map->source, "size");
    EXPECT_EQ(map->blocks.size(), 1U);
}

}  // namespace
}  // namespace vnuma
