// Contractions become matrix products that a BLAS takes, or products and sums that fuse with what is around them.
#include "compiler/codegen/access.h"
#include "compiler/transforms/transforms.h"
#include "dialects/skein/typing.h"
#include "skein/base/error.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

namespace {

using Dims = llvm::SmallVector<int64_t>;

Dims freeDims(RankedTensorType type, llvm::ArrayRef<int64_t> batch, llvm::ArrayRef<int64_t> contract) {
  Dims free;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (!llvm::is_contained(batch, d) && !llvm::is_contained(contract, d)) free.push_back(d);
  return free;
}

Dims sizesOf(RankedTensorType type, llvm::ArrayRef<int64_t> dims) {
  Dims sizes;
  for (int64_t d : dims) sizes.push_back(type.getDimSize(d));
  return sizes;
}

Dims joined(std::initializer_list<llvm::ArrayRef<int64_t>> lists) {
  Dims all;
  for (auto list : lists) llvm::append_range(all, list);
  return all;
}

bool inOrder(llvm::ArrayRef<int64_t> dims) {
  for (auto [i, d] : llvm::enumerate(dims))
    if (static_cast<int64_t>(i) != d) return false;
  return true;
}

Value convert(Builder& b, Value v, Type element) {
  if (arrayType(v).getElementType() == element) return v;
  return ir::ConvertOp::create(b, v, TypeAttr::get(element));
}

/// sum over k of lhs[.., m, 1, k] * rhs[.., 1, n, k]
Value productsAndSums(Builder& b, ir::DotGeneralOp op, Value lhs, Value rhs, bool isBool) {
  auto left = arrayType(lhs), right = arrayType(rhs);
  Dims m = freeDims(left, op.getLhsBatch(), op.getLhsContract()), n = freeDims(right, op.getRhsBatch(), op.getRhsContract());
  Dims full = joined({sizesOf(left, op.getLhsBatch()), sizesOf(left, m), sizesOf(right, n), sizesOf(left, op.getLhsContract())});
  auto spread = [&](Value v, llvm::ArrayRef<int64_t> order, size_t skipAt, size_t skip) {
    Value moved = inOrder(order) ? v : Value(ir::TransposeOp::create(b, v, order));
    Dims dims;
    for (size_t i = 0; i < order.size(); ++i) dims.push_back(i < skipAt ? i : i + skip);
    return Value(ir::BroadcastOp::create(b, moved, full, dims));
  };
  size_t batch = op.getLhsBatch().size();
  Value x = spread(lhs, joined({op.getLhsBatch(), m, op.getLhsContract()}), batch + m.size(), n.size());
  Value y = spread(rhs, joined({op.getRhsBatch(), n, op.getRhsContract()}), batch, m.size());
  Value products = ir::MulOp::create(b, x, y);
  Dims reduced;
  for (size_t d = full.size() - op.getLhsContract().size(); d < full.size(); ++d) reduced.push_back(d);
  if (isBool) return ir::ReduceOrOp::create(b, products, reduced);
  return ir::ReduceSumOp::create(b, products, reduced);
}

/// One side as [batch, rows, columns]: rows are free and columns contracted, or the other way where it lies so already.
Value asMatrix(Builder& b, Value v, llvm::ArrayRef<int64_t> batch, llvm::ArrayRef<int64_t> free, llvm::ArrayRef<int64_t> contract, bool freeFirst, bool& swapped) {
  auto type = arrayType(v);
  Dims plain = freeFirst ? joined({batch, free, contract}) : joined({batch, contract, free});
  Dims other = freeFirst ? joined({batch, contract, free}) : joined({batch, free, contract});
  swapped = !inOrder(plain) && inOrder(other);
  if (!swapped && !inOrder(plain)) v = ir::TransposeOp::create(b, v, plain);
  int64_t rows = volume(sizesOf(type, freeFirst ? free : contract)), columns = volume(sizesOf(type, freeFirst ? contract : free));
  if (swapped) std::swap(rows, columns);
  Dims shape;
  if (!batch.empty()) shape.push_back(volume(sizesOf(type, batch)));
  shape.push_back(rows);
  shape.push_back(columns);
  return ir::ReshapeOp::create(b, v, shape);
}

/// The same contraction of what a transpose was made of: BLAS reads matrices either way.
ir::DotGeneralOp throughTransposes(ir::DotGeneralOp op) {
  Builder b(op.getLoc(), op);
  auto through = [](Value v, Dims& batch, Dims& contract) {
    auto transpose = v.getDefiningOp<ir::TransposeOp>();
    // Several free dimensions might change their order.
    if (!transpose || arrayType(v).getRank() - static_cast<int64_t>(batch.size() + contract.size()) > 1) return v;
    for (Dims* dims : {&batch, &contract})
      for (int64_t& d : *dims) d = transpose.getPermutation()[d];
    return Value(transpose.getOperand());
  };
  Dims leftBatch(op.getLhsBatch()), leftContract(op.getLhsContract()), rightBatch(op.getRhsBatch()), rightContract(op.getRhsContract());
  Value left = through(op.getLhs(), leftBatch, leftContract), right = through(op.getRhs(), rightBatch, rightContract);
  if (left == op.getLhs() && right == op.getRhs()) return op;
  auto made = ir::DotGeneralOp::create(b, left, right, leftBatch, rightBatch, leftContract, rightContract);
  op.getResult().replaceAllUsesWith(made.getResult());
  op.erase();
  return made;
}

void lower(ir::DotGeneralOp op) {
  // Below, calling a library costs more than the product.
  constexpr int64_t kSmall = 32 * 32 * 32;
  Builder b(op.getLoc(), op);
  auto left = arrayType(op.getLhs()), right = arrayType(op.getRhs());
  Type element = left.getElementType();
  Dims m = freeDims(left, op.getLhsBatch(), op.getLhsContract()), n = freeDims(right, op.getRhsBatch(), op.getRhsContract());
  int64_t rows = volume(sizesOf(left, m)), columns = volume(sizesOf(right, n)), depth = volume(sizesOf(left, op.getLhsContract()));
  bool library = element.isF32() || element.isF64() || llvm::isa<ComplexType>(element);
  bool narrow = element.isF16() || element.isBF16();
  Value lhs = op.getLhs(), rhs = op.getRhs(), result;
  if (narrow) lhs = convert(b, lhs, b.getF32Type()), rhs = convert(b, rhs, b.getF32Type());
  if (!(library || narrow) || rows == 1 || columns == 1 || depth <= 4 || rows * columns * depth <= kSmall) {
    result = productsAndSums(b, op, lhs, rhs, element.isInteger(1));
  } else {
    bool swapA, swapB;
    Value a = asMatrix(b, lhs, op.getLhsBatch(), m, op.getLhsContract(), true, swapA);
    Value c = asMatrix(b, rhs, op.getRhsBatch(), n, op.getRhsContract(), false, swapB);
    bool batched = !op.getLhsBatch().empty();
    int64_t first = batched ? 1 : 0;
    Dims batch = batched ? Dims{0} : Dims{};
    result = ir::DotGeneralOp::create(b, a, c, batch, batch, Dims{swapA ? first : first + 1}, Dims{swapB ? first + 1 : first});
    result.getDefiningOp()->setAttr("matrix", b.getUnitAttr());
    result = ir::ReshapeOp::create(b, result, arrayType(op.getResult()).getShape());
  }
  op.getResult().replaceAllUsesWith(convert(b, result, element));
  op.erase();
}

/// The order that moves dimension `from` to the front.
Dims toFront(int64_t rank, int64_t from) {
  Dims order{from};
  for (int64_t d = 0; d < rank; ++d)
    if (d != from) order.push_back(d);
  return order;
}

/// The order that moves the first dimension to place `to`.
Dims fromFront(int64_t rank, int64_t to) {
  Dims order;
  for (int64_t d = 1; d < rank; ++d) order.push_back(d);
  order.insert(order.begin() + to, 0);
  return order;
}

Value transposed(Builder& b, Value v, llvm::ArrayRef<int64_t> order) { return inOrder(order) ? v : Value(ir::TransposeOp::create(b, v, order)); }

/// Dimension `dim` cut in `ranks` blocks, which become the first dimension.
Value blocksFirst(Builder& b, Value v, int64_t dim, int64_t ranks) {
  Dims shape(arrayType(v).getShape());
  shape[dim] /= ranks;
  shape.insert(shape.begin() + dim, ranks);
  Value cut = ir::ReshapeOp::create(b, v, shape);
  return transposed(b, cut, toFront(shape.size(), dim));
}

/// The first dimension as blocks of dimension `dim` of the rest.
Value blocksInto(Builder& b, Value v, int64_t dim) {
  Value moved = transposed(b, v, fromFront(arrayType(v).getRank(), dim));
  Dims shape(arrayType(moved).getShape());
  shape[dim] *= shape[dim + 1];
  shape.erase(shape.begin() + dim + 1);
  return ir::ReshapeOp::create(b, moved, shape);
}

int64_t membersOf(Operation* op) {
  if (auto groups = op->getAttrOfType<mlir::ArrayAttr>("groups")) return llvm::cast<DenseI64ArrayAttr>(groups[0]).size();
  return volume(op->getAttrOfType<ir::AxesAttr>("axes").getSizes());
}

/// Replaces a collective by `make(prepared operands)`, whose results `finish` brings into the old ones' form.
template <class Op>
void rewrite(Op op, llvm::function_ref<Value(Builder&, Value)> prepare, llvm::function_ref<Operation*(Builder&, ValueRange)> make, llvm::function_ref<Value(Builder&, Value)> finish) {
  Builder b(op.getLoc(), op);
  llvm::SmallVector<Value> operands;
  for (Value v : op.getOperands()) operands.push_back(prepare(b, v));
  Operation* made = make(b, operands);
  for (NamedAttribute attribute : op->getDiscardableAttrs())
    if (!made->hasAttr(attribute.getName())) made->setAttr(attribute.getName(), attribute.getValue());
  for (auto [old, value] : llvm::zip(op.getResults(), made->getResults())) old.replaceAllUsesWith(finish(b, value));
  op.erase();
}

}  // namespace

void lowerContractions(func::FuncOp function) {
  llvm::SmallVector<ir::DotGeneralOp> ops;
  function.walk([&](ir::DotGeneralOp op) { ops.push_back(op); });
  for (auto op : ops)
    if (!op->hasAttr("matrix")) lower(throughTransposes(op));
}

void lowerCollectives(func::FuncOp function) {
  llvm::SmallVector<Operation*> ops;
  function.walk([&](Operation* op) {
    if (op->hasTrait<ir::OpTrait::Collective>()) ops.push_back(op);
  });
  for (Operation* any : ops) {
    auto same = [](Builder&, Value v) { return v; };
    if (auto op = llvm::dyn_cast<ir::AllGatherOp>(any); op && (op.getTiled() || op.getDim() != 0)) {
      int64_t dim = op.getDim();
      bool tiled = op.getTiled();
      rewrite(
          op, same,
          [&](Builder& b, ValueRange v) { return ir::AllGatherOp::create(b, v, op.getAxes(), 0, false, op.getGroupsAttr(), op.getInvariant()).getOperation(); },
          [&](Builder& b, Value v) { return tiled ? blocksInto(b, v, dim) : transposed(b, v, fromFront(arrayType(v).getRank(), dim)); });
    } else if (auto op = llvm::dyn_cast<ir::PsumScatterOp>(any); op && (op.getTiled() || op.getDim() != 0)) {
      int64_t dim = op.getDim(), ranks = membersOf(op);
      bool tiled = op.getTiled();
      rewrite(
          op, [&](Builder& b, Value v) { return tiled ? blocksFirst(b, v, dim, ranks) : transposed(b, v, toFront(arrayType(v).getRank(), dim)); },
          [&](Builder& b, ValueRange v) { return ir::PsumScatterOp::create(b, v, op.getAxes(), 0, false, op.getGroupsAttr()).getOperation(); }, same);
    } else if (auto op = llvm::dyn_cast<ir::AllToAllOp>(any); op && (op.getTiled() || op.getSplitDim() != 0 || op.getConcatDim() != 0)) {
      int64_t split = op.getSplitDim(), concat = op.getConcatDim(), ranks = membersOf(op);
      bool tiled = op.getTiled();
      rewrite(
          op, [&](Builder& b, Value v) { return tiled ? blocksFirst(b, v, split, ranks) : transposed(b, v, toFront(arrayType(v).getRank(), split)); },
          [&](Builder& b, ValueRange v) { return ir::AllToAllOp::create(b, v, op.getAxes(), 0, 0, false, op.getGroupsAttr()).getOperation(); },
          [&](Builder& b, Value v) { return tiled ? blocksInto(b, v, concat) : transposed(b, v, fromFront(arrayType(v).getRank(), concat)); });
    }
  }
}

void lowerSorts(func::FuncOp function) {
  llvm::SmallVector<ir::SortOp> ops;
  function.walk([&](ir::SortOp op) { ops.push_back(op); });
  for (auto op : ops) {
    int64_t rank = arrayType(op.getOperands()[0]).getRank(), dim = op.getDim();
    if (dim == rank - 1) continue;
    Dims order;
    for (int64_t d = 0; d < rank; ++d) order.push_back(d);
    std::swap(order[dim], order[rank - 1]);
    rewrite(
        op, [&](Builder& b, Value v) { return transposed(b, v, order); },
        [&](Builder& b, ValueRange v) { return ir::SortOp::create(b, v, rank - 1).getOperation(); }, [&](Builder& b, Value v) { return transposed(b, v, order); });
  }
}

/// Functions with derivatives of their own are their bodies once nothing is differentiated any more.
static void inlineCustom(ModuleOp module) {
  llvm::SmallVector<Operation*> customs;
  module.walk<WalkOrder::PostOrder>([&](Operation* op) {
    if (llvm::isa<ir::CustomJvpOp, ir::CustomVjpOp>(op)) customs.push_back(op);
  });
  for (Operation* op : customs) {  // inner ones first
    Block& body = op->getRegion(0).front();
    for (auto [argument, operand] : llvm::zip(body.getArguments(), op->getOperands())) argument.replaceAllUsesWith(operand);
    Operation* yield = body.getTerminator();
    op->replaceAllUsesWith(yield->getOperands());
    yield->erase();
    op->getBlock()->getOperations().splice(op->getIterator(), body.getOperations());
    op->erase();
  }
}

void inlineCalls(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  auto refuse = [](ir::CallOp call, const std::string& what) {
    auto place = llvm::dyn_cast<FileLineColLoc>(call->getLoc());
    throw UserError(what, "call", place ? place.getFilename().data() : "", place ? place.getLine() : 0);
  };
  // Functions that stand open around a call, by the calls that an inlined body brought along.
  llvm::DenseMap<Operation*, llvm::SmallVector<func::FuncOp>> inside;
  llvm::SmallVector<ir::CallOp> calls;
  main.walk([&](ir::CallOp call) { calls.push_back(call); });
  while (!calls.empty()) {
    ir::CallOp call = calls.pop_back_val();
    auto callee = module.lookupSymbol<func::FuncOp>(call.getCallee());
    if (!callee || callee.isDeclaration()) refuse(call, "there is no function @" + call.getCallee().str());
    llvm::SmallVector<func::FuncOp> around = inside[call];
    if (callee == main || llvm::is_contained(around, callee)) refuse(call, "@" + call.getCallee().str() + " calls itself; a program ends: use a loop");
    if (callee.getArgumentTypes() != call.getOperandTypes() || callee.getResultTypes() != call.getResultTypes())
      refuse(call, "operands or results are not those of @" + call.getCallee().str());
    around.push_back(callee);
    OpBuilder b(call);
    IRMapping map;
    Block& body = callee.getBody().front();
    for (auto [argument, operand] : llvm::zip(body.getArguments(), call.getOperands())) map.map(argument, operand);
    for (Operation& op : body.without_terminator())
      b.clone(op, map)->walk([&](ir::CallOp inner) {
        inside[inner] = around;
        calls.push_back(inner);
      });
    for (auto [result, value] : llvm::zip(call.getResults(), body.getTerminator()->getOperands())) result.replaceAllUsesWith(map.lookupOrDefault(value));
    call.erase();
  }
  for (auto function : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (function != main) function.erase();
  inlineCustom(module);
}

}  // namespace skein::compiler
