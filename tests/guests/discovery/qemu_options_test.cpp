#include "guests/discovery/qemu_options.hpp"

#include <gtest/gtest.h>

#include "tests/guests/discovery/words.hpp"

namespace vnuma {
namespace {

using test::words;

using Fields = std::vector<std::pair<std::string, std::string>>;

TEST(ParseQemuOption, ReadsFieldsAndTheImpliedOne) {
    const auto option = parse_qemu_option("memory", "4G,slots=2,maxmem=8G", "size");
    ASSERT_TRUE(option);
    EXPECT_EQ(option->fields, (Fields{{"size", "4G"}, {"slots", "2"}, {"maxmem", "8G"}}));
    EXPECT_EQ(parse_qemu_option("chardev", "socket,server,nowait", "backend")->fields,
              (Fields{{"backend", "socket"}, {"server", "on"}, {"wait", "off"}}));
    EXPECT_EQ(parse_qemu_option("name", "a,,b,debug-threads=on", "guest")->fields,
              (Fields{{"guest", "a,b"}, {"debug-threads", "on"}}));
    EXPECT_TRUE(parse_qemu_option("name", "", "guest")->fields.empty());
}

TEST(ParseQemuOption, ReadsJson) {
    const auto option = parse_qemu_option(
        "object",
        R"({"qom-type":"memory-backend-ram","size":301989888,"share":true,"host-nodes":[0,2],)"
        R"("nested":{"name":"x"},"nothing":null})",
        "qom-type");
    ASSERT_TRUE(option);
    EXPECT_EQ(option->get("qom-type"), "memory-backend-ram");
    EXPECT_EQ(option->get("size"), "301989888");
    EXPECT_EQ(option->get("share"), "on");
    EXPECT_EQ(option->all("host-nodes"), (std::vector<std::string>{"0", "2"}));
    EXPECT_EQ(option->get("nested.name"), "x");
    EXPECT_FALSE(option->find("nothing"));
    for (const char* wrong : {"{", "{\"a\":}", "{]"})
        EXPECT_FALSE(parse_qemu_option("object", wrong, "")) << wrong;
}

TEST(ParseQemuOption, TheLastFieldOfANameCounts) {
    const auto option = parse_qemu_option("smp-opts", "cpus=2,cpus=4", "cpus");
    EXPECT_EQ(option->get("cpus"), "4");
    EXPECT_EQ(option->get("threads"), "");
}

TEST(ParseQemuArguments, FlagsTakeNoArgument) {
    std::vector<std::string> problems;
    const auto options = parse_qemu_arguments(
        words({"qemu", "-S", "-m", "4G", "-no-shutdown", "-enable-kvm", "--uuid", "u", "-append",
               "-m 1G", "-display", "none", "-unknown", "-smp", "2", "-m"}),
        problems);
    ASSERT_EQ(options.size(), 3U);
    EXPECT_EQ(options[0].group, "memory");
    EXPECT_EQ(options[0].get("size"), "4G");
    EXPECT_EQ(options[1].group, "uuid");
    EXPECT_EQ(options[2].get("cpus"), "2");
    EXPECT_TRUE(problems.empty());
}

TEST(ParseQemuArguments, AnArgumentOfAnotherOptionIsNoOption) {
    std::vector<std::string> problems;
    EXPECT_TRUE(
        parse_qemu_arguments(words({"qemu", "-append", "-uuid", "-serial", "file:-m"}), problems)
            .empty());
}

TEST(ParseQemuArguments, BadJsonIsAProblem) {
    std::vector<std::string> problems;
    EXPECT_TRUE(parse_qemu_arguments(words({"qemu", "-object", "{oh"}), problems).empty());
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems[0], "its option -object is no JSON");
}

TEST(ParseQemuConfig, ReadsSectionsWithTheirIds) {
    const auto options = parse_qemu_config(
        "# qemu config file\n\n[memory]\n  size = \"4096\"\n\n[object \"ram0\"]\n"
        "  qom-type = \"memory-backend-memfd\"\n\tsize=\"4G\"\r\n[machine]\n type = "
        "q35\nrubbish\n");
    ASSERT_EQ(options.size(), 3U);
    EXPECT_EQ(options[0].group, "memory");
    EXPECT_EQ(options[0].get("size"), "4096");
    EXPECT_EQ(options[1].get("id"), "ram0");
    EXPECT_EQ(options[1].get("size"), "4G");
    EXPECT_EQ(options[2].get("type"), "q35");
    EXPECT_TRUE(parse_qemu_config("size = \"1\"\n").empty()) << "no section";
}

TEST(ParseQemuSize, ReadsUnits) {
    constexpr std::int64_t mib = 1 << 20;
    EXPECT_EQ(parse_qemu_size("4G"), 4096 * mib);
    EXPECT_EQ(parse_qemu_size("1.5g"), 1536 * mib);
    EXPECT_EQ(parse_qemu_size("4096", mib), 4096 * mib);
    EXPECT_EQ(parse_qemu_size("301989888"), 301989888);
    EXPECT_EQ(parse_qemu_size("0x10000000"), 256 * mib);
    EXPECT_EQ(parse_qemu_size("512B"), 512);
    for (const char* wrong : {"", "G", "4X", "-1G", "nan", "inf", "1e3", "99999999T", "4 G", "0x",
                              "0xffffffffffffffff"})
        EXPECT_EQ(parse_qemu_size(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace vnuma
