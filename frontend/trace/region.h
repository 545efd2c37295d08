#pragma once
// Bodies of control flow and of shard_map while they are traced. Without MLIR.

#include <memory>

#include "frontend/trace/emit.h"

namespace mlir {
class Block;
}

namespace skein::detail {

/// A body: as long as it is open, ops go into it. Bodies nest; one that no op takes is dropped.
class Body {
 public:
  /// Opens a body whose block has arguments of these types. With a mesh it is shard_map's.
  explicit Body(std::span<const TypeInfo> arguments, const Mesh* mesh = nullptr);
  ~Body();
  Body(Body&&) noexcept;
  Body& operator=(Body&&) = delete;

  const std::vector<Array>& arguments() const { return arguments_; }
  /// Leaves the body; what was made in it cannot be used until it is opened again.
  void close();
  void reopen();
  /// Ends the body with these values, and leaves it.
  void yield(std::span<const Array> values);
  /// Its one block, for what becomes no op's body.
  mlir::Block& block() const;

 private:
  friend std::vector<Array> emit_with_bodies(const char*, std::span<const Array>, std::vector<Attribute>,
                                             std::span<const TypeInfo>, std::span<Body>);
  struct State;
  std::unique_ptr<State> state_;
  std::vector<Array> arguments_;
};

/// Appends an op with bodies and the given result types, and checks the op's laws.
std::vector<Array> emit_with_bodies(const char* op, std::span<const Array> operands, std::vector<Attribute> attributes,
                                    std::span<const TypeInfo> results, std::span<Body> bodies);

/// The mesh of the innermost shard_map that is being traced, if any.
const Mesh* mesh_in_force();
/// The value as varying over more axes; the same array if it varies over them already.
Array vary(const Array&, const std::vector<std::string>& axes);
/// The union, in the order of the mesh in force.
std::vector<std::string> join_axes(const std::vector<std::string>&, const std::vector<std::string>&);
/// What a result's elements came from, for addressable_shards.
void note_sharding(const Array& traced, NamedSharding);
/// How an array is split over processes; null where it is whole.
std::shared_ptr<const NamedSharding> split_of(const Array&);
/// A whole traced array split over processes so: each keeps its part. In shard_map's file.
Array split_as(const Array&, const NamedSharding&);
/// Traced arrays are split as those that they stand for: a loop's arguments and results as its initial values.
void inherit_split(std::span<const Array> traced, std::span<const Array> from);

}  // namespace skein::detail
