"""The label columns, under the name by which the rest of this package knows them."""

from lidar_label.datasets.cuboids import Cuboids, load_cuboids, read_provenance, save_cuboids

__all__ = ["Cuboids", "load_cuboids", "read_provenance", "save_cuboids"]
