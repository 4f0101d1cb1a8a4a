// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target over the files of the folders given, with any compiler:
//
//   replay_frame corpus/frame
//
// A broken law aborts, after the file's name was printed. A folder without files is an error,
// because a replay of nothing cannot fail.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  in.exceptions(std::ios::badbit | std::ios::failbit);
  return {std::istreambuf_iterator<char>(in), {}};
}

void replay(const fs::path& file) {
  std::cerr << file.string() << std::endl;  // flushed: the next line may abort
  const std::string content = content_of(file);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::cerr << "name the folders that hold the seeds\n";
    return 2;
  }
  for (int i = 1; i < argc; ++i) {
    const auto files = files_of(argv[i]);
    if (files.empty()) {
      std::cerr << argv[i] << " holds no seeds\n";
      return 2;
    }
    for (const auto& file : files) replay(file);
    std::cout << files.size() << " seeds of " << argv[i] << " hold\n";
  }
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 2;
}
