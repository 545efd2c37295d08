// What is refused of types and attributes; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{varying axes are sorted and different}}
func.func private @f(tensor<f32, #skein.array<varying "y", "x">>)

// -----

// expected-error @+1 {{a capacity is not negative, this is -3}}
func.func private @f(tensor<?xf32, #skein.array<n max -3>>)

// -----

// expected-error @+1 {{axis "x" is named twice}}
func.func private @f() attributes {mesh = #skein.axes<"x" = 2, "x" = 2>}

// -----

// expected-error @+1 {{axis "x" has 0 devices; it needs at least 1}}
func.func private @f() attributes {mesh = #skein.axes<"x" = 0>}

// -----

func.func @main(%a: tensor<2xf32>) {
  // A result's type is what the operands' make it.
  // expected-error @+2 {{op inferred type(s) 'tensor<2xf32>' are incompatible with return type(s) of operation 'tensor<2xf64>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.exp %a : (tensor<2xf32>) -> tensor<2xf64>
  return
}
