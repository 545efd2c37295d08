// Compiled programs against the interpreter, on generated programs.
//
// SKEIN_DIFFERENTIAL_COUNT: how many (1500). SKEIN_DIFFERENTIAL_BASE: the first seed. SKEIN_DIFFERENTIAL_SEED: this one
// alone, printed. SKEIN_DIFFERENTIAL_FAILURES: how many to shrink before it ends (3). SKEIN_DIFFERENTIAL_INTERPRET: no
// compiler, to test the generator.
#include <gtest/gtest.h>
#include <skein/base/error.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "compiler/compile.h"
#include "compiler/interp/number.h"
#include "dialects/skein/types.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/device.h"
#include "tests/differential/child.h"
#include "tests/differential/generate.h"
#include "tests/differential/perturb.h"
#include "tests/differential/shrink.h"

namespace skein::compiler::test {

using Arrays = std::vector<HostArray>;

static constexpr int perturbedRuns = 4;

static Arrays runCompiled(mlir::ModuleOp module, Arrays inputs) {
  mlir::OwningOpRef<mlir::ModuleOp> copy = module.clone();
  Arrays outputs;
  for (mlir::Type type : module.lookupSymbol<mlir::func::FuncOp>("main").getResultTypes())
    outputs.push_back(
        HostArray::zeros(*ir::dtypeOf(ir::arrayType(type).getElementType()), ir::arrayType(type).getShape().vec()));
  auto program = compile(*copy, {.donated = {}, .gpu = runtime::gpu_architecture(), .emulated = runtime::platform() == runtime::Platform::emulated});
  std::vector<void*> buffers;
  std::vector<std::size_t> sizes;
  for (Arrays* arrays : {&inputs, &outputs})
    for (HostArray& array : *arrays) {
      // What is not written shows, and so does what is read beyond: buffers start with garbage and have nothing after
      // them.
      if (arrays == &outputs) std::fill(array.data.begin(), array.data.end(), std::byte(0xa5));
      buffers.push_back(array.data.data());
      sizes.push_back(array.data.size());
    }
  runtime::run_from_host(program->executable, buffers, sizes);
  return outputs;
}

/// What the program gives, and how far each element may be moved by rounding; a negative distance: not comparable.
struct Reference {
  Arrays values;
  std::vector<std::vector<double>> tolerances;
};

static double distance(interp::Complex a, interp::Complex b) {
  auto part = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)) ? 0.0 : std::fabs(x - y); };
  double re = part(a.real(), b.real()), im = part(a.imag(), b.imag());
  return std::isfinite(re) && std::isfinite(im) ? std::hypot(re, im) : HUGE_VAL;
}

/// The distance between two elements; of 64-bit integers too.
static double distanceAt(const HostArray& a, const HostArray& b, std::int64_t i) {
  if (interp::isIntegerOrBool(a.dtype)) return interp::loadInteger(a, i) == interp::loadInteger(b, i) ? 0 : 1;
  return distance(interp::loadComplex(a, i), interp::loadComplex(b, i));
}

static Reference interpretWithTolerances(mlir::ModuleOp module, const Arrays& inputs) {
  Reference reference;
  reference.values = interpret(module, inputs, {.checkVarying = true});
  for (const HostArray& array : reference.values) reference.tolerances.emplace_back(array.volume(), 0.0);
  for (int run = 1; run <= perturbedRuns; ++run) {
    InterpretOptions options;
    options.observe = [run](mlir::Operation* op, llvm::ArrayRef<const HostArray*> operands,
                            llvm::MutableArrayRef<HostArray> results) { perturb(run, op, operands, results); };
    Arrays moved = interpret(module, inputs, options);
    for (std::size_t k = 0; k < moved.size(); ++k)
      for (std::int64_t i = 0; i < moved[k].volume(); ++i) {
        double& tolerance = reference.tolerances[k][i];
        double moves = distanceAt(moved[k], reference.values[k], i);
        // An integer that rounding decides, or a number that becomes infinite, tells nothing.
        bool lost = moves == HUGE_VAL || (moves > 0 && interp::isIntegerOrBool(moved[k].dtype));
        if (tolerance >= 0) tolerance = lost ? -1 : std::max(tolerance, moves);
      }
  }
  return reference;
}

static Report compare(const Reference& reference, const Arrays& got) {
  Report result;
  for (std::size_t k = 0; k < got.size(); ++k) {
    const HostArray& want = reference.values[k];
    for (std::int64_t i = 0; i < want.volume(); ++i) {
      ++result.elements;
      double tolerance = reference.tolerances[k][i];
      if (tolerance < 0) continue;
      if (is_complex(want.dtype) && !std::isfinite(std::abs(interp::loadComplex(want, i))))
        continue;  // Annex G is no law here
      ++result.compared;
      double moves = distanceAt(got[k], want, i);
      // The spread of a few runs is less than the greatest possible.
      // A product that goes into a sum may round once instead of twice: among subnormal numbers that is whole units.
      double units = want.dtype == DType::float64 || want.dtype == DType::complex128 ? 64 * 4.94e-324 : 64 * 1.4e-45;
      double allowed = interp::isIntegerOrBool(want.dtype) ? 0 : 8 * tolerance + units;
      if (moves <= allowed) continue;
      if (result.message.empty()) {
        char text[300];
        auto a = interp::loadComplex(got[k], i), b = interp::loadComplex(want, i);
        std::snprintf(text, sizeof text,
                      "result %zu, element %lld: compiled %.17g%+.17gj, interpreted %.17g%+.17gj, allowed %.3g", k,
                      static_cast<long long>(i), a.real(), a.imag(), b.real(), b.imag(), allowed);
        result.message = text;
      }
    }
  }
  return result;
}

/// Compiles and runs the program, and says how it differs.
static Report check(mlir::ModuleOp module, const Arrays& inputs) {
  Reference reference = interpretWithTolerances(module, inputs);
  if (std::getenv("SKEIN_DIFFERENTIAL_INTERPRET")) return compare(reference, reference.values);
  try {
    return compare(reference, runCompiled(module, inputs));
  } catch (const std::exception& error) {
    return {.message = std::string("compiling or running fails: ") + error.what()};
  }
}

static std::uint64_t fromEnvironment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// Compiles and runs in a child.
static Report checkInChild(mlir::ModuleOp module, const Arrays& inputs) {
  Child child(0, 1, [&](std::uint64_t) {
    try {
      return check(module, inputs);
    } catch (const std::exception&) {
      return Report{};  // the interpreter refuses it: another program
    }
  });
  return *child.next(20);
}

/// A program that fails in another way is another finding: an endless loop, say, made by shrinking.
static std::string kindOf(const std::string& message) { return message.substr(0, message.find(' ')); }

static void reportFailure(const Report& report) {
  std::printf("SKEIN_DIFFERENTIAL_SEED=%llu: %s; shrinking\n", static_cast<unsigned long long>(report.seed),
              report.message.c_str());
  std::fflush(stdout);
  auto context = makeContext();
  RandomProgram program = generate(*context, report.seed);
  auto small = shrink(
      *program.module,
      [&](mlir::ModuleOp module) {
        return kindOf(checkInChild(module, program.inputs).message) == kindOf(report.message);
      },
      40);
  std::string text;
  llvm::raw_string_ostream stream(text);
  small->print(stream);
  ADD_FAILURE() << "SKEIN_DIFFERENTIAL_SEED=" << report.seed << ": " << checkInChild(*small, program.inputs).message
                << "\n"
                << text;
}

TEST(Generator, DrawsEveryOp) {
  std::set<std::string> drawn = {"skein.print", "skein.kernel", "skein.custom_jvp", "skein.custom_vjp"};  // print would be seen, kernels are the compiler's, custom ones their bodies
  auto context = makeContext();
  for (std::uint64_t seed = 1; seed <= 400; ++seed)
    generate(*context, seed).module->walk([&](mlir::Operation* op) {
      drawn.insert(op->getName().getStringRef().str());
    });
  for (mlir::RegisteredOperationName name : context->getRegisteredOperations())
    if (name.getDialectNamespace() == "skein")
      EXPECT_TRUE(drawn.contains(name.getStringRef().str())) << name.getStringRef().str();
}

TEST(Differential, CompiledProgramsDoWhatTheInterpreterDoes) {
  bool one = std::getenv("SKEIN_DIFFERENTIAL_SEED");
  std::uint64_t base = fromEnvironment("SKEIN_DIFFERENTIAL_SEED", fromEnvironment("SKEIN_DIFFERENTIAL_BASE", 1));
  std::uint64_t end = base + (one ? 1 : fromEnvironment("SKEIN_DIFFERENTIAL_COUNT", 1500));
  std::uint64_t mostFailures = fromEnvironment("SKEIN_DIFFERENTIAL_FAILURES", 3);
  std::printf("seeds from %llu, %llu programs\n", static_cast<unsigned long long>(base),
              static_cast<unsigned long long>(end - base));
  auto work = [&](std::uint64_t seed) {
    auto context = makeContext();  // what one program leaves behind does not reach the next
    RandomProgram program = generate(*context, seed);
    if (one) program.module->print(llvm::errs());
    return check(*program.module, program.inputs);
  };
  std::int64_t elements = 0, compared = 0;
  std::uint64_t failures = 0;
  auto last = std::chrono::steady_clock::now();
  for (std::uint64_t seed = base; seed < end && failures < mostFailures;) {
    Child child(seed, end, work);
    while (auto report = child.next(120)) {
      seed = report->seed + 1;
      elements += report->elements;
      compared += report->compared;
      if (auto now = std::chrono::steady_clock::now(); now - last > std::chrono::seconds(20)) {
        std::printf("%llu of %llu programs\n", static_cast<unsigned long long>(seed - base),
                    static_cast<unsigned long long>(end - base));
        std::fflush(stdout);
        last = now;
      }
      if (report->message.empty()) continue;
      reportFailure(*report);
      if (++failures == mostFailures) break;
    }
  }
  std::printf("%lld of %lld elements compared\n", static_cast<long long>(compared), static_cast<long long>(elements));
  // Else the generator has become too wild to test anything.
  if (!one && failures == 0) {
    EXPECT_GT(static_cast<double>(compared), 0.7 * static_cast<double>(elements));
  }
}

}  // namespace skein::compiler::test
