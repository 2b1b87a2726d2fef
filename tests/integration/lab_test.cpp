#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "integration/lab/archive.hpp"
#include "integration/lab/command.hpp"
#include "integration/lab/frame.hpp"
#include "integration/lab/kernel.hpp"
#include "integration/lab/machine.hpp"
#include "integration/lab/topology.hpp"

namespace vnuma::lab {
namespace {

namespace fs = std::filesystem;

std::string error_of(const std::string& text) {
    try {
        parse_topology(text, "t.json");
    } catch (const TopologyError& error) {
        return error.what();
    }
    return "";
}

TEST(ParseTopology, EveryTopologyOfTheTreeIsGood) {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(VNUMA_TOPOLOGIES)) {
        std::ostringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        EXPECT_NO_THROW(parse_topology(text.str(), entry.path().string()));
        ++count;
    }
    EXPECT_GE(count, 4);
}

TEST(ParseTopology, NamesWhatIsWrong) {
    EXPECT_EQ(error_of("{"), "t.json: is not a JSON object");
    EXPECT_EQ(error_of(R"({"nodes": [{"cpus": 1, "mib": 1}], "distance": [[10]]})"),
              "t.json: unknown key \"distance\"");
    EXPECT_EQ(error_of(R"({"nodes": [{"cpu": 1}]})"), "t.json: nodes[0]: unknown key \"cpu\"");
    EXPECT_EQ(error_of(R"({"nodes": [{"cpus": -1}]})"),
              "t.json: nodes[0]: cpus is not a whole number");
    EXPECT_EQ(error_of(R"({"nodes": [{}]})"), "t.json: nodes[0]: has neither cpus nor mib");
    EXPECT_EQ(
        error_of(R"({"nodes": [{"mib": 5}, {"cpus": 1}], "distances": [[10, 20], [20, 10]]})"),
        "t.json: node 0 boots the host: it needs cpus and mib");
    EXPECT_EQ(error_of(R"({"nodes": [{"cpus": 1, "mib": 1}], "distances": [[11]]})"),
              "t.json: distances[0]: a node's own distance is 10");
    EXPECT_EQ(error_of(R"({"nodes": [{"cpus": 1, "mib": 1}]})"),
              "t.json: distances: wants one row for each of 1 nodes");
}

TEST(QemuOptions, DescribeNodesWithAndWithoutCpusAndMemory) {
    const Topology topology = parse_topology(
        R"({"nodes": [{"cpus": 2, "mib": 512}, {"mib": 256}, {"cpus": 1}],
            "distances": [[10, 20, 30], [20, 10, 30], [30, 30, 10]]})",
        "t.json");
    std::string all;
    for (const std::string& option : qemu_options(topology))
        all += option + " ";
    EXPECT_TRUE(all.starts_with("-smp 3 -m 768M "));
    EXPECT_NE(all.find("-numa node,nodeid=0,cpus=0-1,memdev=ram-node0 "), std::string::npos) << all;
    EXPECT_NE(all.find("-numa node,nodeid=1,memdev=ram-node1 "), std::string::npos);
    EXPECT_NE(all.find("-numa node,nodeid=2,cpus=2-2 "), std::string::npos);
    EXPECT_NE(all.find("-numa dist,src=0,dst=2,val=30 "), std::string::npos);
}

TEST(FrameDecoder, GivesTheSameFramesForEverySplitOfTheBytes) {
    const std::string bytes =
        encode_frame(FrameType::output, "hello\n") + encode_frame(FrameType::errors, "") +
        encode_frame(FrameType::size, "{}") + encode_frame(FrameType::exit, "3");
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        FrameDecoder decoder;
        std::string seen;
        for (const auto& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
            decoder.feed(part);
            while (auto frame = decoder.next())
                seen += static_cast<char>(frame->type) + frame->bytes;
        }
        EXPECT_EQ(seen, "ohello\nes{}x3") << "cut at " << cut;
    }
}

TEST(FrameDecoder, RefusesWhatIsNoFrame) {
    FrameDecoder garbage, too_long;
    garbage.feed("kernel panic");
    EXPECT_THROW(garbage.next(), std::runtime_error);
    too_long.feed(std::string("o\xff\xff\xff\xff", 5));
    EXPECT_THROW(too_long.next(), std::runtime_error);
    EXPECT_THROW(encode_frame(FrameType::output, std::string(max_frame_bytes + 1, 'x')),
                 std::length_error);
}

TEST(Command, TravelsUnchanged) {
    const Command command{
        {"sh", "-c", "echo \"$HOME\" 'x'\n"}, "/tmp/a b", {{"TERM", "xterm"}}, true, {24, 80}};
    const Command arrived = command_from_json(to_json(command));
    EXPECT_EQ(arrived.argv, command.argv);
    EXPECT_EQ(arrived.directory, command.directory);
    EXPECT_EQ(arrived.environment, command.environment);
    EXPECT_EQ(arrived.terminal, command.terminal);
    EXPECT_EQ(arrived.size, command.size);
    EXPECT_EQ(size_from_json(to_json(TerminalSize{30, 100})), (TerminalSize{30, 100}));
}

TEST(ModuleDependencies, AreReadFromTheModuleItself) {
    const std::string image("ELF\0license=GPL\0depends=kvm,snd-pcm\0retpoline=Y\0", 50);
    EXPECT_EQ(module_dependencies(image), (std::vector<std::string>{"kvm", "snd_pcm"}));
    EXPECT_TRUE(module_dependencies(std::string("\0depends=\0", 10)).empty());
    EXPECT_TRUE(module_dependencies("no module").empty());
}

TEST(BzimagePayload, IsFoundWithoutTheSizeBehindIt) {
    std::string image(2048, '.');
    const auto put = [&](std::size_t at, std::uint32_t value) {
        std::memcpy(image.data() + at, &value, sizeof value);
    };
    image[0x1f1] = 1;  // sectors, after the first
    image.replace(0x202, 4, "HdrS");
    put(0x248, 16);
    put(0x24c, 12);
    image.replace(1024 + 16, 12, "(compressedSIZE");
    EXPECT_EQ(bzimage_payload(image, "it"), "(compres");
    image.replace(1024 + 16, 2, "\x1f\x8b");
    EXPECT_EQ(bzimage_payload(image, "it").size(), 12U);
    put(0x24c, 1024);
    EXPECT_THROW(bzimage_payload(image, "it"), std::runtime_error);
    EXPECT_THROW(bzimage_payload("MZ", "it"), std::runtime_error);
}

TEST(FindOops, FindsTheKernelsLastWords) {
    EXPECT_EQ(find_oops("[1.0] fine\n[2.0] Oops: int3: 0000 [#1] PREEMPT SMP\n[2.1] RIP: x\n"),
              "[2.0] Oops: int3: 0000 [#1] PREEMPT SMP");
    EXPECT_EQ(find_oops("[1.0] fine\n"), "");
}

TEST(WriteInitramfs, HoldsTheFilesAndTheirDirectories) {
    const fs::path file = fs::temp_directory_path() / "vnuma-initramfs-test.cpio";
    write_initramfs(file, {{"init", "#!/bin/sh\n"}, {"a/b/c", "deep"}});
    const std::string archive = read_compressed(file);
    fs::remove(file);
    EXPECT_TRUE(archive.starts_with("070701"));
    EXPECT_NE(archive.find("a/b/c"), std::string::npos);
    EXPECT_NE(archive.find("TRAILER!!!"), std::string::npos);
}

}  // namespace
}  // namespace vnuma::lab
