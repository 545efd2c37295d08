"builtin.module"() <{sym_name = "jit__lambda"}> ({
  "func.func"() <{arg_attrs = [{}, {}], function_type = (tensor<i1>, tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<4x3xf32>), res_attrs = [{jax.result_info = "result[0]"}, {jax.result_info = "result[1]"}], sym_name = "main", sym_visibility = "public"}> ({
  ^bb0(%arg0: tensor<i1>, %arg1: tensor<4x3xf32>):
    %0 = "stablehlo.convert"(%arg0) : (tensor<i1>) -> tensor<i32>
    %1 = "stablehlo.case"(%0) ({
      %13 = "stablehlo.constant"() <{value = dense<1.000000e+00> : tensor<f32>}> : () -> tensor<f32>
      %14 = "stablehlo.broadcast_in_dim"(%13) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x3xf32>
      %15 = "stablehlo.subtract"(%arg1, %14) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
      "stablehlo.return"(%15) : (tensor<4x3xf32>) -> ()
    }, {
      %10 = "stablehlo.constant"() <{value = dense<1.000000e+00> : tensor<f32>}> : () -> tensor<f32>
      %11 = "stablehlo.broadcast_in_dim"(%10) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4x3xf32>
      %12 = "stablehlo.add"(%arg1, %11) : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x3xf32>
      "stablehlo.return"(%12) : (tensor<4x3xf32>) -> ()
    }) : (tensor<i32>) -> tensor<4x3xf32>
    %2 = "stablehlo.constant"() <{value = dense<0> : tensor<i32>}> : () -> tensor<i32>
    %3 = "stablehlo.constant"() <{value = dense<7> : tensor<i32>}> : () -> tensor<i32>
    %4 = "stablehlo.constant"() <{value = dense<2> : tensor<i32>}> : () -> tensor<i32>
    %5 = "stablehlo.clamp"(%2, %3, %4) : (tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<i32>
    %6 = "stablehlo.case"(%5) ({
      %9 = "stablehlo.sine"(%arg1) : (tensor<4x3xf32>) -> tensor<4x3xf32>
      "stablehlo.return"(%9) : (tensor<4x3xf32>) -> ()
    }, {
      %8 = "stablehlo.cosine"(%arg1) : (tensor<4x3xf32>) -> tensor<4x3xf32>
      "stablehlo.return"(%8) : (tensor<4x3xf32>) -> ()
    }, {
      %7 = "stablehlo.exponential"(%arg1) : (tensor<4x3xf32>) -> tensor<4x3xf32>
      "stablehlo.return"(%7) : (tensor<4x3xf32>) -> ()
    }) : (tensor<i32>) -> tensor<4x3xf32>
    "func.return"(%1, %6) : (tensor<4x3xf32>, tensor<4x3xf32>) -> ()
  }) : () -> ()
}) {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} : () -> ()
