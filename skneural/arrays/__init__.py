"""Dense and sparse matrices, cache blocks, BLAS threads, interrupts."""
