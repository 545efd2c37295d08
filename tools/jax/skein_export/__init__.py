"""JAX programs as StableHLO in MLIR's generic form, which Skein reads without a StableHLO library."""

import json

from jaxlib.mlir import ir


def _context():
    """A context with the dialects that JAX prints."""
    from jax._src.interpreters import mlir as jax_mlir

    context = jax_mlir.make_ir_context()
    context.allow_unregistered_dialects = True
    return context


def generic(module):
    """The module's text in generic form, without locations."""
    return module.operation.get_asm(print_generic_op_form=True, enable_debug_info=False)


def convert(data):
    """Turns what `jax.jit(f).lower(x).as_text()` prints, or a serialised `jax.export`, into generic form.

    data: str or bytes. A serialised export is recognised by not being text or MLIR bytecode.
    """
    if isinstance(data, bytes) and not data.startswith(b"ML\xefR"):
        try:
            data = data.decode("utf-8")
            if "func.func" not in data and "builtin.module" not in data:
                raise UnicodeDecodeError("utf-8", b"", 0, 1, "not a module")
        except UnicodeDecodeError:
            from jax import export

            data = export.deserialize(bytearray(data if isinstance(data, bytes) else data.encode())).mlir_module()
    with _context():
        return generic(ir.Module.parse(data))


def save(jitted, *args, path, **kwargs):
    """Writes the program that `jitted` (the result of jax.jit) is for `args` to `path`.

    Beside it, `path` + ".json" names the arguments' and results' pytree, shapes, dtypes and shardings.
    Arrays of a pytree are the program's arguments in jax.tree.flatten's order.
    """
    import jax

    lowered = jitted.lower(*args, **kwargs)
    with open(path, "w") as file:
        file.write(generic(lowered.compiler_ir("stablehlo")))

    def leaf(key, value, sharding=None):
        return {"name": jax.tree_util.keystr(key), "shape": list(value.shape), "dtype": str(value.dtype),
                "sharding": str(getattr(value, "sharding", None))}

    leaves, tree = jax.tree_util.tree_flatten_with_path(lowered.args_info)
    results, result_tree = jax.tree_util.tree_flatten_with_path(lowered.out_info)
    about = {"arguments": [leaf(k, v) for k, v in leaves], "arguments_tree": str(tree),
             "results": [leaf(k, v) for k, v in results], "results_tree": str(result_tree)}
    with open(str(path) + ".json", "w") as file:
        json.dump(about, file, indent=1)
