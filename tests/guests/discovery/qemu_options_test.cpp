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

// A list with the name of each of its elements in front takes a thousand times as much.
TEST(ParseQemuOption, LeavesOutWhatIsTooLong) {
    const std::string longest(max_qemu_field_bytes, 'a'), longer(max_qemu_field_bytes + 1, 'a');
    const auto option =
        parse_qemu_option("object",
                          "{\"" + longer + "\":[1,1,1],\"b\":\"" + longer + "\",\"c\":{\"" +
                              longest + "\":1},\"" + longest + "\":2,\"d\":3}",
                          "");
    ASSERT_TRUE(option);
    EXPECT_EQ(option->fields, (Fields{{longest, "2"}, {"d", "3"}}));
    EXPECT_TRUE(option->is_cut);
    const auto plain = parse_qemu_option("object", "a=" + longer + ",b=1", "");
    EXPECT_EQ(plain->fields, (Fields{{"b", "1"}}));
    EXPECT_TRUE(plain->is_cut);
    EXPECT_FALSE(parse_qemu_option("object", "a=" + longest, "")->is_cut);
}

TEST(ParseQemuOption, LeavesOutWhatIsTooMuch) {
    std::string list = "{\"a\":[1";
    for (std::size_t i = 0; i < max_qemu_fields; ++i)
        list += ",1";
    const auto option = parse_qemu_option("object", list + "]}", "");
    ASSERT_TRUE(option);
    EXPECT_EQ(option->fields.size(), max_qemu_fields);
    EXPECT_TRUE(option->is_cut);
    std::string deep;
    for (int i = 0; i < 1000; ++i)
        deep += "{\"a\":";
    EXPECT_TRUE(parse_qemu_option("object", deep + "1" + std::string(1000, '}'), "")->is_cut);
}

TEST(ParseQemuArguments, StoresAFewMebibytesAtMost) {
    std::string list = "{\"" + std::string(4000, 'a') + "\":[1";
    for (std::size_t i = 1; i < max_qemu_fields; ++i)
        list += ",1";
    list += "]}";
    std::string line = words({"qemu", "-m", "4G"});
    for (int i = 0; i < 100; ++i)
        line += words({"-object", list});
    std::vector<std::string> problems;
    std::size_t bytes = 0;
    for (const QemuOption& option : parse_qemu_arguments(line, problems))
        for (const auto& [name, value] : option.fields)
            bytes += name.size() + value.size();
    EXPECT_LE(bytes, max_qemu_stored_bytes);
    EXPECT_EQ(problems,
              std::vector<std::string>{
                  "its options have more than 4 MiB; the rest of its command line is ignored"});
}

TEST(ParseQemuArguments, AnArgumentThatNoProgramStartsWithIsAProblem) {
    std::vector<std::string> problems;
    const auto options = parse_qemu_arguments(
        words({"qemu", "-object", std::string(max_qemu_argument_bytes + 1, '{'), "-m", "4G"}),
        problems);
    ASSERT_EQ(options.size(), 1U);
    EXPECT_EQ(options[0].group, "memory");
    EXPECT_EQ(problems,
              std::vector<std::string>{"its option -object has more than 128 KiB; it is ignored"});
}

TEST(ParseQemuArguments, WhatIsLeftOutIsTold) {
    std::vector<std::string> problems;
    const std::string longer(max_qemu_field_bytes + 1, 'a');
    EXPECT_EQ(parse_qemu_arguments(words({"qemu", "-name", longer}), problems).size(), 1U);
    parse_qemu_config("[name]\n guest = \"" + longer + "\"\n", problems);
    ASSERT_EQ(problems.size(), 2U);
    EXPECT_EQ(problems[0],
              "its option -name has more than 1024 fields, or one of more than 4096 bytes; those "
              "beyond are ignored");
    EXPECT_TRUE(problems[1].starts_with("a section of its configuration file has more than"));
}

TEST(ParseQemuArguments, OptionsHaveALimit) {
    std::string line = words({"qemu"});
    for (std::size_t i = 0; i < max_qemu_options + 1; ++i)
        line += words({"-m", "1G"});
    std::vector<std::string> problems;
    EXPECT_LE(parse_qemu_arguments(line, problems).size(), max_qemu_options);
    EXPECT_EQ(problems, std::vector<std::string>{"its command line has more than 8192 options; the "
                                                 "others are ignored"});
}

TEST(ParseQemuConfig, ReadsSectionsWithTheirIds) {
    std::vector<std::string> problems;
    const auto options = parse_qemu_config(
        "# qemu config file\n\n[memory]\n  size = \"4096\"\n\n[object \"ram0\"]\n"
        "  qom-type = \"memory-backend-memfd\"\n\tsize=\"4G\"\r\n[machine]\n type = "
        "q35\nrubbish\n",
        problems);
    ASSERT_EQ(options.size(), 3U);
    EXPECT_EQ(options[0].group, "memory");
    EXPECT_EQ(options[0].get("size"), "4096");
    EXPECT_EQ(options[1].get("id"), "ram0");
    EXPECT_EQ(options[1].get("size"), "4G");
    EXPECT_EQ(options[2].get("type"), "q35");
    EXPECT_TRUE(parse_qemu_config("size = \"1\"\n", problems).empty()) << "no section";
    EXPECT_TRUE(problems.empty());
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

TEST(ParseQemuRange, ReadsANumberAndARange) {
    using Range = std::pair<std::uint64_t, std::uint64_t>;
    EXPECT_EQ(parse_qemu_range("2"), (Range{2, 2}));
    EXPECT_EQ(parse_qemu_range("0-3"), (Range{0, 3}));
    for (const char* wrong : {"", "-", "-1", "1-", "a", "1-2-3", "1,2", "^1"})
        EXPECT_EQ(parse_qemu_range(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace vnuma
