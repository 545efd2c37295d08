// What is refused of control flow and shard_map; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main(%a: tensor<i32>) {
  // expected-error @+1 {{while_loop: the condition is a bool scalar, not int32[] [control.C2]}}
  %0 = skein.while %a : (tensor<i32>) -> tensor<i32> cond {
  ^bb0(%x: tensor<i32>):
    skein.yield %x : tensor<i32>
  } body {
  ^bb0(%x: tensor<i32>):
    skein.yield %x : tensor<i32>
  }
  return
}

// -----

func.func @main(%a: tensor<i32>) {
  // expected-error @+1 {{while_loop: array 0 of the carry is int32[], but the condition's argument has float32[]; the carry keeps its type from turn to turn [control.C1]}}
  %0 = skein.while %a : (tensor<i32>) -> tensor<i32> cond {
  ^bb0(%x: tensor<f32>):
    %c = skein.eq %x, %x : (tensor<f32>, tensor<f32>) -> tensor<i1>
    skein.yield %c : tensor<i1>
  } body {
  ^bb0(%x: tensor<i32>):
    skein.yield %x : tensor<i32>
  }
  return
}

// -----

func.func @main(%a: tensor<i32>) {
  // expected-error @+1 {{while_loop: the carry has 1 arrays, the body's argument 2 [control.C1]}}
  %0 = skein.while %a : (tensor<i32>) -> tensor<i32> cond {
  ^bb0(%x: tensor<i32>):
    %c = skein.eq %x, %x : (tensor<i32>, tensor<i32>) -> tensor<i1>
    skein.yield %c : tensor<i1>
  } body {
  ^bb0(%x: tensor<i32>, %y: tensor<i32>):
    skein.yield %x : tensor<i32>
  }
  return
}

// -----

func.func @main(%a: tensor<i32>) {
  // expected-error @+1 {{while_loop: array 0 of the carry is int32[], but the body's result has int64[]; the carry keeps its type from turn to turn [control.C1]}}
  %0 = skein.while %a : (tensor<i32>) -> tensor<i32> cond {
  ^bb0(%x: tensor<i32>):
    %c = skein.eq %x, %x : (tensor<i32>, tensor<i32>) -> tensor<i1>
    skein.yield %c : tensor<i1>
  } body {
  ^bb0(%x: tensor<i32>):
    %y = skein.convert %x {dtype = i64} : (tensor<i32>) -> tensor<i64>
    skein.yield %y : tensor<i64>
  }
  return
}

// -----

func.func @main(%a: tensor<i32>) {
  // expected-error @+1 {{while_loop: array 0 of the carry is int32[], but the result has int32[1]; the carry keeps its type from turn to turn [control.C1]}}
  %0 = skein.while %a : (tensor<i32>) -> tensor<1xi32> cond {
  ^bb0(%x: tensor<i32>):
    %c = skein.eq %x, %x : (tensor<i32>, tensor<i32>) -> tensor<i1>
    skein.yield %c : tensor<i1>
  } body {
  ^bb0(%x: tensor<i32>):
    skein.yield %x : tensor<i32>
  }
  return
}

// -----

func.func @main(%a: tensor<i32>) {
  // expected-error @+1 {{while_loop: the predicate bool[]{V:x} varies over x, so the result int32[] does too [control.C3]}}
  %0 = skein.while %a : (tensor<i32>) -> tensor<i32> cond {
  ^bb0(%x: tensor<i32>):
    %v = skein.pvary %x {axes = #skein.axes<"x" = 2>} : (tensor<i32>) -> tensor<i32, #skein.array<varying "x">>
    %c = skein.eq %v, %v : (tensor<i32, #skein.array<varying "x">>, tensor<i32, #skein.array<varying "x">>) -> tensor<i1, #skein.array<varying "x">>
    skein.yield %c : tensor<i1, #skein.array<varying "x">>
  } body {
  ^bb0(%x: tensor<i32>):
    skein.yield %x : tensor<i32>
  }
  return
}

// -----

func.func @main(%low: tensor<i32>, %high: tensor<i64>, %a: tensor<2xf32>) {
  // expected-error @+1 {{fori_loop: the bounds are integer scalars of one dtype, not int32[] and int64[] [control.C2]}}
  %0 = skein.for %low, %high, %a : (tensor<i32>, tensor<i64>, tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%i: tensor<i32>, %x: tensor<2xf32>):
    skein.yield %x : tensor<2xf32>
  }
  return
}

// -----

func.func @main(%low: tensor<f32>, %high: tensor<f32>, %a: tensor<2xf32>) {
  // expected-error @+1 {{fori_loop: the bounds are integer scalars of one dtype, not float32[] and float32[] [control.C2]}}
  %0 = skein.for %low, %high, %a : (tensor<f32>, tensor<f32>, tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%i: tensor<i32>, %x: tensor<2xf32>):
    skein.yield %x : tensor<2xf32>
  }
  return
}

// -----

func.func @main(%low: tensor<i32>, %high: tensor<i32>, %a: tensor<2xf32>) {
  // expected-error @+1 {{fori_loop: the body's first argument is the counter [control.C1]}}
  %0 = skein.for %low, %high, %a : (tensor<i32>, tensor<i32>, tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%x: tensor<2xf32>):
    skein.yield %x : tensor<2xf32>
  }
  return
}

// -----

func.func @main(%low: tensor<i32>, %high: tensor<i32>, %a: tensor<2xf32>) {
  // expected-error @+1 {{fori_loop: array 0 of the carry is float32[2], but the body's result has float32[3]; the carry keeps its type from turn to turn [control.C1]}}
  %0 = skein.for %low, %high, %a : (tensor<i32>, tensor<i32>, tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%i: tensor<i32>, %x: tensor<2xf32>):
    %y = skein.constant {value = dense<0.0> : tensor<3xf32>} : () -> tensor<3xf32>
    skein.yield %y : tensor<3xf32>
  }
  return
}

// -----

func.func @main(%low: tensor<i32, #skein.array<varying "x">>, %high: tensor<i32, #skein.array<varying "x">>, %a: tensor<2xf32>) {
  // expected-error @+1 {{fori_loop: the predicate int32[]{V:x} varies over x, so the result float32[2] does too [control.C3]}}
  %0 = skein.for %low, %high, %a : (tensor<i32, #skein.array<varying "x">>, tensor<i32, #skein.array<varying "x">>, tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%i: tensor<i32, #skein.array<varying "x">>, %x: tensor<2xf32>):
    skein.yield %x : tensor<2xf32>
  }
  return
}

// -----

func.func @main(%low: tensor<i32, #skein.array<varying "x">>, %a: tensor<2xf32, #skein.array<varying "x">>) {
  %0 = skein.for %low, %low, %a : (tensor<i32, #skein.array<varying "x">>, tensor<i32, #skein.array<varying "x">>, tensor<2xf32, #skein.array<varying "x">>) -> tensor<2xf32, #skein.array<varying "x">> {
  ^bb0(%i: tensor<i32, #skein.array<varying "x">>, %x: tensor<2xf32, #skein.array<varying "x">>):
    // expected-error @+1 {{psum over axis x stands under a fori_loop whose predicate varies over that axis (int32[]{V:x}): some devices would wait for ever; make the predicate the same on all of them, with pmax or psum of it over x [control.C4]}}
    %s = skein.psum %x {axes = #skein.axes<"x" = 2>} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<2xf32>
    %y = skein.add %x, %s : (tensor<2xf32, #skein.array<varying "x">>, tensor<2xf32>) -> tensor<2xf32, #skein.array<varying "x">>
    skein.yield %y : tensor<2xf32, #skein.array<varying "x">>
  }
  return
}

// -----

func.func @main(%low: tensor<i32>, %high: tensor<i32, #skein.array<varying "x">>, %a: tensor<2xf32, #skein.array<varying "x">>) {
  // Bounds agree in their varying axes too.
  // expected-error @+1 {{fori_loop: the bounds are integer scalars of one dtype, not int32[] and int32[]{V:x} [control.C2]}}
  %0 = skein.for %low, %high, %a : (tensor<i32>, tensor<i32, #skein.array<varying "x">>, tensor<2xf32, #skein.array<varying "x">>) -> tensor<2xf32, #skein.array<varying "x">> {
  ^bb0(%i: tensor<i32>, %x: tensor<2xf32, #skein.array<varying "x">>):
    skein.yield %x : tensor<2xf32, #skein.array<varying "x">>
  }
  return
}

// -----

func.func @main(%i: tensor<1xi32>) {
  // expected-error @+1 {{switch: the index is an integer scalar, not int32[1] [control.C2]}}
  %0 = skein.switch %i : (tensor<1xi32>) -> tensor<1xi32> {
    skein.yield %i : tensor<1xi32>
  }
  return
}

// -----

func.func @main(%i: tensor<i32>) {
  // expected-error @+1 {{switch wants at least one branch [control.C1]}}
  "skein.switch"(%i) : (tensor<i32>) -> ()
  return
}

// -----

func.func @main(%i: tensor<i32>) {
  // expected-error @+1 {{switch: branches take no arguments [control.C1]}}
  %0 = skein.switch %i : (tensor<i32>) -> tensor<i32> {
  ^bb0(%x: tensor<i32>):
    skein.yield %x : tensor<i32>
  }
  return
}

// -----

func.func @main(%i: tensor<i32>, %x: tensor<f32>) {
  // expected-error @+1 {{switch: array 0 of the carry is int32[], but a branch has float32[]; the carry keeps its type from turn to turn [control.C1]}}
  %0 = skein.switch %i : (tensor<i32>) -> tensor<i32> {
    skein.yield %i : tensor<i32>
  }, {
    skein.yield %x : tensor<f32>
  }
  return
}

// -----

func.func @main(%i: tensor<i32, #skein.array<varying "x">>, %x: tensor<f32>) {
  // expected-error @+1 {{cond: the predicate int32[]{V:x} varies over x, so the result float32[] does too [control.C3]}}
  %0 = skein.switch %i : (tensor<i32, #skein.array<varying "x">>) -> tensor<f32> {
    skein.yield %x : tensor<f32>
  }
  return
}

// -----

func.func @main(%i: tensor<i32, #skein.array<varying "x">>, %x: tensor<f32, #skein.array<varying "x">>) {
  %0 = skein.switch %i : (tensor<i32, #skein.array<varying "x">>) -> tensor<f32, #skein.array<varying "x">> {
    // expected-error @+1 {{ppermute over axis x stands under a cond whose predicate varies over that axis (int32[]{V:x}): some devices would wait for ever; make the predicate the same on all of them, with pmax or psum of it over x [control.C4]}}
    %y = skein.ppermute %x {axes = #skein.axes<"x" = 2>, pairs = array<i64: 0, 1>} : (tensor<f32, #skein.array<varying "x">>) -> tensor<f32, #skein.array<varying "x">>
    skein.yield %y : tensor<f32, #skein.array<varying "x">>
  }
  return
}

// -----

func.func @main(%a: tensor<i32, #skein.array<varying "x">>) {
  %0 = skein.while %a : (tensor<i32, #skein.array<varying "x">>) -> tensor<i32, #skein.array<varying "x">> cond {
  ^bb0(%x: tensor<i32, #skein.array<varying "x">>):
    %c = skein.eq %x, %x : (tensor<i32, #skein.array<varying "x">>, tensor<i32, #skein.array<varying "x">>) -> tensor<i1, #skein.array<varying "x">>
    skein.yield %c : tensor<i1, #skein.array<varying "x">>
  } body {
  ^bb0(%x: tensor<i32, #skein.array<varying "x">>):
    // expected-error @+1 {{pmax over axis x stands under a while_loop whose predicate varies over that axis (bool[]{V:x}): some devices would wait for ever; make the predicate the same on all of them, with pmax or psum of it over x [control.C4]}}
    %m = skein.pmax %x {axes = #skein.axes<"x" = 2>} : (tensor<i32, #skein.array<varying "x">>) -> tensor<i32>
    %y = skein.add %x, %m : (tensor<i32, #skein.array<varying "x">>, tensor<i32>) -> tensor<i32, #skein.array<varying "x">>
    skein.yield %y : tensor<i32, #skein.array<varying "x">>
  }
  return
}

// -----

func.func @main(%a: tensor<8xf32>) {
  // expected-error @+1 {{shard_map: the mesh has no axis z [shard_map.C1]}}
  %0 = skein.shard_map %a {mesh = #skein.axes<"x" = 2, "y" = 2>, in_specs = [#skein.spec<[["z"]]>], out_specs = [#skein.spec<[["x"]]>]} : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%b: tensor<4xf32, #skein.array<varying "x">>):
    skein.yield %b : tensor<4xf32, #skein.array<varying "x">>
  }
  return
}

// -----

func.func @main(%a: tensor<8x8xf32>) {
  // expected-error @+1 {{shard_map: axis x stands twice in one spec [shard_map.C2]}}
  %0 = skein.shard_map %a {mesh = #skein.axes<"x" = 2, "y" = 2>, in_specs = [#skein.spec<[["x"], ["x"]]>], out_specs = [#skein.spec<[["x"]]>]} : (tensor<8x8xf32>) -> tensor<8xf32> {
  ^bb0(%b: tensor<4x4xf32, #skein.array<varying "x">>):
    skein.yield %b : tensor<4x4xf32, #skein.array<varying "x">>
  }
  return
}

// -----

func.func @main(%a: tensor<8xf32>) {
  // expected-error @+1 {{shard_map: the spec of an argument names 2 dimensions, float32[8] has 1 [shard_map.C3]}}
  %0 = skein.shard_map %a {mesh = #skein.axes<"x" = 2, "y" = 2>, in_specs = [#skein.spec<[["x"], []]>], out_specs = [#skein.spec<[["x"]]>]} : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%b: tensor<4xf32, #skein.array<varying "x">>):
    skein.yield %b : tensor<4xf32, #skein.array<varying "x">>
  }
  return
}

// -----

func.func @main(%a: tensor<7xf32>) {
  // expected-error @+1 {{shard_map: an argument is float32[7] outside, float32[4]{V:x} inside, which the spec does not relate [shard_map.C4]}}
  %0 = skein.shard_map %a {mesh = #skein.axes<"x" = 2, "y" = 2>, in_specs = [#skein.spec<[["x"]]>], out_specs = [#skein.spec<[["x"]]>]} : (tensor<7xf32>) -> tensor<8xf32> {
  ^bb0(%b: tensor<4xf32, #skein.array<varying "x">>):
    skein.yield %b : tensor<4xf32, #skein.array<varying "x">>
  }
  return
}

// -----

func.func @main(%a: tensor<8xf32>) {
  // expected-error @+1 {{shard_map: a result is float32[4] outside, float32[4]{V:x} inside, which the spec does not relate [shard_map.C4]}}
  %0 = skein.shard_map %a {mesh = #skein.axes<"x" = 2, "y" = 2>, in_specs = [#skein.spec<[["x"]]>], out_specs = [#skein.spec<[["x"]]>]} : (tensor<8xf32>) -> tensor<4xf32> {
  ^bb0(%b: tensor<4xf32, #skein.array<varying "x">>):
    skein.yield %b : tensor<4xf32, #skein.array<varying "x">>
  }
  return
}

// -----

func.func @main(%a: tensor<8xf32>) {
  // expected-error @+1 {{shard_map: one spec for each operand and result [shard_map.C5]}}
  %0 = skein.shard_map %a {mesh = #skein.axes<"x" = 2, "y" = 2>, in_specs = [#skein.spec<[["x"]]>, #skein.spec<[["x"]]>], out_specs = [#skein.spec<[["x"]]>]} : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%b: tensor<4xf32, #skein.array<varying "x">>):
    skein.yield %b : tensor<4xf32, #skein.array<varying "x">>
  }
  return
}

// -----

func.func @main(%a: tensor<8xf32>) {
  // expected-error @+1 {{shard_map: a result float32[4]{V:x} varies over axis x, which its out spec does not name [shard_map.C6]}}
  %0 = skein.shard_map %a {mesh = #skein.axes<"x" = 2, "y" = 2>, in_specs = [#skein.spec<[["x"]]>], out_specs = [#skein.spec<[]>]} : (tensor<8xf32>) -> tensor<4xf32> {
  ^bb0(%b: tensor<4xf32, #skein.array<varying "x">>):
    skein.yield %b : tensor<4xf32, #skein.array<varying "x">>
  }
  return
}

// -----

// Without check_vma the promise is the caller's.
func.func @main(%a: tensor<8xf32>) {
  %0 = skein.shard_map %a {mesh = #skein.axes<"x" = 2>, in_specs = [#skein.spec<[["x"]]>], out_specs = [#skein.spec<[]>], check_vma = false} : (tensor<8xf32>) -> tensor<4xf32> {
  ^bb0(%b: tensor<4xf32, #skein.array<varying "x">>):
    skein.yield %b : tensor<4xf32, #skein.array<varying "x">>
  }
  return
}
