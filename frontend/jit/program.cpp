// Programs: from the end of a trace to runs of its machine code.
#include <skein/jit.h>

#include <atomic>
#include <cstring>
#include <mutex>
#include <shared_mutex>

#include "frontend/jit/backend.h"
#include "frontend/trace/region.h"
#include "frontend/trace/split.h"
#include "frontend/trace/trace.h"
#include "llvm/Support/raw_ostream.h"
#include "runtime/cuda/gpu.h"
#include "runtime/mpi/world.h"

namespace skein::detail {

struct ProgramScope::State {
  explicit State(bool embed) : program(embed) {}
  TracedProgram program;
  std::shared_ptr<Frame> frame;
};

/// What an output is: a result of the machine code, an input handed through, or an array that the function closed over.
struct OutputPlan {
  enum class Kind : std::uint8_t { result, input, constant } kind = Kind::result;
  int index = 0;      // of the result or input
  bool first = true;  // of those that are this result
  Array constant;
  DType dtype = float32;
  bool weak = false;
  Shape shape;
  std::shared_ptr<const NamedSharding> sharding;
};

class CompiledProgram {
 public:
  struct Input {
    DType dtype;
    bool weak;
    Shape shape;
    std::shared_ptr<const NamedSharding> split;  // over processes; null: whole
  };
  std::vector<Input> inputs;
  std::vector<Array> captured;
  std::vector<OutputPlan> outputs;
  std::vector<int> first_output;           // of each result
  std::shared_ptr<const Backend> backend;  // none where there is nothing to run
  // Of several processes: the program's text where it runs on a mesh, and whether all have been seen to run the same.
  std::string text;
  std::uint64_t fingerprint = 0;
  mutable std::atomic<bool> agreed{false};
};

ProgramScope::ProgramScope(std::span<const Array* const> inputs, bool embed) : state_(std::make_unique<State>(embed)) {
  TracedProgram& program = state_->program;
  for (const Array* input : inputs) {
    check_concrete(*input);
    program.inputs.push_back(*input);
  }
  mlir::Block& entry = program.main.front();
  mlir::MLIRContext* context = program.context.get();
  for (const Array& input : program.inputs)
    entry.addArgument(ir::makeType(input.shape(), ir::elementType(context, input.dtype()), {}), user_location(context));
  state_->frame = std::make_shared<Frame>(program, &entry);
  frames().push_back(state_->frame);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    arguments_.push_back(wrap(entry.getArgument(static_cast<unsigned>(i)), program.inputs[i].impl()->weak));
  inherit_split(arguments_, program.inputs);
}

ProgramScope::~ProgramScope() {
  if (!state_->frame->alive) return;
  state_->frame->alive = false;
  frames().pop_back();
}

ProgramPtr ProgramScope::finish(std::span<const Array* const> outputs, const std::vector<int>& donated) {
  TracedProgram& traced = state_->program;
  auto compiled = std::make_shared<CompiledProgram>();
  for (const Array& input : traced.inputs)
    compiled->inputs.push_back({input.impl()->dtype, input.impl()->weak, input.impl()->shape, split_of(input)});

  llvm::SmallVector<mlir::Value> results;
  std::unordered_map<void*, int> known;
  std::vector<bool> handed_through(traced.inputs.size(), false);
  for (const Array* output : outputs) {
    ArrayImpl* impl = impl_of(*output);
    OutputPlan plan;
    plan.dtype = impl->dtype, plan.weak = impl->weak, plan.shape = impl->shape;
    if (impl->state != ArrayImpl::State::traced) {
      check_concrete(*output);
      plan.kind = OutputPlan::Kind::constant, plan.constant = *output;
    } else {
      mlir::Value value = value_of(*output);
      auto argument = llvm::dyn_cast<mlir::BlockArgument>(value);
      if (argument && argument.getArgNumber() < traced.inputs.size()) {
        plan.kind = OutputPlan::Kind::input, plan.index = static_cast<int>(argument.getArgNumber());
        handed_through[argument.getArgNumber()] = true;
      } else if (argument) {
        plan.kind = OutputPlan::Kind::constant,
        plan.constant = traced.captured[argument.getArgNumber() - traced.inputs.size()];
      } else {
        auto [entry, fresh] = known.try_emplace(value.getAsOpaquePointer(), static_cast<int>(results.size()));
        plan.index = entry->second, plan.first = fresh;
        if (fresh) {
          results.push_back(value);
          compiled->first_output.push_back(static_cast<int>(compiled->outputs.size()));
        }
        auto placed = traced.shardings.find(value.getAsOpaquePointer());
        if (placed != traced.shardings.end() && llvm::isa_and_nonnull<ir::ShardMapOp>(value.getDefiningOp()))
          plan.sharding = placed->second;
        else
          plan.sharding = split_of(*output);  // of a loop or a branch
      }
    }
    compiled->outputs.push_back(std::move(plan));
  }
  compiled->captured = traced.captured;

  mlir::Block& entry = traced.main.front();
  bool nothing = entry.empty();
  state_->frame->alive = false;
  frames().pop_back();
  if (nothing) return compiled;
  auto& builder = state_->frame->builder;
  mlir::func::ReturnOp::create(builder, user_location(traced.context.get()), results);
  traced.main.setFunctionType(builder.getFunctionType(entry.getArgumentTypes(), mlir::ValueRange(results).getTypes()));
  for (mlir::BlockArgument argument : entry.getArguments())
    if (auto split = split_of(traced, argument)) {
      auto* context = traced.context.get();
      auto specs = llvm::cast<mlir::ArrayAttr>(to_attribute(context, Specs{split->spec()}));
      traced.main.setArgAttr(
          argument.getArgNumber(), "skein.sharding",
          builder.getDictionaryAttr({builder.getNamedAttr("mesh", axes_attribute(context, axes_of(split->mesh()))),
                                     builder.getNamedAttr("spec", specs[0])}));
    }

  if (runtime::mpi::world()) {
    bool on_mesh = false;
    traced.module->walk([&](ir::ShardMapOp) { on_mesh = true; });
    if (on_mesh) {
      llvm::raw_string_ostream out(compiled->text);
      traced.module->print(out);
      compiled->fingerprint = std::hash<std::string>()(compiled->text) | 1;
    }
  }
  std::vector<int> reusable;
  for (int input : donated)
    if (!handed_through[static_cast<std::size_t>(input)]) reusable.push_back(input);
  try {
    compiled->backend = make_backend(*traced.module, reusable, !traced.embed);
  } catch (const RuntimeError& error) {
    rethrow_at_call(error);
  }
  return compiled;
}

bool accepts(const CompiledProgram& program, std::span<const Array* const> inputs) noexcept {
  if (inputs.size() != program.inputs.size()) return false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const ArrayImpl& have = *inputs[i]->impl();
    const CompiledProgram::Input& want = program.inputs[i];
    if (have.dtype != want.dtype || have.weak != want.weak || !(have.shape == want.shape)) return false;
    if (!have.stored.empty() || want.split)
      if (have.stored.empty() || !want.split || !same_placement(*have.sharding, *want.split)) return false;
  }
  return true;
}

std::size_t hash_types(std::span<const Array* const> inputs) noexcept {
  std::size_t hash = inputs.size();
  for (const Array* input : inputs) {
    const ArrayImpl& impl = *input->impl();
    mix(hash, static_cast<std::size_t>(impl.dtype) * 4 + 2 * impl.stored.empty() + impl.weak);
    for (std::int64_t dim : impl.shape) mix(hash, static_cast<std::size_t>(dim));
  }
  return hash;
}

/// The memory of a donated input for a result: its own if nobody else has it, else a copy.
static void take_over_on_gpu(ArrayImpl& result, const Array& input) {
  void* data = device_data(input);
  if (input.impl()->device.unique()) {
    result.device = std::move(input.impl()->device);
  } else {
    result.device = runtime::cuda::allocate(static_cast<std::size_t>(result.bytes()));
    runtime::cuda::Gpu::of(0).copy(result.device.data(), data, static_cast<std::size_t>(result.bytes()));
  }
}
static void take_over(ArrayImpl& result, ArrayImpl& input) {
  if (input.buffer.unique() && input.data == input.buffer.data()) {
    result.buffer = std::move(input.buffer);
    result.data = result.buffer.data();
  } else {
    std::memcpy(result.data, input.data, static_cast<std::size_t>(input.bytes()));
  }
}

void execute(const CompiledProgram& program, std::span<const Array* const> inputs, std::span<Array* const> outputs) {
  constexpr std::size_t few = 24;
  std::size_t first_result = inputs.size() + program.captured.size(),
              count = first_result + program.first_output.size();
  void* some[few];
  std::vector<void*> many;
  if (count > few) many.resize(count);
  void** buffers = count > few ? many.data() : some;

  const bool on_gpus = program.backend && program.backend->on_gpus();
  auto elements = [&](const Array& array) { return on_gpus ? device_data(array) : stored_data(array); };
  for (std::size_t i = 0; i < inputs.size(); ++i) buffers[i] = elements(*inputs[i]);
  for (std::size_t i = 0; i < program.captured.size(); ++i) buffers[inputs.size() + i] = elements(program.captured[i]);
  if (program.fingerprint) {  // before anything is given away
    const auto where = current_location();
    const std::string call =
        std::string(current_op()) + " at " + where.file_name() + ":" + std::to_string(where.line());
    if (!program.agreed.load()) agree_on_program(program.text, program.fingerprint, call);
    program.agreed = true;
    runtime::mpi::world()->set_program(program.fingerprint, call);
  }
  // Made apart from `outputs`, which may be the places of captured inputs, and stay as they are should the run fail.
  Array made_few[few];
  std::vector<Array> made_many;
  if (program.outputs.size() > few) made_many.resize(program.outputs.size());
  Array* made = program.outputs.size() > few ? made_many.data() : made_few;
  for (std::size_t k = 0; k < program.first_output.size(); ++k) {
    auto output = static_cast<std::size_t>(program.first_output[k]);
    const OutputPlan& plan = program.outputs[output];
    int alias = program.backend->alias(static_cast<int>(k));
    ArrayImpl* donor = alias >= 0 && alias < static_cast<int>(inputs.size())
                           ? inputs[static_cast<std::size_t>(alias)]->impl()
                           : nullptr;
    ArrayImpl* impl;
    if (on_gpus && donor) {
      impl = new ArrayImpl;
      impl->dtype = plan.dtype, impl->shape = plan.shape, impl->sharding = plan.sharding, impl->stored = donor->stored;
    } else if (on_gpus) {
      impl = make_on_device(plan.dtype, plan.shape, plan.sharding);
    } else if (donor && donor->buffer.unique() && donor->data == donor->buffer.data()) {
      impl = new ArrayImpl;
      impl->dtype = plan.dtype, impl->shape = plan.shape, impl->sharding = plan.sharding, impl->stored = donor->stored;
    } else {
      impl = make_concrete(plan.dtype, plan.shape, plan.sharding);
    }
    made[output] = Array(impl);
    if (donor && on_gpus)
      take_over_on_gpu(*impl, *inputs[static_cast<std::size_t>(alias)]);
    else if (donor)
      take_over(*impl, *donor);
    void* place = on_gpus ? impl->device.data() : impl->data;
    if (donor) buffers[alias] = place;
    impl->weak = plan.weak;
    buffers[first_result + k] = place;
    if (donor) donor->state = ArrayImpl::State::donated;
  }
  try {
    if (program.backend) program.backend->run({buffers, count});
  } catch (const RuntimeError& error) {
    rethrow_at_call(error);
  }

  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const OutputPlan& plan = program.outputs[i];
    if (plan.kind == OutputPlan::Kind::result) {
      Array result = plan.first ? std::move(made[i]) : Array();
      if (!plan.first) {
        // The same value once more: another handle of the same memory.
        const ArrayImpl& same =
            *outputs[static_cast<std::size_t>(program.first_output[static_cast<std::size_t>(plan.index)])]->impl();
        auto* impl = new ArrayImpl;
        impl->dtype = plan.dtype, impl->weak = plan.weak, impl->shape = plan.shape, impl->sharding = plan.sharding,
        impl->stored = same.stored;
        share_elements(*impl, same);
        result = Array(impl);
      }
      *outputs[i] = std::move(result);
    } else if (plan.kind == OutputPlan::Kind::input) {
      *outputs[i] = with_weak(*inputs[static_cast<std::size_t>(plan.index)], plan.weak);
    } else {
      *outputs[i] = plan.constant;
    }
  }
}

std::string program_text(const CompiledProgram& program) {
  return program.backend ? program.backend->text() : "// every result is an input or a constant\n";
}
std::string program_cost(const CompiledProgram& program) { return program.backend ? program.backend->cost() : "{}"; }
std::string program_memory(const CompiledProgram& program) {
  return program.backend ? program.backend->memory() : "{}";
}

// ---- jit's table ----

SpecTable::Entry::~Entry() = default;
struct SpecTable::State {
  std::mutex mutex;
  std::unordered_multimap<std::size_t, std::unique_ptr<const Entry>> entries;

  const Entry* look(std::size_t hash, std::span<const Array* const> leaves, Matches matches, const void* arguments) {
    auto [first, end] = entries.equal_range(hash);
    for (; first != end; ++first)
      if (accepts(*first->second->program, leaves) && matches(*first->second, arguments)) return first->second.get();
    return nullptr;
  }
};
SpecTable::SpecTable() : state_(std::make_unique<State>()) {}
SpecTable::~SpecTable() = default;

const SpecTable::Entry* SpecTable::find(std::size_t hash, std::span<const Array* const> leaves, Matches matches,
                                        const void* arguments) {
  std::lock_guard lock(state_->mutex);
  const Entry* found = state_->look(hash, leaves, matches, arguments);
  if (found) last_.store(found, std::memory_order_release);
  return found;
}

const SpecTable::Entry* SpecTable::add(std::size_t hash, std::span<const Array* const> leaves, Matches matches,
                                       const void* arguments, std::unique_ptr<Entry> entry) {
  std::lock_guard lock(state_->mutex);
  const Entry* found = state_->look(hash, leaves, matches, arguments);
  if (!found) found = state_->entries.emplace(hash, std::move(entry))->second.get();
  last_.store(found, std::memory_order_release);
  return found;
}

std::vector<int> donated_leaves(const JitOptions& options, const std::vector<int>& leaf_counts) {
  auto count = static_cast<int>(leaf_counts.size());
  for (int argument : options.static_argnums) {
    if (argument < 0 || argument >= count)
      fail("static_argnums names argument " + std::to_string(argument) + "; the function takes " +
           std::to_string(count));
    if (leaf_counts[static_cast<std::size_t>(argument)])
      fail("static_argnums names argument " + std::to_string(argument) +
           ", which holds arrays; only a value without arrays can be static");
  }
  std::vector<int> donated;
  for (int argument : options.donate_argnums) {
    if (argument < 0 || argument >= count)
      fail("donate_argnums names argument " + std::to_string(argument) + "; the function takes " +
           std::to_string(count));
    int first = 0;
    for (int i = 0; i < argument; ++i) first += leaf_counts[static_cast<std::size_t>(i)];
    for (int i = 0; i < leaf_counts[static_cast<std::size_t>(argument)]; ++i) donated.push_back(first + i);
  }
  return donated;
}

// ---- eager calls ----

namespace {
struct EagerCache {
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  static constexpr std::size_t limit = 2048;
  std::shared_mutex mutex;
  std::unordered_map<std::string, ProgramPtr, Hash, std::equal_to<>> programs;
};
}  // namespace

std::vector<Array> staged_all(const char* name, std::span<const Array> operands, const Key& key, const Builder& build) {
  if (tracing()) return build(operands);
  for (const Array& operand : operands) check_whole(operand);
  static auto* cache = new EagerCache;  // not destroyed: static Arrays of the user's may outlive it
  PointerList<const Array> inputs;
  thread_local std::string text;
  text.assign(name);
  text.push_back('\0');
  text.append(key.bytes());
  for (const Array& operand : operands) {
    const ArrayImpl& impl = *impl_of(operand);
    inputs.push_back(&operand);
    text.push_back(static_cast<char>(static_cast<int>(impl.dtype) * 2 + impl.weak));
    text.push_back(static_cast<char>(impl.shape.size()));
    text.append(reinterpret_cast<const char*>(impl.shape.data()), impl.shape.size() * sizeof(std::int64_t));
  }
  ProgramPtr program;
  {
    std::shared_lock lock(cache->mutex);
    if (auto found = cache->programs.find(std::string_view(text)); found != cache->programs.end())
      program = found->second;
  }
  if (!program) {
    std::string mine = text;  // the builder may come here again
    ProgramScope scope(inputs.span(), true);
    std::vector<Array> results = build(scope.arguments());
    PointerList<const Array> outputs;
    for (const Array& result : results) outputs.push_back(&result);
    program = scope.finish(outputs.span(), {});
    std::unique_lock lock(cache->mutex);
    if (cache->programs.size() >= EagerCache::limit) cache->programs.clear();
    cache->programs.emplace(std::move(mine), program);
  }
  std::vector<Array> results(program->outputs.size());
  PointerList<Array> places;
  for (Array& result : results) places.push_back(&result);
  execute(*program, inputs.span(), places.span());
  return results;
}

}  // namespace skein::detail
