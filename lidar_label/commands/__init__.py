"""One module a subcommand of `lidar-label`."""
