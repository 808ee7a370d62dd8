# SPDX-License-Identifier: Apache-2.0
"""StampBench: held-out clips of stamp world in the layouts of three referring benchmarks."""
