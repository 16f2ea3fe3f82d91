"""Where a workload would cost less: break-even, hybrid optimum, payback, and one verdict with its reasons."""
