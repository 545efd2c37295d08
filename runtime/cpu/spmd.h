#pragma once
// Runs one program on every device of a mesh in this process: devices are fibers on lanes, a lane is a thread.
//
//   devices 0..5 on 2 cores:   lane 0: [0] [2] [4]      each runs until it waits for another device,
//                              lane 1: [1] [3] [5]      then the lane goes on with the next one
//
// The member of a group that comes last on a lane deals with the other lanes for all of its lane's members, so that
// devices on one lane meet in a counter and a switch, and lanes in one cache line each.

#include "runtime/communicator.h"
#include "runtime/cpu/context.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace skein::runtime::cpu {

struct Request {
  std::span<const std::int64_t> mesh;  // devices along each axis
  skein_program body = nullptr;
  void* const* buffers = nullptr;
  std::int64_t arena_bytes = 0;
  std::int64_t work = 0;  // nanoseconds of one device's share on one core, estimated
  int lanes = 0;          // how many threads at most; 0: as many as the work is worth
  skein_site site{"shard_map", "", 0};
  bool on_gpus = false;   // each device's kernels run on the process's GPU of its number
};

/// Runs the program on all devices. Throws the first error after all of them have ended.
void run_spmd(skein_context* parent, const Request&);

/// For C++ programs: `body` on each of `devices` devices with the communicator of all, spread over at most `lanes`
/// threads.
void run_devices(int devices, int lanes, const std::function<void(Communicator&)>& body,
                 const skein_site& = {"run_devices", "", 0});

/// The collective of compiled code.
void run_collective(skein_context*, const skein_collective&, const void* const* inputs, void* const* outputs);

}  // namespace skein::runtime::cpu
