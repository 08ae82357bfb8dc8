"""What the tests build on: a sealed home, real repositories, the real commands."""
