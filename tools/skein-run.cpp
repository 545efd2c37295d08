// Runs a file of IR, or a program of JAX (StableHLO): skein-run program.mlir --args a.npy b.npy [--out folder] [--interpret] [--time N]
// or prints its kernels for a GPU: skein-run program.mlir --ptx sm_90
//
// Meshes stand in the program (skein.shard_map). Results are written to folder/0.npy... or printed in short.
#include <skein/base/error.h>
#include <skein/base/shape.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "compiler/interp/interpreter.h"
#include "dialects/skein/types.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/MemoryBuffer.h"
#include "mlir/Parser/Parser.h"
#include "tools/npy_file.h"

#ifdef SKEIN_HAS_COMPILER
#include "compiler/compile.h"
#include "compiler/import/stablehlo.h"
#include "runtime/device.h"
#include "runtime/executable.h"
#endif

using namespace skein;
using compiler::HostArray;

static const char* const usage =
    "usage: skein-run program.mlir [--args a.npy b.npy...] [--out folder] [--interpret] [--time N] [--ptx ARCH]\n"
    "  --args       the inputs of func @main\n"
    "  --out        writes 0.npy, 1.npy... into the folder\n"
    "  --interpret  uses the reference interpreter\n"
    "  --time       runs N times more and prints the least time\n"
    "  --ptx        prints the kernels for GPUs of an architecture (sm_80, sm_90, sm_100), and runs nothing\n";

static std::string file, folder, architecture;
static std::vector<std::string> arguments;
static bool interpreted = false;
static int repeats = 0;

/// Reads the command line; false where it makes no sense.
static bool readCommand(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    bool more = i + 1 < argc;
    if (word == "--interpret")
      interpreted = true;
    else if (word == "--out" && more)
      folder = argv[++i];
    else if (word == "--ptx" && more)
      architecture = argv[++i];
    else if (word == "--time" && more)
      repeats = std::atoi(argv[++i]);
    else if (word == "--args")
      while (i + 1 < argc && argv[i + 1][0] != '-') arguments.push_back(argv[++i]);
    else if (file.empty() && word[0] != '-')
      file = word;
    else
      return false;
  }
  return !file.empty();
}

#ifdef SKEIN_HAS_COMPILER
static std::unique_ptr<mlir::MLIRContext> makeContext() { return compiler::makeContext(); }

static std::vector<HostArray> runCompiled(mlir::ModuleOp module, std::vector<HostArray> inputs) {
  auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
  if (!main) throw UserError("the module has no function main", "skein-run");
  if (main.getNumArguments() != inputs.size())
    throw UserError(
        "main takes " + std::to_string(main.getNumArguments()) + " arrays, not " + std::to_string(inputs.size()),
        "skein-run");
  for (auto [argument, input] : llvm::zip_equal(main.getArguments(), inputs)) {
    auto type = ir::arrayType(argument);
    if (ir::dtypeOf(type.getElementType()) != input.dtype || type.getShape() != llvm::ArrayRef(input.shape))
      throw UserError("argument " + std::to_string(argument.getArgNumber()) + " of main is " + ir::describe(type) +
                          ", the file holds " + std::string(name(input.dtype)) + to_string(Shape(input.shape)),
                      "skein-run");
  }
  std::vector<HostArray> results;
  for (mlir::Type type : main.getResultTypes())
    results.push_back(
        HostArray::zeros(*ir::dtypeOf(ir::arrayType(type).getElementType()), ir::arrayType(type).getShape().vec()));
  auto program = compiler::compile(module, {.donated = {}, .gpu = runtime::gpu_architecture(), .emulated = runtime::platform() == runtime::Platform::emulated});
  std::vector<void*> buffers;
  std::vector<std::size_t> sizes;
  for (auto* arrays : {&inputs, &results})
    for (HostArray& array : *arrays) buffers.push_back(array.data.data()), sizes.push_back(array.data.size());
  runtime::run_from_host(program->executable, buffers, sizes);
  double least = 0;
  for (int i = 0; i < repeats; ++i) {
    auto start = std::chrono::steady_clock::now();
    runtime::run_from_host(program->executable, buffers, sizes);
    double time = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
    least = i ? std::min(least, time) : time;
  }
  if (repeats > 0) std::printf("least of %d runs: %.2f us\n", repeats, least);
  return results;
}

static mlir::OwningOpRef<mlir::ModuleOp> readProgram(mlir::MLIRContext& context) {
  if (auto text = llvm::MemoryBuffer::getFile(file)) {
    llvm::StringRef all = (*text)->getBuffer();
    bool from_jax = all.contains("stablehlo.") || all.contains("builtin.module\"");
    if (from_jax) return compiler::importStablehlo(all, file, context);
  }
  return mlir::parseSourceFile<mlir::ModuleOp>(file, mlir::ParserConfig(&context));
}

static std::string printKernels(mlir::ModuleOp module) { return compiler::kernelsAsPtx(module, architecture); }
#else
static std::unique_ptr<mlir::MLIRContext> makeContext() {
  auto context = std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
  context->loadDialect<ir::SkeinDialect, mlir::func::FuncDialect>();
  return context;
}
static std::vector<HostArray> runCompiled(mlir::ModuleOp, std::vector<HostArray>) {
  throw UserError("this skein-run has no compiler: pass --interpret", "skein-run");
}
static mlir::OwningOpRef<mlir::ModuleOp> readProgram(mlir::MLIRContext& context) {
  return mlir::parseSourceFile<mlir::ModuleOp>(file, mlir::ParserConfig(&context));
}
static std::string printKernels(mlir::ModuleOp) { throw UserError("this skein-run has no compiler", "skein-run"); }
#endif

static void report(std::size_t i, const HostArray& result) {
  std::string label = "result" + std::to_string(i);
  std::printf("%s: %s%s", label.c_str(), std::string(name(result.dtype)).c_str(),
              to_string(Shape(result.shape)).c_str());
  if (!folder.empty()) {
    std::filesystem::path path = std::filesystem::path(folder) / (std::to_string(i) + ".npy");
    tools::writeNpy(path.string(), result);
    std::printf(" -> %s", path.string().c_str());
  }
  std::printf("\n");
}

int main(int argc, char** argv) {
  if (!readCommand(argc, argv)) {
    std::cerr << usage;
    return 2;
  }
  try {
    auto context = makeContext();
    auto module = readProgram(*context);
    if (!module) return 1;  // the parser has said why
    if (!architecture.empty()) {
      std::cout << printKernels(*module);
      return 0;
    }
    std::vector<HostArray> inputs;
    for (const std::string& path : arguments) inputs.push_back(tools::readNpy(path));
    if (!folder.empty()) std::filesystem::create_directories(folder);
    std::vector<HostArray> results =
        interpreted ? compiler::interpret(*module, inputs) : runCompiled(*module, std::move(inputs));
    for (std::size_t i = 0; i < results.size(); ++i) report(i, results[i]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
