// Prints on each of four devices; the compiled ones in any order.
// CHECK-DAG: rank 0: {{\[}}6.{{0?}} 6.{{0?}}] True
// CHECK-DAG: rank 3: {{\[}}6.{{0?}} 6.{{0?}}] True
// CHECK: result0: float32[2]
func.func @main(%a: tensor<4x2xf32>, %b: tensor<i1>) -> tensor<2xf32> {
  %0 = skein.shard_map %a {mesh = #skein.axes<"x" = 4>, in_specs = [#skein.spec<[["x"]]>], out_specs = [#skein.spec<[]>]} : (tensor<4x2xf32>) -> tensor<2xf32> {
  ^bb0(%x: tensor<1x2xf32, #skein.array<varying "x">>):
    %1 = skein.psum %x {axes = #skein.axes<"x" = 4>} : (tensor<1x2xf32, #skein.array<varying "x">>) -> tensor<1x2xf32>
    %2 = skein.reshape %1 {shape = array<i64: 2>} : (tensor<1x2xf32>) -> tensor<2xf32>
    %3 = skein.axis_index {axes = #skein.axes<"x" = 4>} : () -> tensor<i32, #skein.array<varying "x">>
    skein.print "rank {}: {} {}", %3, %2, %b : (tensor<i32, #skein.array<varying "x">>, tensor<2xf32>, tensor<i1>) -> ()
    skein.yield %2 : tensor<2xf32>
  }
  return %0 : tensor<2xf32>
}
