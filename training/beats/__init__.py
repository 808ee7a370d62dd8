# SPDX-License-Identifier: Apache-2.0
"""BEATs (arXiv:2212.09058) at a small size for stamp world's sounds, under the official names."""
