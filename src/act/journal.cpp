#include "src/act/journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "guests/process/files.hpp"
#include "policy/model/number_list.hpp"

namespace vnuma {
namespace {

using nlohmann::json;

[[noreturn]] void fail(const std::string& what, int error = errno) {
    throw std::system_error(error, std::generic_category(), what);
}

std::string to_line(const json& record) {
    return record.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

std::string header(const std::string& boot) {
    return to_line({{"vnumad_journal", journal_version}, {"boot", boot}});
}

json to_json(const ThreadIdentity& thread) {
    return {{"thread", thread.id}, {"start", thread.start_time}};
}

constexpr std::array<const char*, 3> role_names{"vcpu", "emulator", "iothread"};

json to_json(const LibvirtPin& pin) {
    return {{"role", role_names.at(static_cast<std::size_t>(pin.thread.role))},
            {"id", pin.thread.id},
            {"before", format_number_list(pin.before)}};
}

std::string begin_line(const JournalEntry& entry) {
    json record = to_json(entry.thread);
    record["guest"] = entry.guest;
    record["uuid"] = entry.uuid;
    record["process"] = entry.process;
    record["process_start"] = entry.process_start;
    record["before"] = format_number_list(entry.pin.before);
    record["unset"] = entry.pin.unset;
    record["ours"] = format_number_list(entry.pin.ours);
    record["since"] = entry.pin.since;
    record["former"] = format_number_list(entry.former);
    if (entry.pin.libvirt) record["libvirt"] = to_json(*entry.pin.libvirt);
    if (entry.left) record["left"] = true;
    return to_line({{"begin", std::move(record)}});
}

std::vector<int> cpus_of(const json& record, const char* field) {
    const auto& text = record.at(field).get_ref<const std::string&>();
    if (text.empty()) return {};
    const auto cpus = parse_number_list(text);
    if (!cpus) throw JournalError(std::string(field) + " must be a list of CPUs");
    return *cpus;
}

ThreadIdentity thread_of(const json& record) {
    return {record.at("thread").get<pid_t>(), record.at("start").get<std::uint64_t>()};
}

LibvirtPin libvirt_pin_of(const json& record) {
    const auto& name = record.at("role").get_ref<const std::string&>();
    const auto* role = std::find(role_names.begin(), role_names.end(), name);
    if (role == role_names.end()) throw JournalError("role is unknown: " + name);
    return {{DomainThread::Role(role - role_names.begin()), record.at("id").get<int>()},
            cpus_of(record, "before")};
}

JournalEntry entry_of(const json& record) {
    JournalEntry entry;
    entry.thread = thread_of(record);
    entry.guest = record.at("guest").get<std::string>();
    entry.uuid = record.at("uuid").get<std::string>();
    entry.process = record.at("process").get<pid_t>();
    entry.process_start = record.at("process_start").get<std::uint64_t>();
    entry.pin.before = cpus_of(record, "before");
    entry.pin.unset = record.at("unset").get<bool>();
    entry.pin.ours = cpus_of(record, "ours");
    entry.pin.since = record.at("since").get<std::uint64_t>();
    entry.former = cpus_of(record, "former");
    if (const auto libvirt = record.find("libvirt"); libvirt != record.end()) {
        entry.pin.libvirt = libvirt_pin_of(*libvirt);
        entry.pin.configured = entry.pin.ours;
    }
    entry.left = record.contains("left");
    return entry;
}

// Whether the journal is of this boot.
bool read_header(const json& header, const std::string& boot) {
    const int version = header.at("vnumad_journal").get<int>();
    if (version < 1 || version > journal_version)
        throw JournalError("its version is " + std::to_string(version) +
                           ", and this vnumad knows versions up to " +
                           std::to_string(journal_version) +
                           " only; restore with the vnumad that wrote it");
    return header.at("boot").get<std::string>() == boot;
}

void read_record(const json& record, ParsedJournal& journal) {
    journal.kept = record.contains("kept");
    if (journal.kept) return;
    if (const auto begin = record.find("begin"); begin != record.end()) {
        JournalEntry entry = entry_of(*begin);
        journal.entries.insert_or_assign(entry.thread, std::move(entry));
    } else {
        journal.entries.erase(thread_of(record.at("end")));
    }
}

std::string read_text(int fd, const std::string& file) {
    const auto text = read_all(fd, max_journal_bytes + 1);
    if (!text) fail(file);
    if (text->size() > max_journal_bytes)
        throw JournalError(file + " is larger than " + std::to_string(max_journal_bytes >> 20) +
                           " MiB");
    return *text;
}

}  // namespace

ParsedJournal parse_journal(std::string_view text, const std::string& boot) {
    ParsedJournal journal;
    bool is_header = true, this_boot = true;
    for (std::size_t line = 1; !text.empty(); ++line) {
        const std::size_t end = text.find('\n');
        // A crash has cut the last record short.
        if (end == std::string_view::npos) break;
        try {
            const json record = json::parse(text.substr(0, end));
            if (std::exchange(is_header, false))
                this_boot = read_header(record, boot);
            else
                read_record(record, journal);
        } catch (const json::exception& error) {
            throw JournalError("line " + std::to_string(line) + " is damaged: " + error.what());
        } catch (const JournalError& error) {
            throw JournalError("line " + std::to_string(line) + ": " + error.what());
        }
        text.remove_prefix(end + 1);
    }
    return this_boot ? journal : ParsedJournal();
}

std::string read_boot_id() {
    auto id = read_small_file("/proc/sys/kernel/random/boot_id").value_or("");
    while (!id.empty() && id.back() == '\n')
        id.pop_back();
    return id;
}

Journal::Journal(std::string file, Step step)
    : file_(std::move(file)), step_(std::move(step)), boot_(read_boot_id()) {
    // O_NOFOLLOW: a link may lead to a file of another user.
    const FileDescriptor fd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!fd && errno != ENOENT) fail(file_);
    if (!fd) return;
    struct stat found {};
    if (::fstat(fd.get(), &found) != 0) fail(file_);
    if (!S_ISREG(found.st_mode)) throw JournalError(file_ + " must be a regular file");
    if (found.st_uid != 0 && found.st_uid != ::geteuid())
        throw JournalError(file_ + " belongs to neither root nor vnumad's user");
    try {
        ParsedJournal parsed = parse_journal(read_text(fd.get(), file_), boot_);
        entries_ = std::move(parsed.entries);
        kept_ = parsed.kept;
    } catch (const JournalError& error) {
        throw JournalError(file_ + ": " + error.what());
    }
}

void Journal::begin(std::vector<JournalEntry> entries) {
    if (entries.empty()) return;
    std::string lines;
    for (JournalEntry& entry : entries) {
        const auto known = entries_.find(entry.thread);
        if (known != entries_.end()) entry.former = known->second.pin.ours;
        lines += begin_line(entry);
    }
    append(lines, entries.size());
    for (JournalEntry& entry : entries)
        entries_.insert_or_assign(entry.thread, std::move(entry));
    compact();
}

void Journal::end(const std::vector<ThreadIdentity>& threads) {
    std::string lines;
    std::size_t records = 0;
    for (const ThreadIdentity& thread : threads) {
        if (!entries_.contains(thread)) continue;
        lines += to_line({{"end", to_json(thread)}});
        ++records;
    }
    if (records == 0) return;
    append(lines, records);
    for (const ThreadIdentity& thread : threads)
        entries_.erase(thread);
    compact();
}

// The file that is there serves as well, so a failure does no harm, and the next record tries
// again.
void Journal::compact() {
    if (records_ <= entries_.size() + max_stale_records) return;
    try {
        rewrite();
    } catch (const std::system_error&) {
    }
}

void Journal::keep() {
    if (entries_.empty()) return;
    append(to_line({{"kept", true}}), 1);
    kept_ = true;
}

// Not if somebody has removed the file, or the directory.
bool Journal::is_in_place() const {
    struct stat ours {
    }, now{};
    return fd_ && ::fstat(fd_.get(), &ours) == 0 && ::lstat(file_.c_str(), &now) == 0 &&
           ours.st_dev == now.st_dev && ours.st_ino == now.st_ino;
}

void Journal::append(const std::string& lines, std::size_t records) {
    if (!is_in_place()) rewrite();
    struct stat before {};
    if (::fstat(fd_.get(), &before) != 0) fail(file_);
    step_("write");
    if (!write_all(fd_.get(), lines)) {
        const int error = errno;
        // What found room would be damaged by the next record.
        if (::ftruncate(fd_.get(), before.st_size) != 0) fd_.reset();
        fail(file_, error);
    }
    step_("sync");
    if (::fdatasync(fd_.get()) != 0) fail(file_);
    step_("written");
    records_ += records;
    kept_ = false;
}

// The new file replaces the old one at once: a crash leaves either.
void Journal::rewrite() {
    const std::string fresh = file_ + ".new";
    step_("create");
    FileDescriptor fd(::open(
        fresh.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) fail(fresh);
    std::string text = header(boot_);
    for (const auto& [thread, entry] : entries_)
        text += begin_line(entry);
    step_("write");
    if (!write_all(fd.get(), text)) fail(fresh);
    step_("sync");
    if (::fdatasync(fd.get()) != 0) fail(fresh);
    step_("rename");
    if (std::rename(fresh.c_str(), file_.c_str()) != 0) fail(file_);
    step_("sync directory");
    const auto parent = std::filesystem::path(file_).parent_path();
    const FileDescriptor directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0) fail(parent.string());
    fd_ = std::move(fd);
    records_ = entries_.size();
}

}  // namespace vnuma
