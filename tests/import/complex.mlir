"builtin.module"() <{sym_name = "jit__lambda"}> ({
  "func.func"() <{arg_attrs = [{}, {}], function_type = (tensor<5xf32>, tensor<5xf32>) -> (tensor<5xcomplex<f32>>, tensor<5xf32>, tensor<5xf32>, tensor<5xcomplex<f32>>, tensor<5xcomplex<f32>>), res_attrs = [{jax.result_info = "result[0]"}, {jax.result_info = "result[1]"}, {jax.result_info = "result[2]"}, {jax.result_info = "result[3]"}, {jax.result_info = "result[4]"}], sym_name = "main", sym_visibility = "public"}> ({
  ^bb0(%arg0: tensor<5xf32>, %arg1: tensor<5xf32>):
    %0 = "stablehlo.complex"(%arg0, %arg1) : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xcomplex<f32>>
    %1 = "stablehlo.multiply"(%0, %0) : (tensor<5xcomplex<f32>>, tensor<5xcomplex<f32>>) -> tensor<5xcomplex<f32>>
    %2 = "stablehlo.abs"(%0) : (tensor<5xcomplex<f32>>) -> tensor<5xf32>
    %3 = "stablehlo.real"(%0) : (tensor<5xcomplex<f32>>) -> tensor<5xf32>
    %4 = "stablehlo.real"(%0) : (tensor<5xcomplex<f32>>) -> tensor<5xf32>
    %5 = "stablehlo.imag"(%0) : (tensor<5xcomplex<f32>>) -> tensor<5xf32>
    %6 = "stablehlo.negate"(%5) : (tensor<5xf32>) -> tensor<5xf32>
    %7 = "stablehlo.complex"(%4, %6) : (tensor<5xf32>, tensor<5xf32>) -> tensor<5xcomplex<f32>>
    %8 = "stablehlo.exponential"(%0) : (tensor<5xcomplex<f32>>) -> tensor<5xcomplex<f32>>
    "func.return"(%1, %2, %3, %7, %8) : (tensor<5xcomplex<f32>>, tensor<5xf32>, tensor<5xf32>, tensor<5xcomplex<f32>>, tensor<5xcomplex<f32>>) -> ()
  }) : () -> ()
}) {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} : () -> ()
