"""Where sensors sit and how their clocks and motion relate."""
