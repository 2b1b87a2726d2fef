// Reading compressed files and writing an initramfs, over libarchive.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace vnuma::lab {

// A file's bytes. Throws std::runtime_error.
std::string read_bytes(const std::filesystem::path& file);

// A file's content, uncompressed if libarchive knows its compression. Throws std::runtime_error.
std::string read_compressed(const std::filesystem::path& file);

// The same for bytes; `name` is for errors.
std::string uncompress(std::string_view bytes, const std::string& name);

struct InitramfsFile {
    std::string path;  // relative, e.g. "bin/busybox"; missing directories are made
    std::string content;
};

// Writes a cpio archive in the kernel's "newc" format; every file is executable.
void write_initramfs(const std::filesystem::path& archive, const std::vector<InitramfsFile>& files);

}  // namespace vnuma::lab
