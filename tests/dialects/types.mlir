// Encodings of array types and the dialect's attributes, there and back.
// RUN: skein-opt %s | skein-opt | FileCheck %s

// CHECK: @varying(tensor<3xf32, #skein.array<varying "x">>, tensor<f32, #skein.array<varying "a", "b">>)
func.func private @varying(tensor<3xf32, #skein.array<varying "x">>, tensor<f32, #skein.array<varying "a", "b">>)
// CHECK: @sizes(tensor<?x3xf32, #skein.array<n max 15>>, tensor<?x?xf32, #skein.array<n max 15, m max 4>>)
func.func private @sizes(tensor<?x3xf32, #skein.array<n max 15>>, tensor<?x?xf32, #skein.array<n max 15, m max 4>>)
// CHECK: @both(tensor<?xf32, #skein.array<varying "x" sizes n max 15>>)
func.func private @both(tensor<?xf32, #skein.array<varying "x" sizes n max 15>>)
// CHECK: @attributes() attributes {mesh = #skein.axes<"x" = 4, "y" = 2>, spec = #skein.spec<{{\[\[}}"x", "y"], [], ["z"]]>}
func.func private @attributes() attributes {mesh = #skein.axes<"x" = 4, "y" = 2>, spec = #skein.spec<[["x", "y"], [], ["z"]]>}
