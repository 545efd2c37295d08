#pragma once
// The generator's state, shared by the families of ops that it draws from.

#include "tests/differential/emit.h"
#include "tests/differential/generate.h"

namespace skein::compiler::test {

struct GridAxis {
  mlir::StringAttr name;
  std::int64_t size;
};

class Generator : public Emitter {
 public:
  Generator(mlir::OpBuilder& builder, std::uint64_t seed) : Emitter(builder), random(seed) {}

  /// The body of main: ops, perhaps a shard_map, more ops. Gives the results.
  std::vector<mlir::Value> program(mlir::func::FuncOp function, std::vector<HostArray>& inputs);

  // One op of each family (a few where it needs help), on values that stand there; the results join them.
  void unary();
  void binary();
  void ternary();
  void conversion();
  void shape();
  void window();
  void indexed();
  void reduction();
  void contraction();
  void sorting();
  void algebra();
  void randomBits();
  void collective();
  void exchange();
  void control();
  void call();
  void check();
  void mesh();

 private:
  /// Values and mesh axes that may be used at a place of the program.
  struct Scope {
    std::vector<mlir::Value> values;
    std::vector<GridAxis> axes;               // of the mesh around
    std::vector<mlir::StringAttr> forbidden;  // over which the predicate of control flow around varies
    int depth = 0;                            // of control flow
  };

  void ops(int count);
  mlir::Value any() { return random.of(scope.values); }
  mlir::Value anyOf(bool (*fits)(DType));
  mlir::Value add(mlir::Value value);
  mlir::Value fresh(DType dtype, const Sizes& shape);
  Sizes smallShape(int maxRank = 3);

  // What makes a value fit.
  mlir::Value toDtype(mlir::Value value, DType dtype);
  mlir::Value toShape(mlir::Value value, const Sizes& shape);
  mlir::Value like(mlir::Value value, mlir::Value model) {
    return toShape(toDtype(value, dtypeOf(model)), shapeOf(model));
  }
  mlir::Value varyingOver(mlir::Value value, llvm::ArrayRef<GridAxis> axes);
  mlir::Value positive(mlir::Value value);
  mlir::Value tame(mlir::Value value);
  mlir::Value bounded(const Sizes& shape, DType dtype);
  mlir::Value rightHalf(mlir::Value value);
  mlir::Value index(std::int64_t count);
  mlir::Value broadcastScalar(mlir::Value scalar, const Sizes& shape);

  void complexUnary(mlir::Value value);
  std::vector<GridAxis> someAxes();
  mlir::NamedAttribute axesOf(llvm::ArrayRef<GridAxis> chosen);
  /// Perhaps axis_index_groups; sets `size` to the size of a group.
  std::vector<mlir::NamedAttribute> collectiveAttributes(llvm::ArrayRef<GridAxis> chosen, std::int64_t& size,
                                                         bool mayGroup = true);
  std::vector<mlir::Value> carries(int count);
  /// Fills a region's block with ops and a yield of values of these types.
  void body(mlir::Block* block, const std::vector<mlir::Value>& arguments, llvm::ArrayRef<mlir::Type> types,
            mlir::Value first = {});
  mlir::Value asType(mlir::Value value, mlir::Type type);
  std::vector<mlir::StringAttr> forbiddenUnder(mlir::Type predicate);

  Random random;
  Scope scope;
  mlir::func::FuncOp main;
};

}  // namespace skein::compiler::test
