#pragma once
// The C ABI between compiled code and the runtime: everything that a compiled program may call.
//
// The first argument is always the context of the device that runs the program. No function throws; one that fails
// records the first error in the run, and the device's program does not continue: the call does not return.

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct skein_context skein_context;  // one device during one run of a program

typedef struct skein_site {  // where in the user's program an operation was called
  const char* op;
  const char* file;
  int32_t line;
} skein_site;

// ---- parallel loops ----
// A kernel computes the iterations [begin, end) of its outermost parallel loop.
typedef void (*skein_kernel)(void* const* arguments, int64_t begin, int64_t end);
// Splits [0, count) over the device's threads in pieces of at least `grain`, and waits for all of them.
void skein_parallel_for(skein_context*, skein_kernel, void* const* arguments, int64_t count, int64_t grain);

// ---- programs on a mesh ----
// The program of one device. `buffers` are inputs then outputs; `arena` is its temporary memory, 64-byte aligned.
typedef void (*skein_program)(skein_context*, void* const* buffers, char* arena);
typedef struct skein_mesh {
  int32_t rank;                 // number of axes
  const int64_t* shape;         // devices along each axis
  const char* const* names;     // of the axes
} skein_mesh;
// Runs `body` once for each device of the mesh, all sharing `buffers`, each with its own arena.
// `work` estimates the nanoseconds one device's share takes on one core: small programs run on the calling thread.
void skein_run_spmd(skein_context*, const skein_mesh*, skein_program body, void* const* buffers, int64_t arena_bytes,
                    int64_t work, const skein_site*);
int64_t skein_axis_index(skein_context*, int32_t axis);  // the device's coordinate along one axis of the mesh in force
// A process of several has the blocks of an array that its devices hold, in the order of the first device of each. Which of them
// is this device's, where the array is split over these axes; the complement (~n) where a device before it has the same.
int64_t skein_shard_slot(skein_context*, int32_t axis_count, const int32_t* axes);

// ---- collectives ----
typedef enum skein_verb { SKEIN_ALL_REDUCE, SKEIN_ALL_GATHER, SKEIN_REDUCE_SCATTER, SKEIN_ALL_TO_ALL, SKEIN_PERMUTE } skein_verb;
typedef enum skein_reduction { SKEIN_SUM, SKEIN_MAX, SKEIN_MIN, SKEIN_PROD, SKEIN_AND, SKEIN_OR } skein_reduction;
typedef struct skein_collective {
  int32_t id;                   // dense per program: the index of the resolved communicator in the context's table
  int32_t verb;                 // skein_verb
  int32_t reduction;            // skein_reduction
  int32_t axis_count;
  const int32_t* axes;          // positions in the mesh, in the order named; ranks count row-major over them
  int32_t group_count;          // axis_index_groups; 0: one group of all ranks
  int32_t group_size;
  const int32_t* groups;        // group_count x group_size ranks
  int32_t pair_count;           // SKEIN_PERMUTE: (source, destination) pairs of ranks; who receives nothing gets zeros
  const int32_t* pairs;
  int32_t operand_count;        // arrays that travel together in one message
  const int32_t* dtypes;        // skein::DType of each
  const int64_t* counts;        // elements of each operand's *block*: all_reduce and permute: the array; all_gather: the
                                // input; reduce_scatter: the output; all_to_all: the input divided by the group's size.
  skein_site site;
} skein_collective;
// Blocks stand one after another, in rank order, in the larger buffer. Inputs and outputs do not overlap, except that
// an all-reduce may be in place (outputs[i] == inputs[i]).
void skein_collective_run(skein_context*, const skein_collective*, const void* const* inputs, void* const* outputs);

// ---- contractions ----
// C[b] = A[b] x B[b], row-major with leading dimensions; transposed operands are stored as their transpose.
typedef struct skein_matmul {
  int32_t dtype;                // float32 float64 complex64 complex128
  int32_t transpose_a, transpose_b;
  int64_t batch, m, n, k;
  int64_t lda, ldb, ldc;        // in elements
  int64_t stride_a, stride_b, stride_c;  // between matrices of the batch, in elements
} skein_matmul;
void skein_matmul_run(skein_context*, const skein_matmul*, const void* a, const void* b, void* c);

// ---- effects ----
typedef struct skein_message {
  const char* format;           // with {} for each operand
  int32_t operand_count;
  const int32_t* dtypes;        // skein::DType
  const int32_t* ranks;
  const int64_t* const* shapes;
  skein_site site;
} skein_message;
void skein_print(skein_context*, const skein_message*, const void* const* operands);
// Ends the run with a UserError when `condition` is 0.
void skein_check(skein_context*, int8_t condition, const skein_message*, const void* const* operands);

// ---- sorting ----
// Sorts each of `rows` contiguous rows of `length` keys ascending (NaN last), stable; carries `payload_count` further
// arrays of 1, 2, 4 or 8 or 16 bytes an element along. In place.
void skein_sort(skein_context*, int32_t dtype, int64_t rows, int64_t length, void* keys, int32_t payload_count,
                const int32_t* payload_bytes, void* const* payloads);

// ---- writing where indices say, running totals ----
typedef enum skein_join { SKEIN_JOIN_SET, SKEIN_JOIN_ADD, SKEIN_JOIN_MUL, SKEIN_JOIN_MIN, SKEIN_JOIN_MAX } skein_join;
typedef struct skein_scatter {
  int32_t dtype, index_dtype, kind;  // skein::DType, skein_join
  int64_t outer, size, inner;        // the target's shape around the dimension that is indexed
  int64_t count;                     // indices; updates are outer x count x inner
} skein_scatter;
void skein_scatter_run(skein_context*, const skein_scatter*, void* target, const void* indices, const void* updates);
typedef struct skein_cumulative {
  int32_t dtype, kind, reverse;
  int64_t outer, size, inner;
} skein_cumulative;
void skein_cumulative_run(skein_context*, const skein_cumulative*, const void* operand, void* result);

// ---- Fourier transforms ----
typedef enum skein_fft_kind { SKEIN_FFT, SKEIN_IFFT, SKEIN_RFFT, SKEIN_IRFFT } skein_fft_kind;
typedef struct skein_fft {
  int32_t dtype, kind, rank;    // of the numbers' parts: float32 or float64; skein_fft_kind; dimensions that are transformed
  int64_t batch;                // arrays one after another
  const int64_t* lengths;       // of each; of rfft and irfft those of the real array
} skein_fft;
// ifft and irfft divide by the product of the lengths. The result does not overlap the operand.
void skein_fft_run(skein_context*, const skein_fft*, const void* operand, void* result);

// ---- factorisations of matrices ----
typedef enum skein_linalg_routine {
  SKEIN_CHOLESKY, SKEIN_TRIANGULAR_SOLVE, SKEIN_LU, SKEIN_QR, SKEIN_EIGH, SKEIN_SVD, SKEIN_SVDVALS, SKEIN_EIG, SKEIN_EIGVALS
} skein_linalg_routine;
typedef struct skein_linalg {
  int32_t dtype, routine;       // float32 float64 complex64 complex128; skein_linalg_routine
  int32_t lower;                // the triangle that is read (triangular_solve, eigh)
  int32_t transpose;            // triangular_solve: 0 none, 1 the transpose, 2 the adjoint
  int32_t unit_diagonal;        // triangular_solve
  int32_t full;                 // qr, svd: square factors
  int64_t batch, m, n;          // matrices m x n, dense and row-major
  int64_t columns;              // triangular_solve: of the right side
} skein_linalg;
// Inputs and outputs are the op's operands and results; they do not overlap.
void skein_linalg_run(skein_context*, const skein_linalg*, const void* const* inputs, void* const* outputs);

// ---- GPUs ----
// The kernels of a program for GPUs. The image is PTX that ends with a zero. For the emulated driver its first line is
// SKEIN_EMULATED_LINE, and behind the zero stand the eight letters SKEIN_EMULATED_MAGIC, the size (uint64) of the LLVM bitcode that
// the back end was given, and the bitcode.
#define SKEIN_EMULATED_LINE "// skein: the LLVM module follows the text\n"
#define SKEIN_EMULATED_MAGIC "SKEINLLV"
typedef struct skein_gpu_module {
  const char* image;
  int64_t image_bytes;
} skein_gpu_module;
typedef struct skein_gpu_kernel {
  const skein_gpu_module* module;
  const char* name;
  int32_t block;                // threads of one
  skein_site site;
} skein_gpu_kernel;
// A program for GPUs runs on the host; its buffers and arena are memory of the device's GPU, and what it calls is done there in the
// order of the calls, mostly after the call has returned. Parameters are eight bytes each.
void skein_gpu_launch(skein_context*, const skein_gpu_kernel*, int64_t grid, int32_t parameter_count, void* const* parameters);
void skein_gpu_copy(skein_context*, void* to, const void* from, int64_t bytes);
// Constant data on the GPU, brought there once.
void* skein_gpu_constant(skein_context*, const skein_gpu_module*, const void* data, int64_t bytes);
// A scalar of 1, 2, 4 or 8 bytes. Reading one waits for all that was called before.
void skein_gpu_store(skein_context*, void* to, int64_t bits, int32_t bytes);
int64_t skein_gpu_load(skein_context*, const void* from, int32_t bytes);

#ifdef __cplusplus
}
#endif
