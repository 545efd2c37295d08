// Effects: every op in its custom assembly, there and back; they are not removed though nothing uses them.
// RUN: skein-opt %s --canonicalize --cse | skein-opt | FileCheck %s

func.func @main(%p: tensor<i1>, %x: tensor<2xf32>) {
  // CHECK: skein.print "x = {}", %{{.*}} : (tensor<2xf32>) -> ()
  skein.print "x = {}", %x : (tensor<2xf32>) -> ()
  // CHECK: skein.print "x = {}", %{{.*}} : (tensor<2xf32>) -> ()
  skein.print "x = {}", %x : (tensor<2xf32>) -> ()
  // CHECK: skein.print "done" : () -> ()
  skein.print "done" : () -> ()
  // CHECK: skein.check %{{.*}}, "x is {}", %{{.*}} : (tensor<i1>, tensor<2xf32>) -> ()
  skein.check %p, "x is {}", %x : (tensor<i1>, tensor<2xf32>) -> ()
  // CHECK: skein.check %{{.*}}, "no" : (tensor<i1>) -> ()
  skein.check %p, "no" : (tensor<i1>) -> ()
  return
}
