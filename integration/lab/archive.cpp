#include "integration/lab/archive.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>

namespace vnuma::lab {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t block_bytes = 256 * 1024;

using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;
using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;
using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

void check(int status, archive* handle, const fs::path& file) {
    if (status < ARCHIVE_WARN)
        throw std::runtime_error(file.string() + ": " + archive_error_string(handle));
}

void add_entry(archive* out, const fs::path& file, const std::string& path, mode_t mode,
               const std::string& content) {
    Entry entry(archive_entry_new(), archive_entry_free);
    archive_entry_set_pathname(entry.get(), path.c_str());
    archive_entry_set_mode(entry.get(), mode);
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
    archive_entry_set_nlink(entry.get(), 1);
    check(archive_write_header(out, entry.get()), out, file);
    if (content.empty()) return;
    if (archive_write_data(out, content.data(), content.size()) !=
        static_cast<la_ssize_t>(content.size()))
        check(ARCHIVE_FATAL, out, file);
}

}  // namespace

std::string uncompress(std::string_view bytes, const std::string& name) {
    Reader in(archive_read_new(), archive_read_free);
    archive_read_support_filter_all(in.get());
    archive_read_support_format_raw(in.get());
    check(archive_read_open_memory(in.get(), bytes.data(), bytes.size()), in.get(), name);
    archive_entry* entry = nullptr;
    check(archive_read_next_header(in.get(), &entry), in.get(), name);
    std::string content;
    std::vector<char> block(block_bytes);
    while (true) {
        const la_ssize_t size = archive_read_data(in.get(), block.data(), block.size());
        if (size == 0) return content;
        if (size < 0) check(static_cast<int>(size), in.get(), name);
        content.append(block.data(), static_cast<std::size_t>(size));
    }
}

std::string read_bytes(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error(file.string() + ": " + std::strerror(errno));
    std::ostringstream bytes;
    bytes << in.rdbuf();
    return bytes.str();
}

std::string read_compressed(const fs::path& file) {
    return uncompress(read_bytes(file), file.string());
}

void write_initramfs(const fs::path& file, const std::vector<InitramfsFile>& files) {
    Writer out(archive_write_new(), archive_write_free);
    check(archive_write_set_format_cpio_newc(out.get()), out.get(), file);
    check(archive_write_open_filename(out.get(), file.c_str()), out.get(), file);
    std::set<fs::path> directories;
    for (const InitramfsFile& entry : files) {
        fs::path directory;
        for (const fs::path& part : fs::path(entry.path).parent_path()) {
            directory /= part;
            if (directories.insert(directory).second)
                add_entry(out.get(), file, directory.string(), S_IFDIR | 0755, "");
        }
        add_entry(out.get(), file, entry.path, S_IFREG | 0755, entry.content);
    }
    check(archive_write_close(out.get()), out.get(), file);
}

}  // namespace vnuma::lab
