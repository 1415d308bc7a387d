"""``collapse info``: versions, devices, folders."""

from __future__ import annotations


def info() -> int:
    """Print versions, devices and the folder of compiled programs."""
    from collapse_theory.cli.session import begin, cache_folder

    begin(cache=False)
    import platform
    from importlib.metadata import version

    import jax

    from collapse_theory import __version__

    packages = ("jax", "jaxlib", "equinox", "numpy", "scipy", "xarray", "zarr", "matplotlib")
    devices = ", ".join(f"{d.device_kind} {d.id}" for d in jax.local_devices())
    rows = {"collapse-theory": __version__, "python": platform.python_version()}
    rows |= {name: version(name) for name in packages}
    rows |= {
        "backend": jax.default_backend(),
        "devices": devices,
        "precision": "float64 in this command; JAX's own setting in the library",
        "compiled programs": str(cache_folder() or "not kept: no folder can be written"),
    }
    for name, value in rows.items():
        print(f"{name:<18} {value}")
    return 0
