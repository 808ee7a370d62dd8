# SPDX-License-Identifier: Apache-2.0
"""SAM 2.1 in plain PyTorch, at any size, with the module names of the official checkpoints."""
