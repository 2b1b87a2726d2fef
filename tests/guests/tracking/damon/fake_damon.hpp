// An in-memory DamonFiles that reacts to writes as the kernel does: it creates and removes
// directories, and turns kdamonds on and off.
#pragma once

#include <cerrno>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "guests/tracking/damon/damon_files.hpp"
#include "guests/tracking/damon/damon_plan.hpp"

namespace vnuma::test {

class FakeDamon : public DamonFiles {
  public:
    FakeDamon() { files["nr_kdamonds"] = "0"; }

    // Tests set these.
    int busy = 0;              // number of next operations that fail with EBUSY
    bool always_busy = false;  // turning a kdamond on fails with EBUSY
    bool has_apply_interval = true;
    std::chrono::nanoseconds cpu{5'000'000};
    // Makes the report from the configured regions, which have no accesses.
    std::function<std::vector<DamonRegion>(std::vector<DamonRegion>)> report =
        [](std::vector<DamonRegion> regions) { return regions; };

    // Tests check these.
    std::map<std::string, std::string> files;
    std::vector<std::string> written;  // "file=text", in the order of the writes
    int paused = 0;                    // number of pauses
    std::map<pid_t, int> niceness;

    DamonFileText read(const std::string& file) override {
        if (take_busy()) return {EBUSY, {}};
        const auto found = files.find(file);
        if (found == files.end()) return {ENOENT, {}};
        return {0, found->second + "\n"};
    }

    int write(const std::string& file, std::string_view view) override {
        if (take_busy()) return EBUSY;
        if (!files.contains(file)) return ENOENT;
        const std::string text(view);
        const int error = apply(file, text);
        if (error == 0) written.push_back(file + "=" + text);
        return error;
    }

    // The directory ends with a slash.
    std::vector<std::string> list(const std::string& directory, std::size_t limit) override {
        std::vector<std::string> names;
        for (const auto& [file, text] : files) {
            if (!file.starts_with(directory)) continue;
            const std::string rest = file.substr(directory.size());
            const std::string name = rest.substr(0, rest.find('/'));
            if ((names.empty() || names.back() != name) && names.size() < limit)
                names.push_back(name);
        }
        return names;
    }

    void pause(std::chrono::milliseconds) override { ++paused; }
    std::optional<std::chrono::nanoseconds> cpu_time(pid_t) override { return cpu; }
    void set_nice(pid_t thread, int nice) override { niceness[thread] = nice; }

    std::size_t count() const { return std::stoul(files.at("nr_kdamonds")); }
    bool is_on(std::size_t kdamond) const {
        return files.at(std::to_string(kdamond) + "/state") == "on";
    }
    void end(std::size_t kdamond) { files[std::to_string(kdamond) + "/state"] = "off"; }
    // A write by another program, which is not recorded in `written`.
    int write_as_other_program(const std::string& file, const std::string& text) {
        return apply(file, text);
    }

  private:
    bool take_busy() { return busy > 0 && busy-- > 0; }

    static bool ends(const std::string& file, const char* name) {
        return file == name || file.ends_with(std::string("/") + name);
    }

    void remove_numbered(const std::string& prefix) {
        for (auto at = files.lower_bound(prefix);
             at != files.end() && at->first.starts_with(prefix);)
            at = std::isdigit(at->first[prefix.size()]) ? files.erase(at) : std::next(at);
    }

    void make(const std::string& prefix, const std::string& text,
              const std::vector<std::string>& names) {
        remove_numbered(prefix);
        for (unsigned long i = 0; i < std::stoul(text); ++i)
            for (const std::string& name : names)
                files[prefix + std::to_string(i) + "/" + name] = "0";
    }

    int make_kdamonds(const std::string& text) {
        for (std::size_t i = 0; i < count(); ++i)
            if (is_on(i)) return EBUSY;
        make("", text, {"contexts/nr_contexts", "state", "pid"});
        for (unsigned long i = 0; i < std::stoul(text); ++i) {
            files[std::to_string(i) + "/state"] = "off";
            files[std::to_string(i) + "/pid"] = "-1";
        }
        return 0;
    }

    int apply(const std::string& file, const std::string& text) {
        const std::string parent = file.substr(0, file.rfind('/') + 1);
        if (ends(file, "state")) return command(file.substr(0, file.find('/')), text);
        if (ends(file, "nr_kdamonds")) {
            if (const int error = make_kdamonds(text)) return error;
        } else if (ends(file, "nr_contexts")) {
            make(parent, text,
                 {"avail_operations", "operations", "monitoring_attrs/intervals/sample_us",
                  "monitoring_attrs/intervals/aggr_us", "monitoring_attrs/intervals/update_us",
                  "monitoring_attrs/nr_regions/min", "monitoring_attrs/nr_regions/max",
                  "targets/nr_targets", "schemes/nr_schemes"});
            files[parent + "0/avail_operations"] = "vaddr\nfvaddr\npaddr";
        } else if (ends(file, "nr_targets")) {
            make(parent, text, {"pid_target", "regions/nr_regions"});
        } else if (ends(file, "nr_schemes")) {
            make(parent, text,
                 {"action", "access_pattern/sz/max", "access_pattern/nr_accesses/max",
                  "access_pattern/age/max", "tried_regions/total_bytes"});
            if (has_apply_interval) files[parent + "0/apply_interval_us"] = "0";
        } else if (ends(file, "nr_regions")) {
            make(parent, text, {"start", "end"});
        }
        files[file] = text;
        return 0;
    }

    int command(const std::string& kdamond, const std::string& text) {
        std::string& state = files[kdamond + "/state"];
        if (text == "on") {
            if (always_busy || state == "on") return EBUSY;
            state = "on";
            files[kdamond + "/pid"] = "4711";
            return 0;
        }
        if (state != "on") return EINVAL;
        if (text == "off") {
            state = "off";
            return 0;
        }
        return text == "update_schemes_tried_regions" ? update(kdamond) : EINVAL;
    }

    int update(const std::string& kdamond) {
        const std::string context = kdamond + "/contexts/0";
        const std::string configured = context + "/targets/0/regions/";
        std::vector<DamonRegion> regions;
        for (std::size_t i = 0; i < std::stoul(files.at(configured + "nr_regions")); ++i)
            regions.push_back({std::stoull(files.at(configured + std::to_string(i) + "/start")),
                               std::stoull(files.at(configured + std::to_string(i) + "/end")), 0});
        const std::string tried = context + "/schemes/0/tried_regions/";
        remove_numbered(tried);
        std::size_t name = 0;
        std::uint64_t bytes = 0;
        for (const DamonRegion& region : report(std::move(regions))) {
            const std::string directory = tried + std::to_string(name++) + "/";
            files[directory + "start"] = std::to_string(region.start);
            files[directory + "end"] = std::to_string(region.end);
            files[directory + "nr_accesses"] = std::to_string(region.accesses);
            bytes += region.end - region.start;
        }
        files[tried + "total_bytes"] = std::to_string(bytes);
        return 0;
    }
};

}  // namespace vnuma::test
