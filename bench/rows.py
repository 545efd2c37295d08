"""The table's rows: what each is called, which program has it, in which unit it is shown, what is asked of it."""
from dataclasses import dataclass


@dataclass
class Row:
    name: str          # the same in every program of bench/
    title: str
    program: str       # bench_PROGRAM, and bench_byhand_PROGRAM where there is one
    unit: str          # ms or us
    jax: float = 0     # at least so many times faster than JAX
    best: float = 0    # at least so many times faster than the fastest of JAX, NumPy and PyTorch
    numpy: float = 0   # at most so many times NumPy's time
    hand: float = 0    # at most so many times the time by hand, or of Open MPI's call
    seconds: float = 0  # at most so long
    devices: int = 1


M = "50M"
ROWS = [
    Row("exp_sin", f"exp(x)+3*sin(x), {M}", "elementwise", "ms", 8, hand=1.25),
    Row("add_one", f"x+1, {M}", "elementwise", "ms", 6, hand=1.25),
    Row("sum_squares", f"sum of squares, {M}", "elementwise", "ms", 1, hand=1.25),
    Row("mean_var_max", f"mean, var and max, {M}", "elementwise", "ms", 4, hand=1.25),
    Row("standardise", "standardise columns, 10000 x 10000", "matrix", "ms", 6, hand=1.25),
    Row("sum_axis0", "sum over axis 0", "matrix", "ms", 4, hand=1.25),
    Row("sum_axis1", "sum over axis 1", "matrix", "ms", 1, hand=1.25),
    Row("softmax", "softmax over rows", "matrix", "ms", 3, hand=1.25),
    Row("pairwise", "pairwise forces, 8192 x 8192", "simulation", "ms", 100, hand=1.5),
    Row("jacobi", "Jacobi 4096 x 4096, 50 sweeps", "simulation", "ms", 6, hand=1.5),
    Row("julia", "Julia 1024 x 1024, 100 turns", "simulation", "ms", 7, hand=2.5),
    Row("uniform", f"Threefry uniform, {M}", "random", "ms", 10, hand=1.5),
    Row("normal", f"Threefry normal, {M}", "random", "ms", 10, hand=1.5),
    Row("matmul_f32", "matmul 4096, float32", "matmul", "ms", 1, hand=1.05),
    Row("matmul_f64", "matmul 4096, float64", "matmul", "ms", 1, hand=1.05),
    Row("matmul_transposed", "matmul 4096, transposed, float32", "matmul", "ms", 1, hand=1.05),
    Row("matmul_batched", "matmul 16 x 1024, float32", "matmul", "ms", 1, hand=1.05),
    Row("cumsum", f"cumulative sum, {M}", "search", "ms", 8, hand=1.4),
    Row("keep_mask", f"keep x > 0.5, {M}", "search", "ms", hand=1.4),
    Row("sort", "sort, 10M", "search", "ms", numpy=0.8),
    Row("argsort", "argsort, 10M", "search", "ms", numpy=0.25),
    Row("sort_two_keys", "sort by two keys, 10M", "search", "ms", 20),
    Row("top_k", "top_k 100 of 10M", "search", "ms", best=4),
    Row("unique", "unique, 10M int32", "search", "ms", best=2),
    Row("segment_sum", "segment_sum, 10M into 1M", "search", "ms", best=1),
    Row("gather", "gather, 10M from 1M", "search", "ms", best=2),
    Row("scatter_add", "scatter-add, 10M into 1M", "search", "ms", best=1),
    Row("histogram", "histogram, 10M in 1000 bins", "search", "ms", best=5),
    Row("mlp_step", "MLP training step 784-1024-1024-10", "learning", "ms", 1),
    Row("lstm", "LSTM, 1000 steps, hidden 256", "learning", "ms", 2),
    Row("pairwise_gradient", "gradient of the pairwise energy, 8192", "learning", "ms", 50),
    Row("vmap_julia", "vmap of an escape loop, 1M points", "learning", "ms", 5),
    Row("hessian", "hessian of a model of 100 parameters", "learning", "ms", 1),
    Row("distances_matmul", "all distances, 12910 x 18, by matmul", "learning", "ms", 3),
    Row("distances_broadcast", "all distances, by broadcasting", "learning", "ms", 3),
    Row("k_means", "k-means, 100000 x 18, 30 turns", "learning", "ms", 1.2),
    Row("fft", "FFT of 2^22 complex64", "linalg", "ms", best=1),
    Row("fft_prime", "FFT of 1000003 complex64, a prime", "linalg", "ms", best=1),
    Row("rfft2", "rfft2, 2048 x 2048", "linalg", "ms", best=1),
    Row("cholesky", "Cholesky, 4096", "linalg", "ms", best=1),
    Row("solve", "solve, 4096", "linalg", "ms", best=1),
    Row("qr", "QR, 1024", "linalg", "ms", best=1),
    Row("svd", "SVD, 1024", "linalg", "ms", best=1),
    Row("eigh", "eigh, 1024", "linalg", "ms", best=1),
    Row("vmap_solve", "vmap of a 3 x 3 solve, 1M", "linalg", "ms", 5),
    Row("tiny_call", "call of a compiled tiny function", "overhead", "us", seconds=1e-6),
    Row("tiny_loop", "100000 turns of a tiny loop", "overhead", "us", 1),
    Row("compile", "compile exp(x)+c*sin(x), process warm", "overhead", "ms", 1),
    Row("start", "a process that does nothing", "nothing", "ms", seconds=0.1),
    Row("psum_call_4", "call with one psum, 4 devices", "collectives", "us", seconds=10e-6, devices=4),
    Row("psum_4B_2", "psum 4 B, 2 devices", "collectives", "us", seconds=0.5e-6, devices=2),
    Row("psum_4B_4", "psum 4 B, 4 devices", "collectives", "us", seconds=1.5e-6, devices=4),
]
for size in 1, 16:
    for verb in "psum", "all_gather", "psum_scatter", "all_to_all", "ppermute":
        for n in 2, 4:
            ROWS.append(Row(f"{verb}_{size}MiB_{n}", f"{verb} {size} MiB, {n} devices", "collectives", "us", 1.5, hand=1.0, devices=n))

MEMORY = {"pairwise": "at most 16 MiB", "standardise": "at most one input", "jacobi": "at most one input"}
