"""An endpoint for tests and measurements: the embedded teacher behind real HTTP, with faults, limits and latency.

python -m tests.endpoint --latency 0.2 --fault 429=0.05
"""
