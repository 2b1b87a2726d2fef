// Files of guests that were recorded on a lab host (tests/golden/lab).
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "guests/discovery/domain_xml.hpp"
#include "guests/model/settings.hpp"
#include "guests/process/process.hpp"
#include "tests/temporary.hpp"

namespace vnuma::test {

inline std::string golden_file(const std::string& file) {
    return std::string(VNUMA_GOLDEN) + "/" + file;
}

inline std::string read_golden(const std::string& file) {
    std::ostringstream text;
    std::ifstream in(golden_file(file), std::ios::binary);
    EXPECT_TRUE(in) << file;
    text << in.rdbuf();
    return text.str();
}

inline Domain golden_domain(const std::string& shape) {
    std::string error;
    const auto domain = parse_domain(read_golden("lab/" + shape + "/domain.xml"), error);
    EXPECT_TRUE(domain) << shape << ": " << error;
    return domain.value_or(Domain{});
}

// A directory with the recorded /proc and cgroup files of some guests. Symbolic links were not
// recorded, except that each guest gets an exe link here. A test creates the others that it needs.
class RecordedHost {
  public:
    explicit RecordedHost(const std::string& shape) { add(shape); }

    // Adds a guest to the host. `pid` is then its pid.
    void add(const std::string& shape) {
        namespace fs = std::filesystem;
        const std::string recorded = golden_file("lab/" + shape);
        const auto process = Process::open_recorded(recorded + "/process");
        EXPECT_TRUE(process) << shape;
        pid = process ? process->pid() : -1;
        const std::string directory = "proc/" + std::to_string(pid) + "/";
        for (const auto& entry : fs::directory_iterator(recorded + "/process"))
            files.link(entry.path(), directory + entry.path().filename().string());
        files.link("/usr/bin/qemu-system-x86_64", directory + "exe");
        const std::string cgroup = read_golden("lab/" + shape + "/process/cgroup");
        const std::string group =
            cgroup.substr(cgroup.find("/"), cgroup.rfind('/') - cgroup.find("/"));
        for (const auto& entry : fs::directory_iterator(recorded + "/cgroup"))
            files.link(entry.path(), "cgroup" + group + "/" + entry.path().filename().string());
    }
    Roots roots() const { return {files.path("proc"), files.path("cgroup"), files.path("sys")}; }
    Process process() const {
        return std::move(*Process::open_recorded(files.path("proc/" + std::to_string(pid))));
    }

    TemporaryDirectory files;
    pid_t pid = -1;
};

}  // namespace vnuma::test
